"""Times of the words in what was spoken: the backend's own where it tells them, else by forced alignment."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from harness.faults.base import CannotInject, Material
from harness.types import Samples, Synthesis

if TYPE_CHECKING:
    from harness.scorers.forced import ForcedAligner

Words = tuple[tuple[str, float, float], ...]
RATE = 16_000  # Hz, of the aligner
MOST_MISSING = 0.1  # share of the words; with more unaligned, a cut would not be where it is meant to be


@cache
def _aligner() -> ForcedAligner:
    from harness.scorers.forced import ForcedAligner

    made = ForcedAligner()
    made.setup()
    return made


def spoken_words(made: Synthesis, material: Material) -> Words:
    """Words with start and end (s). Raises CannotInject where neither the backend nor the aligner can tell."""
    told = made.notes.get("words")
    if told:
        return tuple((str(word), float(start), float(end)) for word, start, end in told)
    if material.samples is None or not material.sample_rate:
        raise CannotInject("no audio to find words in")
    return aligned_words(material.samples, material.sample_rate, material.chunk.expected_text, material.chunk.language)


def aligned_words(samples: Samples, rate: int, text: str, language: str = "en") -> Words:
    """Words of ``text`` with start and end (s) in ``samples``, by forced alignment.

    Raises CannotInject for other languages than English, and where more than a tenth of the words is not found.
    """
    from harness.audio import resample

    if language.split("-")[0].lower() != "en":
        raise CannotInject(f"the backend tells no word times, and the aligner does not know {language!r}")
    found = _aligner().align(resample(samples, rate, RATE), text)
    if found is None or not found["aligned"]:
        raise CannotInject("the aligner found no way through the text")
    words = str(found["reference"]).split()
    if found["missing"] > MOST_MISSING * len(words) or found["repeated"]:
        raise CannotInject("the aligner did not find every word")
    return tuple((words[int(i)], float(start), float(end)) for i, start, end, _ in found["words"])
