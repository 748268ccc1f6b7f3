"""The source-filter decoder for `suites/parity`: in torch, in torch with a half-precision phase, in ONNX Runtime.

Each takes ``bucket``, a number of frames of 40 ms, and gives the named stages of the same codes.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from harness.audio import codec as runtime
from harness.audio.source_filter import STAGES, SourceFilter, noise_for, synthesis_stages

VOICE = Path(__file__).parents[2] / "voices" / "duo"


@functools.cache
def codebooks() -> runtime.Codec:
    """Return codebooks of the shipped voice."""
    return runtime.load_codec(VOICE / "codec.npz")


def codes_of(frames: int) -> NDArray[np.int64]:
    """Return always the same codes (frames, 3): sounds that change every 160 ms, at a steady voiced pitch."""
    codec = codebooks()
    voiced = np.flatnonzero(codec.prosody[:, 2] > 2.5)
    rng = np.random.default_rng(0)
    codes = np.repeat(rng.integers(0, codec.sizes[0], -(-frames // 4)), 4)[:frames]
    return np.stack([codes, rng.integers(0, codec.sizes[1], frames), np.full(frames, voiced[0])], 1)


def torch_fp32(bucket: int) -> dict[str, Any]:
    """Return the stages as the module computes them: the running phase in double precision, all else in single."""
    return synthesis_stages(codes_of(bucket), codebooks())


class HalfPhase(SourceFilter):
    """The fault of a public report: the running phase is kept in half precision, a step of 0.25 turns beyond 256."""

    def phase_of(self, f0: Tensor) -> Tensor:
        """Turn F0 of each step into the phase of each sample, in turns modulo 1."""
        hop = round(runtime.SAMPLE_RATE * runtime.STEP_SECONDS)
        turns = (f0 / runtime.SAMPLE_RATE)[:, None].expand(-1, hop).reshape(-1)
        total = torch.cumsum(turns, 0).to(torch.float16).to(torch.float32)
        return total - torch.floor(total)


def torch_fp16_phase(bucket: int) -> dict[str, Any]:
    """Return stages that are wrong on purpose: see :class:`HalfPhase`."""
    codes = codes_of(bucket)
    with torch.inference_mode():
        stages = HalfPhase(codebooks())(torch.from_numpy(codes), torch.from_numpy(noise_for(len(codes))))
    return {"codes": codes, **{name: value.numpy() for name, value in zip(STAGES, stages, strict=True)}}


@functools.cache
def _session() -> Any:
    """Return the decoder that is shipped, on one thread."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(str(VOICE / "decoder.onnx"), options, providers=["CPUExecutionProvider"])


def onnx_fp32(bucket: int) -> dict[str, Any]:
    """Return the stages by ONNX Runtime on the CPU."""
    codes = codes_of(bucket)
    stages = _session().run(list(STAGES), {"codes": codes, "noise": noise_for(len(codes))})
    return {"codes": codes, **dict(zip(STAGES, stages, strict=True))}
