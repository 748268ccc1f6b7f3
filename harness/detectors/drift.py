"""Drift: the speech changes slowly from chunk to chunk."""

from typing import ClassVar

from harness.detectors._inject import audio, quieter
from harness.detectors._whole_run import WholeRunFault
from harness.detectors.base import Citation, Family


class Drift(WholeRunFault):
    name = "drift"
    title = "the speech fades, hurries or slurs more and more over the session"
    family = Family.WAVEFORM
    causes = ("state that is carried on", "a prompt made of the model's own output", "memory that runs out")
    judged_by: ClassVar[str] = "claim 'drift' of suites/stress (Theil-Sen, trend and step tests; docs/judging.md)"
    sources = (
        Citation("fades over a long session", "https://github.com/google-gemini/cookbook/issues/1292"),
        Citation("accelerates and slurs (VibeVoice-ComfyUI, issue 93)"),
    )
    # a plan's ramp (docs/backends.md) makes a fade over the session of it
    injectors = audio("dB over the session", (1.0, 2.0, 3.0, 6.0), 6.0, quieter)
