"""DNSMOS P.835 and P.808 (Reddy et al. 2021, 2022) through speechmos: ratings as predicted for denoised speech."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

import numpy as np

from harness.core.errors import need_packages
from harness.core.records.payloads import OpinionPayload
from harness.scorers.asr import speech_16k
from harness.scorers.base import Clip, Unavailable
from harness.scorers.clip import SPEECH_RATE

if TYPE_CHECKING:
    from speechmos.dnsmos import DNSMOS

SHORTEST = 0.5  # s; the model repeats shorter audio to fill its 9 s window, and rates mostly the seams


class _Ratings(TypedDict):
    """What speechmos gives for one clip."""

    ovrl_mos: float
    sig_mos: float
    bak_mos: float
    p808_mos: float


class DnsmosScorer:
    """Predicted opinion scores on the scale 1 to 5: overall, signal, background, and P.808's overall."""

    name = "dnsmos"
    version = "1"
    room = "recognizer"
    needs = frozenset({"audio"})

    def __init__(self) -> None:
        """Raise MissingExtra without the packages, so that a run is refused before anything is spoken."""
        need_packages("'tts-soak[mos]'", "speechmos", "onnxruntime")
        self._model: DNSMOS | None = None

    def setup(self) -> None:
        """Load the models."""
        if self._model is not None:
            return
        from onnxruntime import InferenceSession, SessionOptions
        from speechmos import dnsmos

        models = Path(dnsmos.__file__).parent / "dnsmos_models"
        primary, p808 = str(models / "sig_bak_ovr.onnx"), str(models / "model_v8.onnx")
        options = SessionOptions()
        options.intra_op_num_threads = 1  # scoring has one core; speechmos itself would take them all
        model = dnsmos.DNSMOS(primary, p808)
        model.onnx_sess = InferenceSession(primary, options)
        model.p808_onnx_sess = InferenceSession(p808, options)
        self._model = model

    def observe(self, clip: Clip) -> OpinionPayload:
        """Return the payload ``dnsmos`` of ARCHITECTURE.md."""
        self.setup()
        assert self._model is not None
        samples = speech_16k(clip)
        if len(samples) < SHORTEST * SPEECH_RATE:
            raise Unavailable(f"{len(samples) / SPEECH_RATE:.2f} s of audio; DNSMOS needs {SHORTEST} s")
        peak = float(np.abs(samples).max())
        scores: _Ratings = self._model(samples / max(1.0, peak), SPEECH_RATE, False)  # it refuses samples beyond +-1
        return {
            "overall": _number(scores["ovrl_mos"]),
            "signal": _number(scores["sig_mos"]),
            "background": _number(scores["bak_mos"]),
            "p808": _number(scores["p808_mos"]),
        }


def _number(value: float) -> float | None:
    return round(float(value), 4) if math.isfinite(value) else None
