"""Cases that listen: silence around the speech takes no word away."""

from __future__ import annotations

import numpy as np

from harness.audio import resample
from harness.core.records import Samples
from harness.scorers.asr import recognizer
from harness.scorers.asr_models import DEFAULT
from harness.scorers.clip import SPEECH_RATE
from tools.cases.catalogue import Answer, Case, Speech
from tools.cases.material import findings_of, view_of_clip, word_errors

PADDED = ((0.0, 1.0), (0.0, 3.0), (0.0, 6.0), (2.0, 0.0), (2.0, 3.0))  # s before and behind


def listening_cases(spec: str = DEFAULT) -> tuple[Case, ...]:
    """Return the cases for a recognizer, whose weights must be here. Raises ConfigError."""
    engine = recognizer(spec)
    engine.setup()

    def hear(sound: Samples, rate: int) -> str:
        return engine.transcribe(resample(sound, rate, SPEECH_RATE), "en").text

    def padded(speech: Speech) -> Answer:
        one = speech["LJ001-0004"]
        plain = word_errors(one.text, hear(one.samples, one.rate))[0]
        told = []
        for before, behind in PADDED:
            sound = np.pad(one.samples, (int(before * one.rate), int(behind * one.rate)))
            told.append(word_errors(one.text, hear(sound, one.rate))[0])
        return all(abs(errors - plain) <= 1 for errors in told), f"{plain} errors plain, {told} padded"

    def few_words(speech: Speech) -> Answer:
        one = speech["LJ001-0002"]
        sound = np.pad(one.samples, (0, 6 * one.rate))
        findings = findings_of(view_of_clip(one.text, sound, one.rate, heard=hear(sound, one.rate)))
        return "unintelligible" not in findings, str(findings)

    return (
        Case("A1 silence before and behind the speech", "the same words, within one", padded, True),
        Case("A1 six seconds of silence behind four words", "never unintelligible", few_words, True),
    )
