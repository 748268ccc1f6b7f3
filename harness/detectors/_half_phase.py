"""A harmonic source whose running phase is kept in half precision, for real: torch, float16, a cumulative sum.

As the sine generators of the StyleTTS2 family do, the phase is summed up a step (5 ms) at a time and interpolated to
samples. After t seconds it stands at 2 pi F0 t radians, about 4,000 after 4 s of a woman's voice; float16 has steps of
2 there (4 from 4,096 on), and harmonic k takes k times the error. Interpolation, filter and noise stay in float32.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from harness.detectors.base import CannotInject

if TYPE_CHECKING:
    from torch import Tensor

    from harness.audio.codec import Codec
    from harness.audio.source_filter import SourceFilter
    from harness.core.records import Tokens

Wave = NDArray[np.float64]
LARGEST = 6.0e4  # rad; float16 ends at 65,504
AUDIBLE = 2048.0  # rad; float16 has steps of 2 from here on. Below, speech sounds as with an exact phase


def half_phase(f0: Tensor, before: float) -> Tensor:
    """Return the phase in turns modulo 1 of each sample, float32, from F0 (steps,) in Hz: its running sum in float16.

    ``before``: seconds that the source has been running already, at the mean F0 of the voiced steps.
    """
    import torch

    from harness.audio import codec as runtime
    from harness.audio.source_filter import HOP

    step = 2 * math.pi * f0 * runtime.STEP_SECONDS
    voiced = f0[f0 >= runtime.LOWEST_F0]
    start = 2 * math.pi * float(voiced.mean()) * before if len(voiced) else 0.0
    ends = torch.cumsum(torch.cat([torch.tensor([min(start, LARGEST)]), step]).to(torch.float16), 0)
    ends = torch.clamp(ends.to(torch.float32), max=LARGEST)
    way = torch.arange(1, HOP + 1) / HOP
    turns = (ends[:-1, None] + way * (ends[1:] - ends[:-1])[:, None]).reshape(-1) / (2 * math.pi)
    return turns - torch.floor(turns)


def phase_reached(f0: Tensor, before: float) -> float:
    """Return the phase (rad) at the end, from F0 (steps,) in Hz, after ``before`` s at its mean."""
    from harness.audio import codec as runtime

    voiced = f0[f0 >= runtime.LOWEST_F0]
    mean = float(voiced.mean()) if len(voiced) else 0.0
    return 2 * math.pi * (mean * before + float(f0.sum()) * runtime.STEP_SECONDS)


def speak(parameters: Tensor, module: SourceFilter, *, half: bool, before: float = 0.0) -> Wave:
    """Return parameters (steps, 31) through the source-filter decoder; ``half``: its running phase in float16."""
    import torch

    from harness.audio.source_filter import HOP

    f0 = parameters[:, 0]
    noise = torch.from_numpy(np.random.default_rng(0).standard_normal(len(f0) * HOP).astype(np.float32))
    phase = half_phase(f0, before) if half else module.phase_of(f0)
    with torch.inference_mode():
        sound = module.waveform_of(module.source_of(f0, phase, noise), module.filter_of(parameters))
    return np.asarray(sound.numpy(), np.float64)


def decoded(codes: Tokens, codec: Codec, *, half: bool, before: float = 0.0) -> Wave:
    """Turn codes (frames, 3) of the embedded voice into sound at 16 kHz."""
    import torch

    from harness.audio.source_filter import SourceFilter

    module = SourceFilter(codec)
    with torch.inference_mode():
        parameters = module.parameters_of(torch.from_numpy(np.asarray(codes, np.int64)))
    return speak(parameters, module, half=half, before=before)


def resynthesized(x: Wave, rate: int, *, half: bool, before: float = 0.0) -> Wave:
    """Return any speech, analysed with WORLD (Morise et al. 2016) and spoken again by the source-filter decoder.

    Raises CannotInject where half precision would change nothing that is heard: too little is voiced for a large phase.
    """
    import torch

    from harness.audio import codec as runtime
    from harness.audio import resample
    from harness.audio.source_filter import SourceFilter

    heard = resample(x.astype(np.float32), rate, runtime.SAMPLE_RATE).astype(np.float64)
    codec = _empty_codec()
    module = SourceFilter(codec)
    parameters = torch.from_numpy(_parameters(heard, module).astype(np.float32))
    if half and (reached := phase_reached(parameters[:, 0], before)) < AUDIBLE:
        raise CannotInject(f"the phase reaches {reached:.0f} rad, float16 fails it from {AUDIBLE:.0f} on")
    spoken = speak(parameters, module, half=half, before=before)
    back = resample(spoken.astype(np.float32), runtime.SAMPLE_RATE, rate).astype(np.float64)
    return np.pad(back, (0, max(0, len(x) - len(back))))[: len(x)]


def _parameters(heard: Wave, module: SourceFilter) -> NDArray[np.float64]:
    """F0, 25 warped cepstra and 5 band strengths every 5 ms, shape (steps, 31)."""
    import warnings

    with warnings.catch_warnings():  # it imports pkg_resources, which warns every user of its own removal
        warnings.simplefilter("ignore")
        import pyworld

    from harness.audio import codec as runtime

    rate = runtime.SAMPLE_RATE
    rough, times = pyworld.dio(heard, rate, f0_floor=runtime.LOWEST_F0, frame_period=1000 * runtime.STEP_SECONDS)
    f0 = pyworld.stonemask(heard, rough, times, rate)
    envelope = pyworld.cheaptrick(heard, f0, times, rate, fft_size=runtime.FFT)
    breath = pyworld.d4c(heard, f0, times, rate, fft_size=runtime.FFT)
    cosines = module.cosines.numpy().astype(np.float64)
    every = (envelope.shape[1] - 1) // (cosines.shape[1] - 1)
    levels = 0.5 * np.log(np.maximum(envelope[:, ::every], 1e-12)) + math.log(runtime.FULL_SCALE)
    cepstra = levels @ np.linalg.pinv(cosines)
    bands = runtime.band_of_bin()
    strengths = [1 - breath[:, bands == band].mean(axis=1) for band in range(len(runtime.BANDS_HZ) - 1)]
    return np.concatenate([f0[:, None], cepstra, np.stack(strengths, axis=1)], axis=1)


def _empty_codec() -> Codec:
    from harness.audio import codec as runtime

    width = runtime.ENVELOPE_COEFFICIENTS * runtime.CEPSTRA
    rows = np.zeros((1, width), np.float32)
    prosody = np.zeros((1, 2 * runtime.F0_COEFFICIENTS + len(runtime.BANDS_HZ) - 1), np.float32)
    return runtime.Codec(rows[0], rows, rows, prosody, np.ones(runtime.CEPSTRA, np.float32))
