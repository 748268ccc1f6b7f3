"""Audio files: WAV through the project's own walker, everything else through libsndfile."""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from harness.audio.pcm import float_to_pcm, frame_bytes, pcm_to_float
from harness.audio.riff import RATES, UnknownCodec, Walk
from harness.errors import AudioError, NoFrames
from harness.types import Samples

_TAGS = {"PCM_U8": 1, "PCM_16": 1, "PCM_24": 1, "PCM_32": 1, "FLOAT": 3, "DOUBLE": 3}
_BLOCK = 1 << 16  # frames read at a time: a header that promises terabytes then costs nothing


@dataclass(frozen=True, slots=True)
class AudioFile:
    """Decoded audio with what its file said of it.

    ``samples``: float32, mono (channels averaged), shape (n,), n >= 1; may hold NaN, Inf and values beyond 1.
    ``channels`` and ``subtype`` (libsndfile's names) are the file's. ``repairs`` says in words what was mended.
    """

    samples: Samples
    sample_rate: int
    channels: int
    subtype: str
    repairs: tuple[str, ...] = ()

    @property
    def duration(self) -> float:
        """Seconds of audio."""
        return len(self.samples) / self.sample_rate


def read_audio(path: Path) -> AudioFile:
    """Read an audio file of any format known to libsndfile; WAV may be damaged as ``harness.audio.riff`` describes.

    Raises AudioError (one line, with the path) where it is absent, empty, no audio, or holds zero frames.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise AudioError(f"{path}: cannot be read: {error.strerror or error}") from error
    try:
        return read_wav_bytes(data) if data[:4] == b"RIFF" else _read_other(data)
    except AudioError as error:
        raise type(error)(f"{path}: {error}") from error


def read_wav_bytes(data: bytes) -> AudioFile:
    """Read the bytes of a WAV file. Raises AudioError: not a WAV, damaged beyond repair, unknown codec, zero frames."""
    if len(data) < 12 or data[:4] != b"RIFF" or data[8:12] != b"WAVE":
        if data[:4] in (b"RIFX", b"RF64"):
            return _read_other(data)
        raise AudioError(f"not a WAV file: {_opening(data)}")
    walk = Walk(data)
    try:
        walk.run()
    except UnknownCodec as error:
        return _read_other(data, str(error))
    found = walk.format
    pieces = [piece for piece in walk.pieces if len(piece)]
    if found is None or not pieces:
        raise NoFrames("WAV holds zero frames")
    joined = pieces[0] if len(pieces) == 1 else memoryview(b"".join(pieces))
    samples = pcm_to_float(joined, found.subtype, found.channels)
    return AudioFile(samples, found.rate, found.channels, found.subtype, tuple(walk.repairs))


class _Bytes(io.BytesIO):
    """Bytes where libsndfile may seek before the start, as it does in damaged files, without a traceback."""

    def seek(self, offset: int, whence: int = 0, /) -> int:
        base = {0: 0, 1: self.tell(), 2: len(self.getbuffer())}.get(whence, 0)
        return super().seek(max(0, base + offset))


def _read_other(data: bytes, otherwise: str = "") -> AudioFile:
    """Read through libsndfile; ``otherwise`` is what to say when it cannot."""
    if not data:
        raise AudioError("not audio: 0 bytes")
    import soundfile

    try:
        with soundfile.SoundFile(_Bytes(data)) as file:
            rate, channels, subtype = int(file.samplerate), int(file.channels), str(file.subtype)
            blocks = []
            while len(block := file.read(_BLOCK, dtype="float32", always_2d=True)):
                blocks.append(block)
    except (soundfile.SoundFileError, RuntimeError, OSError, ValueError, MemoryError) as error:
        raise AudioError(otherwise or f"not audio: {_opening(data)}") from error
    if not blocks:
        raise NoFrames("holds zero frames")
    if not RATES[0] <= rate <= RATES[1]:
        raise AudioError(f"header says {rate} Hz; {RATES[0]} to {RATES[1]} can be read")
    with np.errstate(all="ignore"):
        samples = np.concatenate(blocks).mean(axis=1, dtype=np.float64).astype(np.float32)
    return AudioFile(samples, rate, channels, subtype)


def _opening(data: bytes) -> str:
    """Show how the bytes begin, on one line."""
    return f"{len(data)} bytes beginning {data[:24]!r}" if data else "0 bytes"


def wav_bytes(samples: Samples, rate: int, subtype: str = "FLOAT") -> bytes:
    """Return a mono WAV file as bytes; the same samples give the same bytes (no time stamps, no PEAK chunk).

    Integer subtypes round and clip. Raises AudioError for an unknown subtype and for more than 4 GB.
    """
    if subtype not in _TAGS:
        frame_bytes(subtype)
        raise AudioError(f"WAV has no sample format {subtype}")
    width = frame_bytes(subtype)
    body = float_to_pcm(samples, subtype)
    if len(body) > 0xFFFFFF00:
        raise AudioError(f"{len(body)} bytes of samples do not fit into a WAV file")
    header = struct.pack("<HHIIHH", _TAGS[subtype], 1, rate, rate * width, width, 8 * width)
    chunks = b"fmt " + struct.pack("<I", len(header)) + header
    if _TAGS[subtype] == 3:
        chunks = b"fmt " + struct.pack("<I", len(header) + 2) + header + b"\0\0"
        chunks += b"fact" + struct.pack("<II", 4, len(samples))
    chunks += b"data" + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks


def write_wav(path: Path, samples: Samples, rate: int, subtype: str = "FLOAT") -> None:
    """Write ``wav_bytes`` to ``path``. Raises OSError where it cannot be written, AudioError as ``wav_bytes`` does."""
    path.write_bytes(wav_bytes(samples, rate, subtype))
