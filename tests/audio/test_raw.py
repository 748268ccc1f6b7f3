"""Raw samples with something else among them: WAV headers, other formats, lines of a log."""

import io

import numpy as np
import pytest
import soundfile

from harness.audio import AudioError, float_to_pcm, read_raw, read_wav_bytes, wav_bytes
from harness.backends.http_stream import Listening
from harness.core.errors import NoFrames
from harness.core.records import Attempt, Chunk, DetectorInput
from harness.detectors import get

RATE = 24_000
SOUND = (0.3 * np.sin(np.arange(RATE) / 7) * np.random.default_rng(1).uniform(0.2, 1, RATE)).astype(np.float32)
PCM = float_to_pcm(SOUND, "PCM_16")
LOG = b"Done in 0.52 seconds\n"


def coded(kind: str) -> bytes:
    target = io.BytesIO()
    soundfile.write(target, SOUND, RATE, format=kind)
    return target.getvalue()


def wav_fault(repairs: tuple[str, ...]) -> float | None:
    attempt = Attempt(0, 0, 0, "c", "v", notes={"repairs": list(repairs)})
    return get("wav-header").evidence(DetectorInput(Chunk("c", "x"), attempt, {})).value


def test_raw_samples_are_read_as_they_are() -> None:
    read = read_raw(PCM, "PCM_16", 1, RATE)
    assert read.repairs == ()
    assert np.allclose(read.samples, SOUND, atol=1e-4)


@pytest.mark.parametrize("pieces", [1, 3])
def test_wav_headers_before_raw_samples_or_before_every_piece_are_taken_out_and_noted(pieces: int) -> None:
    body = b"".join(wav_bytes(part, RATE, "PCM_16") for part in np.array_split(SOUND, pieces))
    read = read_raw(body, "PCM_16", 1, RATE)
    assert np.array_equal(read.samples, read_raw(PCM, "PCM_16", 1, RATE).samples)
    assert sum("WAV header at byte" in note for note in read.repairs) >= pieces - (pieces > 1)
    assert wav_fault(read.repairs) == 0


def test_a_header_between_raw_pieces_is_taken_out() -> None:
    body = PCM[: RATE // 2 * 2] + wav_bytes(SOUND[RATE // 2 :], RATE, "PCM_16")
    read = read_raw(body, "PCM_16", 1, RATE)
    assert np.array_equal(read.samples, read_raw(PCM, "PCM_16", 1, RATE).samples)
    assert "WAV header" in read.repairs[0]


def test_a_headers_rate_is_compared_with_the_setting() -> None:
    read = read_raw(wav_bytes(SOUND, 16_000, "PCM_16"), "PCM_16", 1, RATE)
    assert read.sample_rate == 16_000
    assert any("16000 Hz" in note and "24000 Hz" in note for note in read.repairs)


@pytest.mark.parametrize(("kind", "name"), [("OGG", "Ogg"), ("FLAC", "FLAC"), ("MP3", "MP3"), ("AIFF", "AIFF")])
def test_another_format_in_the_place_of_raw_samples_is_named(kind: str, name: str) -> None:
    with pytest.raises(AudioError, match=f"^{name} where raw samples"):
        read_raw(coded(kind), "PCM_16", 1, RATE)


@pytest.mark.parametrize("said", [b"Loading the model, please wait\n", b'{"error": {"message": "no such voice"}}'])
def test_text_before_raw_samples_is_quoted(said: bytes) -> None:
    with pytest.raises(AudioError, match=said.decode()[:12].replace("{", "\\{")):
        read_raw(said + PCM, "PCM_16", 1, RATE)


def test_noise_is_never_taken_for_a_header_or_for_text() -> None:
    rng = np.random.default_rng(7)
    for _ in range(300):
        noise = rng.integers(0, 256, 2000, dtype=np.uint8).tobytes()
        assert read_raw(noise, "PCM_16", 1, RATE).repairs == ()


def test_less_than_a_frame_is_no_audio() -> None:
    with pytest.raises(NoFrames):
        read_raw(b"\x01", "PCM_16", 1, RATE)


def test_lines_of_a_log_after_the_audio_are_noted_and_no_fault() -> None:
    plain = wav_bytes(SOUND, RATE, "PCM_16")
    streamed = plain[:40] + b"\xff\xff\xff\xff" + plain[44:]
    for body in (plain, streamed):
        read = read_wav_bytes(body + LOG)
        assert np.array_equal(read.samples, read_wav_bytes(plain).samples)
        assert any("Done in 0.52 seconds" in note for note in read.repairs)
        assert wav_fault(read.repairs) == 0
    raw = read_raw(PCM + LOG, "PCM_16", 1, RATE)
    assert len(raw.samples) == len(SOUND) and "Done in" in raw.repairs[0]


def test_bytes_that_are_no_text_after_the_audio_are_still_lost_audio() -> None:
    read = read_wav_bytes(wav_bytes(SOUND, RATE, "PCM_16") + bytes(range(128, 250)))
    assert wav_fault(read.repairs) == 1


def test_a_log_before_the_audio_is_quoted() -> None:
    with pytest.raises(AudioError, match="Done in"):
        read_wav_bytes(LOG + wav_bytes(SOUND, RATE, "PCM_16"))


def test_the_first_sample_is_not_the_header_of_a_wav_in_the_place_of_raw_samples() -> None:
    body = wav_bytes(SOUND, RATE, "PCM_16")
    heard = Listening("pcm", RATE * 2.0)
    for at, part in enumerate((body[:2], body[2:44], body[44:50], body[50:])):
        heard.feed(part, float(at))
    assert heard.first_sample == 2.0
    heard = Listening("pcm", RATE * 2.0)
    heard.feed(PCM[:100], 0.5)
    assert heard.first_sample == 0.5
