"""DistillMOS (Stahl and Gamper 2025): predicted opinion scores, distilled from a large self-supervised model."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import math
import sys
import types
from collections.abc import Iterator
from typing import TYPE_CHECKING

from harness.core.errors import need_packages
from harness.core.records.payloads import OpinionPayload
from harness.scorers.asr import speech_16k
from harness.scorers.base import Clip, Unavailable
from harness.scorers.clip import SPEECH_RATE

if TYPE_CHECKING:
    from distillmos import ConvTransformerSQAModel

SHORTEST = 0.5  # s; the model pads to 7.68 s, and rates mostly the padding
# Without what they ask for: torchaudio, which only reads files for them and has no build for every torch; transformers.
INSTALL = "--no-deps distillmos==0.9.1 xls-r-sqa==0.1.0"


class DistillMosScorer:
    """Predicted overall opinion score on the scale 1 to 5, of speech at 16 kHz."""

    name = "distillmos"
    version = "1"
    room = "recognizer"
    needs = frozenset({"audio"})

    def __init__(self) -> None:
        """Raise MissingExtra without the package, so that a run is refused before anything is spoken."""
        need_packages(INSTALL, "distillmos")
        self._model: ConvTransformerSQAModel | None = None

    def setup(self) -> None:
        """Load the model."""
        if self._model is not None:
            return
        import torch

        torch.set_num_threads(1)
        with _torchaudio_or_nothing(), contextlib.redirect_stdout(io.StringIO()):  # it prints where its weights are
            from distillmos import ConvTransformerSQAModel

            self._model = ConvTransformerSQAModel().eval()

    def observe(self, clip: Clip) -> OpinionPayload:
        """Return the payload ``distillmos`` of ARCHITECTURE.md."""
        import torch

        self.setup()
        assert self._model is not None
        samples = speech_16k(clip)
        if len(samples) < SHORTEST * SPEECH_RATE:
            raise Unavailable(f"{len(samples) / SPEECH_RATE:.2f} s of audio; DistillMOS needs {SHORTEST} s")
        with torch.inference_mode():
            overall = float(self._model(torch.from_numpy(samples)[None])[0])
        return {"overall": round(overall, 4) if math.isfinite(overall) else None}


@contextlib.contextmanager
def _torchaudio_or_nothing() -> Iterator[None]:
    """Stand an empty module in for torchaudio where it is missing: distillmos only reads files with it."""
    if "torchaudio" in sys.modules or importlib.util.find_spec("torchaudio") is not None:
        yield
        return
    sys.modules["torchaudio"] = types.ModuleType("torchaudio")
    try:
        yield
    finally:
        del sys.modules["torchaudio"]
