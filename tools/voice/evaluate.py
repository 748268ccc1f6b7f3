"""Measures a finished voice: word errors by the default recognizer, ends, lengths, markers, speed."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from harness.backends.llama_codec import LlamaCodec
from harness.backends.voice.spoken import normalise_spoken
from harness.core.records import Request, Samples, Synthesis, Variant
from harness.scorers.asr import Recognizer, recognizer
from tools.voice.sentences import PASSAGES, SENTENCES, SHORT


@cache
def _recognizer() -> Recognizer:
    engine = recognizer("whisper")
    engine.setup()
    return engine


def transcript(samples: Samples) -> str:
    """Return the words that the default recognizer hears in 16 kHz audio, normalised as the voice speaks them."""
    return normalise_spoken(_recognizer().transcribe(samples, "en").text)


@dataclass(slots=True)
class Tally:
    """What came of one set of texts."""

    errors: int = 0
    words: int = 0
    utterances: int = 0
    capped: int = 0
    misaligned: int = 0
    malformed: int = 0
    seconds: float = 0.0
    spent: float = 0.0
    tokens: int = 0
    pace: list[float] | None = None  # seconds a phone, each utterance

    def add(self, text: str, spoken: Synthesis, spent: float, listen: bool) -> str:
        """Count one utterance; return what was heard."""
        import jiwer

        samples = spoken.samples if spoken.samples is not None else np.zeros(0, np.float32)
        notes = spoken.notes
        self.utterances += 1
        self.capped += spoken.finish_reason == "length"
        self.misaligned += bool(notes["markers_missing"] or notes["markers_extra"])
        self.malformed += int(notes["malformed_tokens"])
        self.seconds += len(samples) / 16000
        self.spent += spent
        self.tokens += int(notes["generated_tokens"])
        self.pace = [*(self.pace or []), len(samples) / 16000 / notes["phones"]]
        if not listen:
            return ""
        wanted, heard = normalise_spoken(text), transcript(samples)
        self.words += len(wanted.split())
        if heard:
            result = jiwer.process_words(wanted, heard)
            self.errors += result.substitutions + result.deletions + result.insertions
        else:
            self.errors += len(wanted.split())
        return heard

    def figures(self) -> dict[str, Any]:
        """Return counts and rates, JSON."""
        pace = self.pace or []
        middle = statistics.median(pace) if pace else 0.0
        return {
            "utterances": self.utterances,
            "wer": round(self.errors / self.words, 4) if self.words else None,
            "errors": self.errors,
            "words": self.words,
            "cap_hits": self.capped,
            "misaligned": self.misaligned,
            "malformed_tokens": self.malformed,
            "seconds_a_phone": round(middle, 4) if pace else None,
            "slowest_to_median": round(max(pace) / middle, 2) if middle else None,
            "fastest_to_median": round(min(pace) / middle, 2) if middle else None,
            "times_real_time": round(self.seconds / self.spent, 2) if self.spent else None,
            "tokens_a_cpu_second": round(self.tokens / self.spent) if self.spent else None,
        }


def measure(
    model: Path, texts: Sequence[str], speaker: str, seeds: Sequence[int], listen: bool = True, **settings: Any
) -> dict[str, Any]:
    """Speak every text with every seed. ``spent`` is CPU time of this process, front end and decoder included."""
    backend = LlamaCodec()
    backend.load(Variant(model.stem, "llama_codec", {"model": str(model), "speaker": speaker, **settings}))
    tally = Tally()
    backend.synthesize(Request("warm", "Good.", 1), lambda: None)
    heard = []
    for seed in seeds:
        for text in texts:
            began = time.process_time()
            spoken = backend.synthesize(Request("e", text, seed), lambda: None)
            heard.append(tally.add(text, spoken, time.process_time() - began, listen))
    backend.close()
    return {**tally.figures(), "heard": heard}


SETS = {"sentences": SENTENCES, "passages": PASSAGES, "short": SHORT}


def report(model: Path, speaker: str, seeds: Sequence[int] = (1,), **settings: Any) -> dict[str, Any]:
    """Return figures of one model and speaker on every set of texts."""
    return {name: measure(model, texts, speaker, seeds, **settings) for name, texts in SETS.items()}
