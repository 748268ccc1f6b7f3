"""Audio of a run: one file a distinct sound, named by the hash of its float32 samples, kept bit for bit.

FLAC where the samples are exact in 16 or 24 bits, as those of most backends are; float WAV for all others. Own RIFF
writer: libsndfile adds a PEAK chunk with the time of day to float files, so equal sounds would give unequal files. The
name is the SHA-256 of the PCM and the sample rate, so chunk ids never reach the file system and two attempts with the
same samples share a file.
"""

from __future__ import annotations

import hashlib
import re
import struct
from pathlib import Path

import numpy as np

from harness.core.documents import read_limited
from harness.core.durable import sync_directory, write_durably
from harness.core.errors import CannotStore, StoreError
from harness.core.hashes import pcm_sha256
from harness.core.records import Samples
from harness.store.lossless import decode_flac, encode_flac

_HEADER = struct.Struct("<4sI4s4sIHHIIHHH4sII4sI")  # RIFF, fmt with extension size, fact, data
_FLOAT = 3  # WAVE_FORMAT_IEEE_FLOAT
_FILE_LIMIT = (1 << 30) + 4096  # bytes; a worker hands over at most 1 GiB of samples
_RATE_LIMIT = 2**30  # four times as many bytes a second must fit into the header's 32 bits
_NAME = re.compile(r"audio/[0-9a-f]{64}_\d{1,10}\.(?:flac|wav)")


def encode_wav(pcm: bytes, sample_rate: int) -> bytes:
    """Return a mono float32 WAV file of ``pcm``."""
    head = _HEADER.pack(
        b"RIFF", 50 + len(pcm), b"WAVE",
        b"fmt ", 18, _FLOAT, 1, sample_rate, sample_rate * 4, 4, 32, 0,
        b"fact", 4, len(pcm) // 4,
        b"data", len(pcm),
    )  # fmt: skip
    return head + pcm


def decode_wav(data: bytes) -> tuple[Samples, int]:
    """Return samples and rate of a file that ``encode`` made. Raises ValueError saying what is wrong with it."""
    if len(data) < _HEADER.size:
        raise ValueError(f"only {len(data)} bytes")
    fields = _HEADER.unpack_from(data)
    pcm = data[_HEADER.size :]
    if not 0 < fields[7] < _RATE_LIMIT or len(pcm) != fields[-1]:
        raise ValueError(f"its header does not fit its {len(data)} bytes")
    if encode_wav(b"", fields[7])[:4] != data[:4] or data[: _HEADER.size] != encode_wav(pcm, fields[7])[: _HEADER.size]:
        raise ValueError(f"its header does not fit its {len(data)} bytes")
    return np.frombuffer(pcm, dtype="<f4").astype(np.float32, copy=True), int(fields[7])


class Sounds:
    """The ``audio`` directory of one run."""

    def __init__(self, run: Path) -> None:
        self.run = run
        self.folder = run / "audio"

    def write(self, samples: Samples, sample_rate: int | None) -> tuple[str, str]:
        """Store one sound durably; return (path relative to the run, SHA-256). Raises OSError or StoreError."""
        if samples.ndim != 1:
            raise CannotStore(f"{self.run}: audio must have shape (samples,), not {samples.shape}")
        if sample_rate is None or not 0 < sample_rate < _RATE_LIMIT:
            raise CannotStore(f"{self.run}: audio without a usable sample rate ({sample_rate})")
        pcm = np.ascontiguousarray(samples, dtype="<f4").tobytes()
        if len(pcm) > 2**32 - 64:
            raise CannotStore(f"{self.run}: {len(pcm)} bytes of audio are more than a WAV file can hold")
        sha256 = hashlib.sha256(pcm).hexdigest()
        packed = encode_flac(samples, sample_rate)
        name = f"{sha256}_{sample_rate}.{'wav' if packed is None else 'flac'}"
        path = self.folder / name
        data = encode_wav(pcm, sample_rate) if packed is None else packed
        if path.is_file() and path.read_bytes() == data:
            sync_directory(self.folder)  # left by an attempt that was cut off before this step
        else:
            write_durably(path, data)
        return f"audio/{name}", sha256

    def problem(self, relative: str, sha256: str, sample_rate: int | None) -> str:
        """Return what is wrong with a stored sound, or an empty string."""
        try:
            self.read(relative, sha256, sample_rate)
        except StoreError as error:
            return str(error)
        return ""

    def read(self, relative: str, sha256: str, sample_rate: int | None) -> tuple[Samples, int]:
        """Return samples and rate. Raises StoreError naming file and hash when the file is not what was stored."""
        path = self.run / relative
        if _NAME.fullmatch(relative) is None:
            raise StoreError(f"{self.run}: {relative!r} is no name of a sound; expected sound {sha256}")
        data = read_limited(path, f"sound {sha256}", _FILE_LIMIT, StoreError)
        try:
            samples, rate = decode_flac(data) if path.suffix == ".flac" else decode_wav(data)
        except ValueError as error:
            raise StoreError(f"{path}: damaged, {error}; expected sound {sha256}") from error
        digest = pcm_sha256(samples)
        if digest != sha256 or rate != sample_rate:
            raise StoreError(f"{path}: damaged, holds sound {digest} at {rate} Hz; expected {sha256} at {sample_rate}")
        return samples, rate
