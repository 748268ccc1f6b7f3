"""The recognizer of runs that name none: Whisper tiny.en for English, base for every other language."""

from __future__ import annotations

from collections.abc import Iterable

from harness.core.records import Samples
from harness.scorers.asr_faster_whisper import FasterWhisper
from harness.scorers.asr_models import DEFAULT, ENGLISH, OTHERS, is_english
from harness.scorers.transcript import Transcript


class DefaultWhisper:
    """Two models behind one recognizer, each loaded when a text in its language comes."""

    spec = DEFAULT
    languages: frozenset[str] | None = None

    def __init__(self, device: str = "cpu") -> None:
        self._english = FasterWhisper(ENGLISH, device)
        self._others = FasterWhisper(OTHERS, device)
        self.device, self.compute_type = device, self._english.compute_type

    def prepare(self, wanted: Iterable[str] = ("en",)) -> None:
        """See to it that the weights for these languages are here. Raises ConfigError."""
        for language in wanted:
            self._for(language).prepare()

    def setup(self) -> None:
        """Load nothing yet: which model is needed depends on the language of the text."""

    def transcribe(self, samples: Samples, language: str = "en") -> Transcript:
        """Recognize 16 kHz audio with the model of its language."""
        return self._for(language).transcribe(samples, language)

    def _for(self, language: str) -> FasterWhisper:
        return self._english if is_english(language) else self._others
