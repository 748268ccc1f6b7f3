"""Codebook indices to vocoder parameters and to a waveform.

A frame of three codes stands for 8 steps of 5 ms. Stages, in order:

    codes        (frames, 3) int          stage 1, stage 2, prosody
    parameters   ``Parameters``           F0, spectral envelope as mel cepstra, band strengths, every 5 ms
    waveform     (samples,) float32       WORLD synthesis (Morise et al. 2016) at the codec's rate

The envelope is log|H(w)| = sum_k c_k cos(k w~) with the bilinear warp w~ of ``alpha`` (Tokuda et al. 1994). Codebooks
average, and averaged envelopes are flat: a postfilter on the mel cepstra makes the formants sharp again (Koishida et
al. 1995; in speech synthesis Yoshimura et al. 2005).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.lib.npyio import NpzFile
from numpy.typing import NDArray

from harness.core.records import Samples

Floats = NDArray[np.float32]

STEP_SECONDS = 0.005
STEPS = 8  # a frame
CEPSTRA = 25
ENVELOPE_COEFFICIENTS = 4  # of the DCT over a frame's steps
F0_COEFFICIENTS = 2
F0_REFERENCE = 175.0  # Hz
F0_SCALE, VOICING_SCALE, STRENGTH_SCALE = 3.0, 1.0, 0.4  # so that k-means weighs them alike
BANDS_HZ = (0, 1000, 2000, 4000, 6000, 8000)
ALPHA = 0.42  # warp at 16 kHz
SAMPLE_RATE = 16000
FFT = 1024
LOWEST_F0 = 60.0
FULL_SCALE = 32768.0  # the teacher's parameters are in 16-bit units
SHARPENED = 2  # first cepstrum that the postfilter raises: level and tilt stay
ENERGY_BINS = 257  # of the spectrum whose energy the postfilter keeps


@dataclass(frozen=True, slots=True)
class Codec:
    """Codebooks of the voice. ``mean`` (100,), ``stage1`` and ``stage2`` (n, 100), ``prosody`` (n, 9).

    ``postfilter`` is the share by which the decoder raises the cepstra from the third on, 0 for none.
    """

    mean: Floats
    stage1: Floats
    stage2: Floats
    prosody: Floats
    cepstral_weight: Floats
    postfilter: float = 0.0

    @property
    def sizes(self) -> tuple[int, int, int]:
        return len(self.stage1), len(self.stage2), len(self.prosody)


@dataclass(frozen=True, slots=True)
class Parameters:
    """One row a step of 5 ms: ``f0`` (n,) in Hz, 0 where unvoiced; ``cepstra`` (n, 25); ``strengths`` (n, 5)."""

    f0: NDArray[np.float64]
    cepstra: NDArray[np.float64]
    strengths: NDArray[np.float64]


def load_codec(path: Path) -> Codec:
    """Read ``codec.npz``. Raises KeyError when an array is missing, OSError when the file cannot be read."""
    stored: NpzFile
    with np.load(path) as stored:
        return Codec(
            mean=stored["mu"],
            stage1=stored["stage1"],
            stage2=stored["stage2"],
            prosody=stored["prosody"],
            cepstral_weight=stored["cepstral_weight"],
            postfilter=float(stored["postfilter"]) if "postfilter" in stored else 0.0,
        )


def dct_basis(width: int, count: int) -> Floats:
    """Return the orthonormal DCT-II, shape (count, width)."""
    at = np.arange(width) + 0.5
    rows = np.stack([np.cos(math.pi * k * at / width) for k in range(count)])
    rows[0] *= math.sqrt(1 / width)
    rows[1:] *= math.sqrt(2 / width)
    return rows.astype(np.float32)


def valid_frames(codes: NDArray[np.integer], codec: Codec) -> NDArray[np.bool_]:
    """Return which frames have every index within its codebook, shape (frames,)."""
    inside: NDArray[np.bool_] = np.all((codes >= 0) & (codes < np.array(codec.sizes)), axis=1)
    return inside


def to_parameters(codes: NDArray[np.integer], codec: Codec) -> Parameters:
    """Turn codes (frames, 3) into parameters of frames x 8 steps. Raises ValueError on an index out of range."""
    if codes.ndim != 2 or codes.shape[1] != 3:
        raise ValueError(f"codes must have shape (frames, 3), not {codes.shape}")
    if not np.all(valid_frames(codes, codec)):
        raise ValueError("a code is outside of its codebook")
    count = len(codes)
    envelope = codec.mean + codec.stage1[codes[:, 0]] + codec.stage2[codes[:, 1]]
    prosody = codec.prosody[codes[:, 2]]
    basis = dct_basis(STEPS, ENVELOPE_COEFFICIENTS)
    slow = dct_basis(STEPS, F0_COEFFICIENTS)
    cepstra = (
        np.einsum("kw,nkd->nwd", basis, envelope.reshape(count, ENVELOPE_COEFFICIENTS, CEPSTRA)) / codec.cepstral_weight
    )
    log_f0 = prosody[:, :2] @ slow / F0_SCALE
    voiced = prosody[:, 2:4] @ slow / VOICING_SCALE > 0.5
    strengths = np.repeat(prosody[:, None, 4:] * slow[0, 0] / STRENGTH_SCALE, STEPS, axis=1)
    f0 = np.where(voiced, F0_REFERENCE * np.exp(log_f0), 0.0).reshape(-1).astype(np.float64)
    return Parameters(
        f0=f0,
        cepstra=sharpen(_smooth(cepstra.reshape(-1, CEPSTRA).astype(np.float64)), codec.postfilter),
        strengths=_smooth(strengths.reshape(-1, len(BANDS_HZ) - 1).astype(np.float64)),
    )


def _smooth(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """1-2-1 over steps: frame borders would be heard as clicks otherwise."""
    out = rows.copy()
    out[1:-1] = 0.25 * rows[:-2] + 0.5 * rows[1:-1] + 0.25 * rows[2:]
    return out


def sharpen(cepstra: NDArray[np.float64], amount: float) -> NDArray[np.float64]:
    """Return cepstra (n, 25) whose peaks stand out by ``amount`` more, each step at the energy that it had."""
    if not amount or not len(cepstra):
        return cepstra
    basis = warped_basis(ENERGY_BINS)
    sharp = cepstra.copy()
    sharp[:, SHARPENED:] *= 1 + amount
    sharp[:, 0] += (_log_energy(cepstra @ basis) - _log_energy(sharp @ basis)) / 2
    return sharp


def _log_energy(log_magnitude: NDArray[np.float64]) -> NDArray[np.float64]:
    """Natural logarithm of the mean power of each row, up to a constant, without overflow."""
    highest = log_magnitude.max(1)
    power: NDArray[np.float64] = np.exp(2 * (log_magnitude - highest[:, None])).sum(1)
    energy: NDArray[np.float64] = 2 * highest + np.log(power)
    return energy


def warped_basis(bins: int = FFT // 2 + 1) -> NDArray[np.float64]:
    """Return cos(k w~), shape (cepstra, bins)."""
    w = np.linspace(0, math.pi, bins)
    warped = w + 2 * np.arctan2(ALPHA * np.sin(w), 1 - ALPHA * np.cos(w))
    basis: NDArray[np.float64] = np.cos(np.outer(np.arange(CEPSTRA), warped))
    return basis


def band_of_bin(bins: int = FFT // 2 + 1) -> NDArray[np.intp]:
    """Return the index of the strength band that each spectral bin lies in, shape (bins,)."""
    hertz = np.linspace(0, SAMPLE_RATE / 2, bins)
    return np.clip(np.searchsorted(BANDS_HZ, hertz, side="right") - 1, 0, len(BANDS_HZ) - 2)


def synthesize(parameters: Parameters) -> Samples:
    """Turn parameters into sound by WORLD, 80 samples a step, float32. Loud passages may pass 1."""
    if not len(parameters.f0):
        return np.zeros(0, np.float32)
    import pyworld

    f0 = np.where(parameters.f0 < LOWEST_F0, 0.0, parameters.f0)
    power = np.exp(2 * (parameters.cepstra @ warped_basis()))
    strengths = np.clip(parameters.strengths, 0.0, 1.0)[:, band_of_bin()]
    aperiodicity = np.where((f0 > 0)[:, None], np.clip(1 - strengths, 0.001, 0.999), 0.999)
    planes = (np.ascontiguousarray(power), np.ascontiguousarray(aperiodicity))
    sound = pyworld.synthesize(f0, *planes, SAMPLE_RATE, STEP_SECONDS * 1000)
    length = len(f0) * round(SAMPLE_RATE * STEP_SECONDS)
    out = np.zeros(length, np.float32)
    out[: min(length, len(sound))] = sound[:length] / FULL_SCALE
    return out


def decode_codes(codes: NDArray[np.integer], codec: Codec) -> Samples:
    """Turn codes (frames, 3) into float32 samples at 16 kHz, exactly frames x 640 of them.

    Frames with an index outside of its codebook are left out, as decoders that cannot represent them do; compare the
    length to find them. Raises ValueError when ``codes`` is not (frames, 3).
    """
    codes = np.asarray(codes)
    if codes.ndim != 2 or codes.shape[1] != 3:
        raise ValueError(f"codes must have shape (frames, 3), not {codes.shape}")
    return synthesize(to_parameters(codes[valid_frames(codes, codec)], codec))
