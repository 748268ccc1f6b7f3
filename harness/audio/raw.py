"""Raw samples as backends send them: perhaps with WAV headers, with log lines, or in another format altogether."""

from __future__ import annotations

import re
from dataclasses import dataclass

from harness.audio.files import read_wav_bytes
from harness.audio.pcm import frame_bytes, pcm_to_float
from harness.audio.riff import Walk, find_header, text_after
from harness.core.errors import AudioError, NoFrames
from harness.core.records import Samples

_BEGINNINGS = {
    b"OggS": "Ogg", b"fLaC": "FLAC", b"ID3": "MP3", b"FORM": "AIFF", b"caff": "CAF", b".snd": "AU", b"RIFX": "RIFX WAV",
    b"RF64": "RF64 WAV", b"\x1aE\xdf\xa3": "WebM", b"\x1f\x8b\x08": "gzip", b"%PDF-": "PDF", b"PK\x03\x04": "ZIP",
}  # fmt: skip
_MPEG_RATES = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)  # kbit/s, MPEG 1 layer III
_MPEG2_RATES = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
_TEXT_OPENING = 64  # bytes looked at for text in the place of samples
_TEXT = re.compile(rb"(?:[\t\r\n\x20-\x7e]|[\xc3-\xf4][\x80-\xbf]{1,3})+")


@dataclass(frozen=True, slots=True)
class RawAudio:
    """Samples decoded from raw bytes, at ``sample_rate`` Hz; ``repairs`` says what was taken out."""

    samples: Samples
    sample_rate: int | None
    repairs: tuple[str, ...] = ()


def read_raw(data: bytes, subtype: str, channels: int, rate: int | None) -> RawAudio:
    """Decode raw samples. A WAV header in front of all or of every piece is taken out and named.

    A header's own format and rate are used, and named where they are not those that were asked for. Text lines behind
    the samples are taken out. Raises AudioError for another format, text, or an unknown subtype; NoFrames for less than
    one frame.
    """
    first = find_header(data, 0, len(data))
    if first == 0:
        return _from_wav(data, subtype, channels, rate)
    other = container_of(data)
    if other:
        raise AudioError(f"{other} where raw samples were asked for; set the format to what the backend sends")
    quoted = text_before(data)
    if quoted:
        raise AudioError(f"text where raw samples were asked for: {quoted}")
    if first is not None:
        return _with_headers_inside(data, first, subtype, channels, rate)
    kept, repairs = text_after(data)
    extra = len(kept) % frame_bytes(subtype, channels)
    if extra:
        repairs = [*repairs, f"{extra} bytes of an incomplete last frame left out"]
    samples = pcm_to_float(kept, subtype, channels)
    if len(samples) == 0:
        raise NoFrames(f"{len(data)} bytes of raw audio, less than one frame")
    return RawAudio(samples, rate, tuple(repairs))


def _from_wav(data: bytes, subtype: str, channels: int, rate: int | None) -> RawAudio:
    read = read_wav_bytes(data)
    repairs = ["WAV header at byte 0 of raw samples taken out", *read.repairs]
    said = (read.subtype, read.channels, read.sample_rate)
    if said != (subtype, channels, rate):
        asked = f"{subtype} {rate} Hz x{channels}"
        repairs.append(f"the header says {said[0]} {said[2]} Hz x{said[1]} and was believed, the setting says {asked}")
    return RawAudio(read.samples, read.sample_rate, tuple(repairs))


def _with_headers_inside(data: bytes, first: int, subtype: str, channels: int, rate: int | None) -> RawAudio:
    """Raw samples that are followed by whole WAV files: one stream, cut where a header begins."""
    walk = Walk(data[first:])
    walk.run()
    wav_format = walk.format
    if wav_format is None or (wav_format.subtype, wav_format.channels, wav_format.rate) != (subtype, channels, rate):
        shown = "unknown" if wav_format is None else f"{wav_format.subtype} {wav_format.rate} Hz x{wav_format.channels}"
        raise AudioError(f"a WAV header at byte {first} of raw samples says {shown}, the setting {subtype} {rate} Hz")
    size = frame_bytes(subtype, channels)
    body = b"".join([data[: first // size * size], *walk.pieces])
    repairs = [f"WAV header at byte {first} of raw samples taken out", *walk.repairs]
    return RawAudio(pcm_to_float(body, subtype, channels), rate, tuple(repairs))


def container_of(data: bytes) -> str:
    """Return the name of the format that bytes begin as, other than WAV and raw samples; empty where none is known."""
    for opening, name in _BEGINNINGS.items():
        if data.startswith(opening):
            return name
    if data[4:8] == b"ftyp":
        return "MP4"
    following = _mpeg_frame(data, 0)
    # two headers in a row: samples look like one by chance, not like two a frame apart
    return "MP3" if following and _mpeg_frame(data, following) else ""


def _mpeg_frame(data: bytes, at: int) -> int:
    """Return where the MPEG layer III frame that begins at ``at`` ends, 0 where none begins there."""
    if len(data) < at + 4 or data[at] != 0xFF or data[at + 1] & 0xE6 != 0xE2:
        return 0
    version, rate_index, frequency = data[at + 1] >> 3 & 3, data[at + 2] >> 4, data[at + 2] >> 2 & 3
    if version == 1 or frequency == 3 or rate_index in (0, 15):
        return 0
    kilobits = (_MPEG_RATES if version == 3 else _MPEG2_RATES)[rate_index]
    hertz = (44_100, 48_000, 32_000)[frequency] // {3: 1, 2: 2, 0: 4}[version]
    return int(at + (144 if version == 3 else 72) * kilobits * 1000 // hertz + (data[at + 2] >> 1 & 1))


def text_before(data: bytes) -> str:
    """Return the quoted first line of bytes that begin as text, empty where they do not."""
    opening = data[:_TEXT_OPENING]
    match = _TEXT.match(opening)
    letters = sum(chr(byte).isalnum() for byte in opening[: match.end()] if byte < 128) if match else 0
    if match is None or match.end() < min(len(opening), 16) or letters < 6:
        return ""
    return repr(data[:200].decode("utf-8", "replace").splitlines()[0][:120])
