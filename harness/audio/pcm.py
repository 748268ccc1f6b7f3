"""Sample formats: bytes to float32 and back. All multi-byte formats are little-endian, names are libsndfile's."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from harness.core.errors import AudioError, nearest
from harness.core.records import Samples

SUBTYPES: Mapping[str, int] = MappingProxyType(
    {"PCM_U8": 1, "PCM_S8": 1, "PCM_16": 2, "PCM_24": 3, "PCM_32": 4, "FLOAT": 4, "DOUBLE": 8}
)
"""Name of each sample format -> bytes a sample."""


def frame_bytes(subtype: str, channels: int = 1) -> int:
    """Return the bytes of one frame (a sample of every channel). Raises AudioError for an unknown subtype."""
    width = SUBTYPES.get(subtype)
    if width is None:
        raise AudioError(f"unknown sample format {subtype!r}{nearest(subtype, SUBTYPES)}")
    if channels < 1:
        raise AudioError(f"{channels} channels: at least 1 is needed")
    return width * channels


def pcm_to_float(data: bytes | memoryview, subtype: str, channels: int = 1) -> Samples:
    """Decode interleaved PCM to float32 mono, shape (frames,); channels are averaged.

    Integers are divided by full scale, so they lie in [-1, 1); floats are kept as they are, NaN, Inf and values
    beyond 1 included. Bytes of an incomplete last frame are left out (``len(data) % frame_bytes(...)``).
    Raises AudioError for an unknown subtype.
    """
    size = frame_bytes(subtype, channels)
    whole = memoryview(data)[: len(data) // size * size]
    # a double beyond float32 becomes Inf, which is what the rest of the harness should see
    with np.errstate(all="ignore"):
        values = _decode(whole, subtype)
        if channels > 1:
            values = values.reshape(-1, channels).mean(axis=1, dtype=np.float64).astype(np.float32)
    return values


def _decode(data: memoryview, subtype: str) -> Samples:
    if subtype == "FLOAT":
        return np.frombuffer(data, "<f4").astype(np.float32)
    if subtype == "DOUBLE":
        return np.frombuffer(data, "<f8").astype(np.float32)
    if subtype == "PCM_U8":
        return ((np.frombuffer(data, np.uint8).astype(np.float32) - 128) / 128).astype(np.float32)
    if subtype == "PCM_S8":
        return (np.frombuffer(data, np.int8).astype(np.float32) / 128).astype(np.float32)
    if subtype == "PCM_16":
        return (np.frombuffer(data, "<i2").astype(np.float32) / 32768).astype(np.float32)
    if subtype == "PCM_24":
        wide = np.zeros((len(data) // 3, 4), np.uint8)
        wide[:, 1:] = np.frombuffer(data, np.uint8).reshape(-1, 3)
        return _from_int32(wide.reshape(-1).view("<i4"))
    return _from_int32(np.frombuffer(data, "<i4"))


def _from_int32(values: NDArray[np.int32]) -> Samples:
    return (values.astype(np.float64) / 2**31).astype(np.float32)


def float_to_pcm(samples: Samples, subtype: str) -> bytes:
    """Encode mono samples. Integer formats are rounded and clipped at full scale; NaN becomes 0 there, and only there.

    Raises AudioError for an unknown subtype.
    """
    width = frame_bytes(subtype)
    if subtype == "FLOAT":
        return np.ascontiguousarray(samples, "<f4").tobytes()
    if subtype == "DOUBLE":
        return np.ascontiguousarray(samples, "<f8").tobytes()
    full = 2.0 ** (8 * width - 1)
    scaled = np.nan_to_num(np.asarray(samples, np.float64), nan=0.0, posinf=1.0, neginf=-1.0) * full
    integers = np.clip(np.rint(scaled), -full, full - 1).astype(np.int64)
    if subtype == "PCM_U8":
        return (integers + 128).astype(np.uint8).tobytes()
    if subtype == "PCM_24":
        return integers.astype("<i4").view(np.uint8).reshape(-1, 4)[:, :3].tobytes()
    return integers.astype(f"<i{width}").tobytes()
