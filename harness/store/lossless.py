"""FLAC for sounds whose samples it holds exactly: fewer bytes than float32, and the same samples back."""

from __future__ import annotations

import io

import numpy as np

from harness.core.records import Samples

_GLANCE = 256  # samples that settle the question for most sounds that are not exact
_FRAMES_LIMIT = 1 << 28  # a worker hands over at most 1 GiB of samples


def encode_flac(samples: Samples, sample_rate: int) -> bytes | None:
    """Return mono FLAC of float32 ``samples`` that are exact in 16 or 24 bits; None where FLAC would change one.

    It would change fractions of a step, NaN, infinities, values of 1 and beyond, and negative zeros.
    """
    if not len(samples) or not _whole(samples[:_GLANCE]) or not _whole(samples):
        return None
    if samples.min() < -1 or samples.max() >= 1 or np.signbit(samples[samples == 0]).any():
        return None
    import soundfile

    steps = np.ldexp(samples, 23).astype(np.int32)
    bits = 24 if (steps & 0xFF).any() else 16
    whole = steps << 8  # libsndfile takes the upper bits
    buffer = io.BytesIO()
    try:
        soundfile.write(buffer, whole, sample_rate, format="FLAC", subtype=f"PCM_{bits}")
    except (soundfile.SoundFileError, RuntimeError, ValueError, OverflowError):
        return None
    return buffer.getvalue()


def _whole(samples: Samples) -> bool:
    """Whether every sample is a whole number of steps of 24 bits; scaling by a power of two is exact in float32."""
    with np.errstate(
        invalid="ignore", over="ignore"
    ):  # NaN is no number of steps; the size of others is looked at next
        steps = np.ldexp(samples, 23)
        return bool(np.array_equal(steps, np.rint(steps)))


def decode_flac(data: bytes) -> tuple[Samples, int]:
    """Return samples and rate of a file that ``encode_flac`` made. Raises ValueError saying what is wrong with it."""
    import soundfile

    try:
        with soundfile.SoundFile(io.BytesIO(data)) as file:
            if file.format != "FLAC" or file.channels != 1:
                raise ValueError(f"it is {file.format} of {file.channels} channels")
            if file.frames > _FRAMES_LIMIT:  # before memory is taken: silence packs by the thousand
                raise ValueError(f"it promises {file.frames} samples")
            samples, rate = file.read(dtype="float32"), int(file.samplerate)
    except (soundfile.SoundFileError, RuntimeError, OSError, MemoryError) as error:
        raise ValueError(f"no FLAC ({error})") from error
    return np.asarray(samples, np.float32), rate
