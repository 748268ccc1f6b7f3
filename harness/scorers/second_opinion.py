"""Another recognizer's view of a clip that looks faulty, so that no single engine's mistake condemns it."""

from __future__ import annotations

from harness.core.records.payloads import TranscriptPayload
from harness.scorers.asr_models import SECOND, SECOND_TO_ITSELF, model_named
from harness.scorers.base import Clip, Unavailable
from harness.scorers.intelligibility import IntelligibilityScorer


class SecondOpinionScorer(IntelligibilityScorer):
    """As ``intelligibility``, by Whisper base, or by tiny.en where base (``first``) was asked already."""

    name = "second_opinion"

    def __init__(
        self,
        asr: str | None = None,
        normalise: str | None = None,
        device: str = "cpu",
        first: str | None = None,
    ) -> None:
        self._first = first
        chosen = SECOND_TO_ITSELF if model_named(first, "en") == model_named(SECOND, "en") else SECOND
        super().__init__(asr or chosen, normalise, device)

    def observe(self, clip: Clip) -> TranscriptPayload:
        """Return the payload. Raises Unavailable where the same model has been asked already."""
        language = clip.chunk.language
        if model_named(self.recognizer.spec, language) == model_named(self._first, language):
            raise Unavailable(f"{self.recognizer.spec} has heard this clip already")
        return super().observe(clip)
