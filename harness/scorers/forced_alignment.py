"""Which of the expected words were spoken, by forced alignment: sharper on missing and repeated words than free
recognition, blind to how well they were spoken."""

from __future__ import annotations

from typing import Any

from harness.scorers.asr import speech_16k
from harness.scorers.base import Clip, Unavailable
from harness.scorers.forced import LONGEST_TEXT, ForcedAligner
from harness.text import spoken_text


class ForcedAlignmentScorer:
    """Runs in the analysis process, which has the time for it while the recognizer listens freely. English only."""

    name = "forced_alignment"
    version = "1 pocketsphinx"
    room = "analysis"
    needs = frozenset({"audio", "text"})

    def __init__(self) -> None:
        self._aligner = ForcedAligner()

    def setup(self) -> None:
        """Load the acoustic model."""
        self._aligner.setup()

    def observe(self, clip: Clip) -> dict[str, Any]:
        """Return the payload ``forced_alignment`` of ARCHITECTURE.md."""
        if clip.chunk.language.split("-")[0].lower() != "en":
            raise Unavailable(f"the aligner knows English only, not {clip.chunk.language!r}")
        found = self._aligner.align(speech_16k(clip), spoken_text(clip.chunk.expected_text))
        if found is None:
            raise Unavailable(f"no words to align, or more than {LONGEST_TEXT}")
        return found
