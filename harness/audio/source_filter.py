"""Source-filter decoder in torch, for export and for parity work. Imports torch: import it lazily.

Stages, each a named output of the module and of its ONNX export:

    codes       (frames, 3) int64           input
    noise       (frames x 640,) float32     input: standard normal, so that runs can be compared sample by sample
    parameters  (steps, 31) float32         F0 in Hz (0 unvoiced), 25 cepstra, 5 band strengths; a step is 5 ms
    phase       (samples,) float32          turns modulo 1, accumulated from F0 as in a sine generator
    source      (2, samples) float32        band-limited pulse train of unit power density, and noise
    filter      (2, steps, bins, 2) float32 real and imaginary response for pulses and for noise, every step
    waveform    (samples,) float32

The pulse train is the closed sum of all harmonics below the Nyquist frequency. The filter is the minimum-phase response
exp(sum_k c_k e^{-j k w~}), applied by overlap-add of windowed source pieces (hop 80, triangular window 160, DFT 512,
written as matrix products so that every runtime computes the same).
"""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from harness.audio import codec as runtime
from harness.core.records import Samples

STAGES = ("parameters", "phase", "source", "filter", "waveform")
HOP = round(runtime.SAMPLE_RATE * runtime.STEP_SECONDS)
WINDOW = 2 * HOP
SIZE = 512
BINS = SIZE // 2 + 1
FRAME_SAMPLES = HOP * runtime.STEPS
NOISE_SEED = 0


def noise_for(frames: int) -> Samples:
    """Return the fixed noise of a decoding, (frames x 640,)."""
    return np.random.default_rng(NOISE_SEED).standard_normal(frames * FRAME_SAMPLES).astype(np.float32)


class SourceFilter(nn.Module):  # type: ignore[misc]
    """Codes and noise to the named stages."""

    def __init__(self, codec: runtime.Codec) -> None:
        super().__init__()
        w = np.linspace(0, math.pi, BINS)
        warped = w + 2 * np.arctan2(runtime.ALPHA * np.sin(w), 1 - runtime.ALPHA * np.cos(w))
        order = np.outer(np.arange(runtime.CEPSTRA), warped)
        into = np.outer(np.arange(WINDOW), w)
        back = np.outer(w, np.arange(SIZE))
        weight = np.full((BINS, 1), 2 / SIZE)
        weight[[0, -1]] /= 2
        tables = {
            "mean": codec.mean,
            "stage1": codec.stage1,
            "stage2": codec.stage2,
            "prosody": codec.prosody,
            "cepstral_weight": codec.cepstral_weight,
            "basis": runtime.dct_basis(runtime.STEPS, runtime.ENVELOPE_COEFFICIENTS),
            "slow": runtime.dct_basis(runtime.STEPS, runtime.F0_COEFFICIENTS),
            "cosines": np.cos(order),
            "sines": -np.sin(order),
            "into_real": np.cos(into),
            "into_imaginary": -np.sin(into),
            "back_real": weight * np.cos(back),
            "back_imaginary": -weight * np.sin(back),
            "window": 1 - np.abs((np.arange(WINDOW) + 0.5) / HOP - 1),
            "bands": np.eye(len(runtime.BANDS_HZ) - 1)[:, runtime.band_of_bin(BINS)],
        }
        self.postfilter = codec.postfilter
        for name, table in tables.items():
            self.register_buffer(name, torch.tensor(np.asarray(table), dtype=torch.float32), persistent=False)

    def parameters_of(self, codes: Tensor) -> Tensor:
        """Return codes (frames, 3) to (steps, 31)."""
        envelope = self.mean + self.stage1[codes[:, 0]] + self.stage2[codes[:, 1]]
        prosody = self.prosody[codes[:, 2]]
        folded = envelope.reshape(-1, runtime.ENVELOPE_COEFFICIENTS, runtime.CEPSTRA)
        cepstra = torch.matmul(self.basis.T, folded) / self.cepstral_weight
        log_f0 = torch.matmul(prosody[:, :2], self.slow) / runtime.F0_SCALE
        voiced = torch.matmul(prosody[:, 2:4], self.slow) / runtime.VOICING_SCALE > 0.5
        f0 = torch.where(voiced, runtime.F0_REFERENCE * torch.exp(log_f0), torch.zeros_like(log_f0))
        strengths = prosody[:, 4:] * self.slow[0, 0] / runtime.STRENGTH_SCALE
        repeated = strengths[:, None, :].expand(-1, runtime.STEPS, -1)
        slow = torch.cat([cepstra, repeated], 2).reshape(-1, cepstra.shape[-1] + strengths.shape[-1])
        inner = 0.25 * slow[:-2] + 0.5 * slow[1:-1] + 0.25 * slow[2:]
        smooth = torch.cat([slow[:1], inner, slow[-1:]], 0)
        sharp = self.sharpened(smooth[:, : runtime.CEPSTRA])
        return torch.cat([f0.reshape(-1, 1), sharp, smooth[:, runtime.CEPSTRA :]], 1)

    def sharpened(self, cepstra: Tensor) -> Tensor:
        """Return cepstra (steps, 25) after the codec's postfilter, as ``harness.audio.codec.sharpen`` computes it."""
        if not self.postfilter:
            return cepstra
        kept, rest = cepstra[:, : runtime.SHARPENED], cepstra[:, runtime.SHARPENED :]
        raised = torch.cat([kept, rest * (1 + self.postfilter)], 1)
        before, after = (torch.logsumexp(2 * torch.matmul(c, self.cosines), 1, keepdim=True) for c in (cepstra, raised))
        return torch.cat([raised[:, :1] + (before - after) / 2, raised[:, 1:]], 1)

    def phase_of(self, f0: Tensor) -> Tensor:
        """Turn F0 of each step into the phase of each sample, in turns modulo 1."""
        turns = (f0 / runtime.SAMPLE_RATE).to(torch.float64)[:, None].expand(-1, HOP).reshape(-1)
        total = torch.cumsum(turns, 0)
        return (total - torch.floor(total)).to(torch.float32)

    def source_of(self, f0: Tensor, phase: Tensor, noise: Tensor) -> Tensor:
        """Return pulses (harmonics 1..N in closed form, amplitude 2 / sqrt(period)) where voiced, and the noise."""
        repeated = f0[:, None].expand(-1, HOP).reshape(-1)
        voiced = repeated >= runtime.LOWEST_F0
        safe = torch.where(voiced, repeated, torch.full_like(repeated, runtime.F0_REFERENCE))
        count = torch.floor(0.5 * runtime.SAMPLE_RATE / safe - 1e-3)
        half = math.pi * phase
        below = torch.sin(half)
        flat = torch.abs(below) < 1e-4
        divisor = torch.where(flat, torch.ones_like(below), below)
        closed = torch.sin(half * count) * torch.cos(half * (count + 1)) / divisor
        pulses = torch.where(flat, count, closed) * 2 * torch.sqrt(safe / runtime.SAMPLE_RATE)
        return torch.stack([torch.where(voiced, pulses, torch.zeros_like(pulses)), noise])

    def filter_of(self, parameters: Tensor) -> Tensor:
        """Return the responses for pulses and noise, (2, steps, bins, 2)."""
        cepstra = parameters[:, 1 : 1 + runtime.CEPSTRA]
        strengths = torch.clamp(parameters[:, 1 + runtime.CEPSTRA :], 0, 1)
        magnitude = torch.exp(torch.matmul(cepstra, self.cosines)) / runtime.FULL_SCALE
        angle = torch.matmul(cepstra, self.sines)
        response = torch.stack([magnitude * torch.cos(angle), magnitude * torch.sin(angle)], -1)
        voiced = (parameters[:, :1] >= runtime.LOWEST_F0).to(torch.float32)
        breath = 1 - voiced + voiced * torch.clamp(1 - torch.matmul(strengths, self.bands), 0.001, 0.999)
        tone = voiced * torch.sqrt(1 - breath * breath)
        return torch.stack([response * tone[..., None], response * breath[..., None]])

    def waveform_of(self, source: Tensor, response: Tensor) -> Tensor:
        """Send windowed pieces of the source through the response of their step, overlapped and added."""
        padded = torch.nn.functional.pad(source, (HOP // 2, HOP + HOP // 2))
        steps = response.shape[1]
        first = padded[:, : steps * HOP].reshape(2, steps, HOP)
        second = padded[:, HOP : (steps + 1) * HOP].reshape(2, steps, HOP)
        pieces = torch.cat([first, second], 2) * self.window
        real, imaginary = torch.matmul(pieces, self.into_real), torch.matmul(pieces, self.into_imaginary)
        a, b = response[..., 0], response[..., 1]
        out_real = (real * a - imaginary * b).sum(0)
        out_imaginary = (real * b + imaginary * a).sum(0)
        waves = torch.matmul(out_real, self.back_real) + torch.matmul(out_imaginary, self.back_imaginary)
        length = steps * HOP + SIZE
        total = torch.nn.functional.pad(waves[:, :HOP].reshape(-1), (0, length - steps * HOP))
        for block in range(1, math.ceil(SIZE / HOP)):
            part = waves[:, block * HOP : (block + 1) * HOP]
            part = torch.nn.functional.pad(part, (0, HOP - part.shape[1])).reshape(-1)
            total = total + torch.nn.functional.pad(part, (block * HOP, length - steps * HOP - block * HOP))
        return total[HOP // 2 : HOP // 2 + steps * HOP]

    def forward(self, codes: Tensor, noise: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """Return all stages in the order of ``STAGES``."""
        parameters = self.parameters_of(codes)
        f0 = parameters[:, 0]
        phase = self.phase_of(f0)
        source = self.source_of(f0, phase, noise)
        response = self.filter_of(parameters)
        return parameters, phase, source, response, self.waveform_of(source, response)


def synthesis_stages(codes: NDArray[np.integer], codec: runtime.Codec) -> dict[str, NDArray[np.generic]]:
    """Return every named stage as a numpy array, for codes (frames, 3) that all lie within their codebooks."""
    with torch.inference_mode():
        module = SourceFilter(codec)
        stages = module(torch.from_numpy(np.asarray(codes, np.int64)), torch.from_numpy(noise_for(len(codes))))
    return {"codes": np.asarray(codes), **{name: value.numpy() for name, value in zip(STAGES, stages, strict=True)}}
