"""Audio files: WAV through the project's own walker, everything else through libsndfile."""

from __future__ import annotations

import io
import stat
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from harness.audio.pcm import float_to_pcm, frame_bytes, pcm_to_float
from harness.audio.riff import RATES, UnknownCodec, Walk
from harness.core.errors import AudioError, NoFrames
from harness.core.records import Samples

_TAGS = {"PCM_U8": 1, "PCM_16": 1, "PCM_24": 1, "PCM_32": 1, "FLOAT": 3, "DOUBLE": 3}
FILE_LIMIT = 1 << 30  # bytes of a file; three hours of float32 at 24 kHz
_FRAMES_LIMIT = 1 << 28  # mono samples after decoding; as float32 as many bytes as FILE_LIMIT
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
        """Return seconds of audio."""
        return len(self.samples) / self.sample_rate


def read_audio(path: Path, *, quote: bool = True) -> AudioFile:
    """Read an audio file of any format known to libsndfile; WAV may be damaged as ``harness.audio.riff`` describes.

    Raises AudioError (one line, with the path) where it is absent, empty, longer than FILE_LIMIT, no audio, or holds
    zero frames. ``quote``: the error shows how bytes begin that are no audio; not to be done for a file that may be
    somebody else's.
    """
    data = read_bytes_of_audio(path)
    try:
        return read_wav_bytes(data) if data[:4] == b"RIFF" else _read_other(data)
    except AudioError as error:
        text = str(error) if quote else str(error).partition(" beginning ")[0]
        raise type(error)(f"{path}: {text}") from error


def read_bytes_of_audio(path: Path) -> bytes:
    """Return the bytes of a regular file of at most FILE_LIMIT bytes. Raises AudioError, with the path."""
    try:
        state = path.stat()
        if not stat.S_ISREG(state.st_mode):
            raise AudioError(f"{path}: cannot be read: not a regular file")
        if state.st_size > FILE_LIMIT:  # looked at first: a sparse file costs nothing on disk and everything in memory
            raise AudioError(f"{path}: {state.st_size} bytes, more than {FILE_LIMIT}")
        with path.open("rb") as file:
            data = file.read(FILE_LIMIT + 1)
    except (OSError, ValueError) as error:
        raise AudioError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from error
    if len(data) > FILE_LIMIT:
        raise AudioError(f"{path}: more than {FILE_LIMIT} bytes")
    return data


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
    wav_format = walk.format
    pieces = [piece for piece in walk.pieces if len(piece)]
    if wav_format is None or not pieces:
        raise NoFrames("WAV holds zero frames")
    frames = sum(map(len, pieces)) // frame_bytes(wav_format.subtype, wav_format.channels)
    if frames > _FRAMES_LIMIT:
        raise AudioError(f"{frames} frames, more than {_FRAMES_LIMIT}")
    joined = pieces[0] if len(pieces) == 1 else memoryview(b"".join(pieces))
    samples = pcm_to_float(joined, wav_format.subtype, wav_format.channels)
    return AudioFile(samples, wav_format.rate, wav_format.channels, wav_format.subtype, tuple(walk.repairs))


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
            blocks, frames = [], 0
            while len(block := file.read(_BLOCK, dtype="float32", always_2d=True)):
                with np.errstate(all="ignore"):  # mixed at once: 255 channels would take 255 times the memory
                    blocks.append(block.mean(axis=1, dtype=np.float64).astype(np.float32))
                frames += len(block)
                if frames > _FRAMES_LIMIT:
                    raise AudioError(f"decodes to more than {_FRAMES_LIMIT} frames")
    except (soundfile.SoundFileError, RuntimeError, OSError, ValueError, MemoryError) as error:
        raise AudioError(otherwise or f"not audio: {_opening(data)}") from error
    if not blocks:
        raise NoFrames("holds zero frames")
    if not RATES[0] <= rate <= RATES[1]:
        raise AudioError(f"header says {rate} Hz; {RATES[0]} to {RATES[1]} can be read")
    return AudioFile(np.concatenate(blocks), rate, channels, subtype)


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
