"""faster-whisper (optional extra): the same checkpoints, converted for CTranslate2."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from harness.alignment import TimedWord
from harness.errors import ConfigError, MissingExtra
from harness.scorers.asr import Transcript
from harness.types import Samples


class FasterWhisper:
    """CTranslate2's Whisper with the settings of the stock engine: temperature 0, no fallback, no conditioning."""

    def __init__(self, model: str, device: str = "cpu") -> None:
        if not model:
            raise ConfigError("the recognizer 'faster-whisper' needs a model: faster-whisper:base.en or a model folder")
        self.model_name = model
        self.device = device
        self.spec = f"faster-whisper:{model}"
        self.languages: frozenset[str] | None = frozenset({"en"}) if model.endswith(".en") else None
        self._model: Any = None

    def setup(self) -> None:
        """Load the model. Raises MissingExtra without the package, ConfigError for a model that cannot be had."""
        if self._model is not None:
            return
        try:
            from faster_whisper import WhisperModel
        except ImportError as error:
            raise MissingExtra("faster-whisper is not installed: pip install 'tts-soak[faster-whisper]'") from error
        try:
            self._model = WhisperModel(self.model_name, device=self.device, cpu_threads=1, compute_type="default")
        except (OSError, RuntimeError, ValueError) as error:
            raise ConfigError(f"faster-whisper model {self.model_name!r} cannot be loaded: {error}") from error
        if not self._model.model.is_multilingual:
            self.languages = frozenset({"en"})

    def transcribe(self, samples: Samples, language: str = "en") -> Transcript:
        """Recognize 16 kHz audio of any length, window by window."""
        self.setup()
        found, _ = self._model.transcribe(
            np.ascontiguousarray(samples, dtype=np.float32),
            language=language.split("-")[0],
            beam_size=1,
            temperature=[0.0],
            condition_on_previous_text=False,
            word_timestamps=True,
            vad_filter=False,
        )
        pieces = list(found)
        tokens = sum(len(s.tokens) + 1 for s in pieces)
        words = tuple(
            TimedWord(w.word.strip(), float(w.start), float(w.end), float(w.probability))
            for s in pieces
            for w in s.words or ()
        )
        return Transcript(
            text="".join(s.text for s in pieces).strip(),
            words=words,
            engine="faster-whisper",
            model=Path(self.model_name).name,
            avg_logprob=sum(s.avg_logprob * (len(s.tokens) + 1) for s in pieces) / tokens if tokens else None,
            no_speech_prob=min((float(s.no_speech_prob) for s in pieces), default=None),
        )
