"""Audio files: every sample format, damaged headers, and nothing but AudioError for the rest."""

import io
import struct
import subprocess
import wave
from shutil import which

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from harness.audio import (
    SUBTYPES,
    AudioError,
    float_to_pcm,
    frame_bytes,
    pcm_to_float,
    read_audio,
    read_wav_bytes,
    resample,
    wav_bytes,
    write_wav,
)
from harness.core.hashes import pcm_sha256

WAV_SUBTYPES = [name for name in SUBTYPES if name != "PCM_S8"]
HALF_STEP = {"PCM_U8": 2**-8, "PCM_S8": 2**-8, "PCM_16": 2**-16, "PCM_24": 2**-23, "PCM_32": 2**-24}
TONE = (0.5 * np.sin(np.arange(4000) * 0.05)).astype(np.float32)


def header(rate=16000, channels=1, bits=16, tag=1, block=None, extra=b""):
    block = channels * bits // 8 if block is None else block
    body = struct.pack("<HHIIHH", tag, channels, rate, rate * block, block, bits) + extra
    return b"RIFF" + b"\xff\xff\xff\xff" + b"WAVEfmt " + struct.pack("<I", len(body)) + body


def data_chunk(body, size=None):
    return b"data" + struct.pack("<I", len(body) if size is None else size) + body


bounded = arrays(np.float32, st.integers(1, 300), elements=st.floats(-1, 1, width=32))
anything = arrays(np.float32, st.integers(1, 300), elements=st.floats(width=32, allow_nan=True, allow_infinity=True))


@pytest.mark.parametrize("subtype", list(HALF_STEP))
@given(samples=bounded)
def test_integer_formats_return_what_was_written_within_half_a_step(subtype, samples):
    back = pcm_to_float(float_to_pcm(samples, subtype), subtype)
    top = 1 - 2 * HALF_STEP[subtype]  # full scale positive is one step short of 1
    assert np.abs(back - np.minimum(samples, top)).max() <= HALF_STEP[subtype] + 1e-7


@pytest.mark.parametrize("subtype", list(HALF_STEP))
@given(data=st.data())
def test_integer_bytes_survive_decoding_and_encoding(subtype, data):
    width = SUBTYPES[subtype]
    raw = data.draw(st.binary(min_size=width, max_size=60 * width))
    raw = raw[: len(raw) // width * width]
    if subtype == "PCM_32":  # float32 holds 24 bits of the 32
        raw = b"".join(b"\0" + raw[at + 1 : at + 4] for at in range(0, len(raw), 4))
    assert float_to_pcm(pcm_to_float(raw, subtype), subtype) == raw


@pytest.mark.parametrize("subtype", ["FLOAT", "DOUBLE"])
@given(samples=anything)
def test_float_files_keep_every_value_nan_and_beyond_one_included(subtype, samples):
    back = read_wav_bytes(wav_bytes(samples, 24000, subtype))
    np.testing.assert_array_equal(back.samples, samples)
    assert (back.sample_rate, back.subtype, back.repairs) == (24000, subtype, ())


@pytest.mark.parametrize("subtype", WAV_SUBTYPES)
@pytest.mark.parametrize("rate", [8000, 22050, 48000])
def test_our_files_are_read_alike_by_libsndfile(tmp_path, subtype, rate):
    import soundfile

    write_wav(tmp_path / "a.wav", TONE[:333], rate, subtype)
    theirs, their_rate = soundfile.read(tmp_path / "a.wav", dtype="float32")
    ours = read_audio(tmp_path / "a.wav")
    assert ours.sample_rate == their_rate == rate
    np.testing.assert_allclose(ours.samples, theirs, atol=1e-7)
    assert ours.repairs == ()


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"])
@pytest.mark.parametrize("format", ["WAV", "WAVEX", "RF64"])
def test_files_of_libsndfile_are_read_and_stereo_is_averaged(subtype, format):
    import soundfile

    stereo = np.stack([TONE, TONE / 2], axis=1)
    buffer = io.BytesIO()
    soundfile.write(buffer, stereo, 44100, subtype=subtype, format=format)
    audio = read_wav_bytes(buffer.getvalue())
    assert (audio.channels, audio.sample_rate) == (2, 44100)
    np.testing.assert_allclose(audio.samples, TONE * 0.75, atol=0.008)


@pytest.mark.parametrize("format", ["FLAC", "OGG", "AIFF", "MP3"])
def test_other_formats_go_through_libsndfile(tmp_path, format):
    import soundfile

    path = tmp_path / f"a.{format.lower()}"
    soundfile.write(path, TONE, 16000, format=format)
    audio = read_audio(path)
    assert audio.sample_rate == 16000
    assert np.abs(audio.samples).max() == pytest.approx(0.5, abs=0.05)


def test_mu_law_is_decoded_rather_than_refused():
    import soundfile

    buffer = io.BytesIO()
    soundfile.write(buffer, TONE, 8000, subtype="ULAW", format="WAV")
    np.testing.assert_allclose(read_wav_bytes(buffer.getvalue()).samples, TONE, atol=0.02)


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF, 0x7FFFFFFF, 0x7FFFF000])
def test_streaming_sizes_read_to_the_end_and_are_recorded(size):
    audio = read_wav_bytes(header() + data_chunk(float_to_pcm(TONE, "PCM_16"), size))
    assert len(audio.samples) == len(TONE)
    assert "streaming" in audio.repairs[0]


def test_truncated_file_gives_what_is_there_and_says_so():
    audio = read_wav_bytes(wav_bytes(TONE, 16000, "PCM_16")[:-1001])
    assert len(audio.samples) == len(TONE) - 501
    assert any("truncated" in repair for repair in audio.repairs)
    assert any("1 bytes of an incomplete last frame" in repair for repair in audio.repairs)


@pytest.mark.parametrize("placeholder", [False, True])
def test_wav_files_joined_end_to_end_become_one_without_the_header_as_a_click(placeholder):
    body = float_to_pcm(TONE, "PCM_16")
    size = 0xFFFFFFFF if placeholder else len(body)
    audio = read_wav_bytes((header() + data_chunk(body, size)) * 3)
    assert len(audio.samples) == 3 * len(TONE)
    assert sum("second WAV header" in repair for repair in audio.repairs) == 2
    np.testing.assert_allclose(audio.samples[len(TONE) : 2 * len(TONE)], TONE, atol=1e-4)


def test_joined_files_of_different_rates_are_refused():
    body = float_to_pcm(TONE, "PCM_16")
    with pytest.raises(AudioError, match=r"changes its format midway.*16000.*24000"):
        read_wav_bytes(header(16000) + data_chunk(body) + header(24000) + data_chunk(body))


@pytest.mark.parametrize("padded", [True, False])
def test_odd_chunks_are_read_with_and_without_their_padding(padded):
    listing = b"LIST" + struct.pack("<I", 5) + b"abcde" + (b"\0" if padded else b"")
    audio = read_wav_bytes(header() + listing + data_chunk(float_to_pcm(TONE, "PCM_16")))
    assert len(audio.samples) == len(TONE)
    assert bool(audio.repairs) is not padded


def test_trailing_chunks_are_no_samples():
    trailer = b"LIST" + struct.pack("<I", 4) + b"INFO"
    audio = read_wav_bytes(header() + data_chunk(float_to_pcm(TONE, "PCM_16")) + trailer)
    assert len(audio.samples) == len(TONE)
    assert audio.repairs == ()


def test_wrong_frame_size_in_the_header_is_repaired():
    audio = read_wav_bytes(header(block=1) + data_chunk(float_to_pcm(TONE, "PCM_16")))
    assert len(audio.samples) == len(TONE)
    assert "frame size 1 in the header read as 2" in audio.repairs


def test_standard_library_files_are_read():
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setparams((2, 2, 11025, 0, "NONE", ""))
        file.writeframes(np.repeat((TONE * 32767).astype("<i2"), 2).tobytes())
    audio = read_wav_bytes(buffer.getvalue())
    assert (audio.channels, audio.sample_rate, len(audio.samples)) == (2, 11025, len(TONE))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "0 bytes"),
        (b"Traceback (most recent call last):\n", "Traceback"),
        (header() + data_chunk(b""), "zero frames"),
        (header() + data_chunk(b"\1"), "zero frames"),
        (header()[:30], "fmt chunk|inside its header"),
        (header(), "no data chunk"),
        (header(rate=0) + data_chunk(b"\0\0"), "0 Hz"),
        (header(channels=0) + data_chunk(b"\0\0"), "0 channels"),
        (header(bits=12, block=2, tag=3) + data_chunk(b"\0\0"), "12 bits"),
        (header(tag=0x6789) + data_chunk(b"\0\0"), "0x6789"),
        (b"RIFF\0\0\0\0WAVE" + data_chunk(b"\0\0"), "before its fmt"),
    ],
)
def test_what_is_no_audio_gets_one_clear_line(data, words):
    with pytest.raises(AudioError, match=words) as caught:
        read_wav_bytes(data)
    assert "\n" not in str(caught.value)


def test_errors_name_the_file(tmp_path):
    (tmp_path / "log.wav").write_text("error: out of memory\n")
    with pytest.raises(AudioError, match=r"log\.wav: not audio.*out of memory"):
        read_audio(tmp_path / "log.wav")
    with pytest.raises(AudioError, match=r"absent\.wav: cannot be read"):
        read_audio(tmp_path / "absent.wav")
    with pytest.raises(AudioError, match="cannot be read"):
        read_audio(tmp_path)


def test_unknown_sample_format_names_the_nearest():
    with pytest.raises(AudioError, match="PCM_16"):
        pcm_to_float(b"", "PCM16")
    with pytest.raises(AudioError, match="PCM_S8"):
        wav_bytes(TONE, 16000, "PCM_S8")
    assert frame_bytes("PCM_24", 2) == 6


def read_or_refuse(data):
    """Read; the only error allowed is AudioError. Returns the audio or None."""
    try:
        audio = read_wav_bytes(data)
    except AudioError:
        return None
    assert audio.samples.dtype == np.float32
    assert audio.samples.ndim == 1
    assert len(audio.samples) >= 1
    return audio


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(data=st.binary(max_size=200), start=st.sampled_from([b"", b"RIFF", b"RIFX", b"RIFF\0\0\0\0WAVE", header()]))
def test_arbitrary_bytes_raise_nothing_but_audio_error(data, start):
    read_or_refuse(start + data)


VALID = [wav_bytes(TONE[:40], 16000, subtype) for subtype in WAV_SUBTYPES] + [
    (header() + data_chunk(float_to_pcm(TONE[:20], "PCM_16"), 0xFFFFFFFF)) * 2
]


@settings(max_examples=500, deadline=None)
@given(
    data=st.sampled_from(VALID),
    edits=st.lists(st.tuples(st.integers(0, 79), st.integers(0, 255)), max_size=6),
    cut=st.integers(0, 250),
    slip=st.binary(max_size=3),
    at=st.integers(0, 80),
)
def test_mutated_files_raise_nothing_but_audio_error(data, edits, cut, slip, at):
    mutated = bytearray(data[:at] + slip + data[at:])
    for position, value in edits:
        mutated[min(position, len(mutated) - 1)] = value
    read_or_refuse(bytes(mutated[: len(mutated) - cut]))


def test_arbitrary_files_of_other_formats_raise_nothing_but_audio_error(tmp_path):
    import soundfile

    rng = np.random.default_rng(0)
    for format in ("FLAC", "OGG", "AIFF", "AU", "CAF", "W64"):
        buffer = io.BytesIO()
        soundfile.write(buffer, TONE, 16000, format=format)
        whole = buffer.getvalue()
        for take in range(25):
            broken = bytearray(whole[: rng.integers(4, len(whole))])
            for place in rng.integers(0, min(len(broken), 120), 4):
                broken[place] = rng.integers(0, 256)
            path = tmp_path / f"{format}{take}"
            path.write_bytes(broken)
            try:
                assert len(read_audio(path).samples) >= 1
            except AudioError as error:
                assert "\n" not in str(error)


def test_hash_is_of_the_samples_not_of_the_file():
    assert pcm_sha256(read_wav_bytes(wav_bytes(TONE, 8000, "FLOAT")).samples) == pcm_sha256(TONE)
    assert pcm_sha256(TONE) != pcm_sha256(TONE[:-1])
    assert pcm_sha256(TONE[::-1]) == pcm_sha256(TONE[::-1].copy())
    assert wav_bytes(TONE, 8000) == wav_bytes(TONE, 8000)


@pytest.mark.parametrize(("source", "target"), [(22050, 16000), (8000, 16000), (48000, 16000), (24000, 22050)])
def test_resampling_keeps_the_tone_and_the_duration(source, target):
    tone = np.sin(2 * np.pi * 1000 * np.arange(source) / source).astype(np.float32)
    changed = resample(tone, source, target)
    assert changed.dtype == np.float32
    assert len(changed) == target
    wanted = np.sin(2 * np.pi * 1000 * np.arange(target) / target)
    assert np.abs(changed - wanted)[500:-500].max() < 0.01


def test_resampling_leaves_equal_rates_and_empty_audio_alone():
    np.testing.assert_array_equal(resample(TONE, 16000, 16000), TONE)
    assert len(resample(TONE[:0], 8000, 16000)) == 0
    with pytest.raises(ValueError, match="positive"):
        resample(TONE, 0, 16000)


@pytest.mark.skipif(which("espeak-ng") is None, reason="needs the apt package espeak-ng")
def test_espeak_ng_on_a_pipe_is_read_with_its_placeholder_recorded():
    spoken = subprocess.run(["espeak-ng", "--stdout", "Hello there"], capture_output=True, check=True).stdout
    audio = read_wav_bytes(spoken)
    assert audio.duration > 0.4
    assert "streaming placeholder" in audio.repairs[0]
