"""Times of the words in what was spoken: the backend's own where it tells them, else by Whisper's alignment."""

from __future__ import annotations

from harness.core.records import Samples, Synthesis
from harness.detectors.base import CannotInject, InjectionMaterial

Words = tuple[tuple[str, float, float], ...]
RATE = 16_000  # Hz, what Whisper reads
HARDLY_THERE = -6.0  # nats; a word less likely than this was probably not spoken
MOST_MISSING = 0.1  # share of the words; with more unaligned, a cut would not be where it is meant to be


def spoken_words(made: Synthesis, material: InjectionMaterial) -> Words:
    """Return words with start and end (s). Raises CannotInject where neither the backend nor Whisper can tell."""
    told = made.noted.get("words")
    if told:
        return tuple((str(word), float(start), float(end)) for word, start, end in told)
    if material.samples is None or not material.sample_rate:
        raise CannotInject("no audio to find words in")
    return aligned_words(material.samples, material.sample_rate, material.chunk.expected_text, material.chunk.language)


def aligned_words(samples: Samples, rate: int, text: str, language: str = "en") -> Words:
    """Return words of ``text`` with start and end (s) in ``samples``, by Whisper's alignment of the text with the
    audio.

    Raises CannotInject where more than a tenth of the words is hardly there, and for a language that Whisper lacks.
    """
    from harness.audio import resample
    from harness.scorers.base import Unavailable
    from harness.scorers.edit_likelihood import read_beside_text

    try:
        reading = read_beside_text(resample(samples, rate, RATE), text, language)
    except Unavailable as why:
        raise CannotInject(f"the backend tells no word times, and they cannot be measured: {why}") from None
    if sum(logprob < HARDLY_THERE for logprob in reading.logprobs) > MOST_MISSING * len(reading.words):
        raise CannotInject("the recognizer did not find every word")
    return tuple((word, start, end) for word, (start, end) in zip(reading.words, reading.times(), strict=True))
