"""Another recognizer's view of a clip that looks faulty, so that no single engine's mistake condemns it."""

from __future__ import annotations

from harness.scorers.intelligibility import IntelligibilityScorer


class SecondOpinionScorer(IntelligibilityScorer):
    """As ``intelligibility``, by default with pocketsphinx at its slower, more accurate setting."""

    name = "second_opinion"

    def __init__(self, asr: str | None = None, normalise: str | None = None, device: str = "cpu") -> None:
        super().__init__(asr or "pocketsphinx:accurate", normalise, device)
