"""Exports the source-filter decoder to ONNX and compares it with torch and with WORLD."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from harness.audio import codec as runtime
from harness.audio.source_filter import STAGES, SourceFilter, noise_for, synthesis_stages

OPSET = 18


def export(codec: runtime.Codec, path: Path) -> None:
    """Write ``decoder.onnx``: inputs ``codes`` and ``noise``, outputs the named stages."""
    frames = 12
    example = (torch.zeros(frames, 3, dtype=torch.int64), torch.from_numpy(noise_for(frames)))
    torch.onnx.export(
        SourceFilter(codec).eval(),
        example,
        str(path),
        input_names=["codes", "noise"],
        output_names=list(STAGES),
        dynamic_axes={
            "codes": {0: "frames"},
            "noise": {0: "samples"},
            "parameters": {0: "steps"},
            "phase": {0: "samples"},
            "source": {1: "samples"},
            "filter": {1: "steps"},
            "waveform": {0: "samples"},
        },
        opset_version=OPSET,
        dynamo=False,
    )


def run_onnx(path: Path, codes: NDArray[np.integer]) -> dict[str, Any]:
    """Return every named stage by onnxruntime on one thread."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    fed = {"codes": np.asarray(codes, np.int64), "noise": noise_for(len(codes))}
    return dict(zip(STAGES, session.run(list(STAGES), fed), strict=True))


def largest_differences(path: Path, codec: runtime.Codec, codes: NDArray[np.integer]) -> dict[str, float]:
    """Return largest absolute difference of each stage between torch and ONNX; phase modulo one turn."""
    ours, theirs = synthesis_stages(codes, codec), run_onnx(path, codes)
    out = {}
    for name in STAGES:
        apart = np.abs(ours[name] - theirs[name])
        if name == "phase":
            apart = np.minimum(apart, 1 - apart)
        out[name] = float(apart.max())
    return out


def log_mel_distance(first: NDArray[np.float32], second: NDArray[np.float32]) -> float:
    """Return mean absolute difference of 64-band log-mel spectra (10 ms hop), dB, where the first is above -40 dB."""
    import librosa

    def mel(samples: NDArray[np.float32]) -> NDArray[np.float32]:
        bands = librosa.feature.melspectrogram(y=samples, sr=runtime.SAMPLE_RATE, n_fft=1024, hop_length=160, n_mels=64)
        return 10 * np.log10(bands + 1e-8)

    a, b = mel(first), mel(second)
    return float(np.abs(a - b)[a > -40].mean())
