"""Sound that holds none of the text's words where it stands, as the transcript classes read it. Seconds and nats."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from harness.core.records import DetectorInput, Span
from harness.core.records.payloads import UnexplainedStretch
from harness.detectors._edits import SCORER
from harness.detectors._heard import understood
from harness.detectors._lost_time import HeardTimes, lost_time
from harness.detectors._signs import SpokenSigns
from harness.detectors.base import required_payload
from harness.text.characters import letters_and_digits

SLOW = 1.4  # times the clip's own pace, which a word that was misheard may take
STRETCHED = 0.15  # s that it may take beyond that
MISHEARD = 55.0  # % of the letters that what was heard shares with the words that stand there: it is those words
MISHEARD_SECONDS = 1.0  # s beyond what those words take; with more sound than that it is not they alone
RAREST = 1e-4  # probability of a language; the scorer rounds to it


WORDLESS = 8.0  # nats a second of sound between words that is none of them
USUAL = 0.25  # s of it in healthy speech


@dataclass(frozen=True, slots=True)
class Stretch:
    """One stretch; ``too_many``: s of sound beyond what the words that are missing there may take.

    ``language``: the likeliest other one, ``own``: the probability of the text's; None where too short to tell.
    """

    span: Span
    too_many: float
    seconds: float
    heard: str
    written: str
    at_end: bool
    language: str | None
    own: float | None

    @property
    def foreign(self) -> float:
        """Return what its sound says against the text, whatever was heard in it, in nats; below 0 for common sound."""
        return WORDLESS * (self.too_many - USUAL)

    @property
    def misheard(self) -> bool:
        """Return whether what was heard is much like the words that stand there, and takes about as long."""
        from rapidfuzz.fuzz import ratio

        heard, written = letters_and_digits(self.heard), letters_and_digits(self.written)
        return bool(heard) and self.too_many <= MISHEARD_SECONDS and ratio(heard, written) >= MISHEARD

    @property
    def other_language(self) -> float:
        """Return log-odds that it is in another language than the text's.

        Raises TypeError where that cannot be told.
        """
        own = min(max(float(self.own), RAREST), 1 - RAREST)  # type: ignore[arg-type]
        return math.log((1 - own) / own)


def most_foreign(stretches: Iterable[Stretch]) -> Stretch | None:
    """Return the stretch that speaks most against the text; None where all of them are common sound."""
    longest = max(stretches, key=lambda one: one.foreign, default=None)
    return longest if longest is not None and longest.foreign > 0.0 else None


def unexplained_speech(view: DetectorInput) -> list[Stretch]:
    """Return the stretches of sound that the text does not explain. Raises CannotJudge without the scorer's payload."""
    understood(view)
    payload = required_payload(view, SCORER)
    stretches, words = payload["unexplained"], [str(word["word"]) for word in payload["words"]]
    heard, signs = HeardTimes.of(view), SpokenSigns.of(view.chunk.expected_text, words, view.chunk.language)
    last = len(stretches) - 1
    return [
        _read(one, words, number == last, lost_time(one, stretches, heard) if number < last else 0.0, signs)
        for number, one in enumerate(stretches)
    ]


def _read(one: UnexplainedStretch, words: list[str], at_end: bool, lost: float, signs: SpokenSigns) -> Stretch:
    seconds, expected = float(one["seconds"]), float(one["expected"]) + lost
    said = str(one["heard"]).split()
    if said and not signs.without_names(said, *one["ref"]):
        expected += seconds
    return Stretch(
        (one["span"][0], one["span"][1]),
        seconds - (SLOW * expected + STRETCHED if expected > 0 else 0.0),
        seconds,
        str(one["heard"]),
        " ".join(words[slice(*one["ref"])]),
        at_end,
        one["language"],
        one["own"],
    )
