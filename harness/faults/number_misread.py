"""Number misread: another number is spoken than the text says."""

import re

from harness.faults._inject import backend
from harness.faults.base import BaseFault, Family, NotApplicable, Seen, Source, payload
from harness.types import Json, Relation, View

TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
TEENS = "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen"
ONES = "zero one two three four five six seven eight nine"
NUMBERS = frozenset(f"{ONES} {TEENS} {TENS} hundred thousand million".split())


def is_number(word: str) -> bool:
    """Whether a normalised word stands for a number."""
    return any(c.isdigit() for c in word) or word in NUMBERS


class NumberMisread(BaseFault):
    name = "number-misread"
    title = "another number is spoken than the text says"
    family = Family.TRANSCRIPT
    causes = ("a text normaliser that guesses", "digits spoken by a model that never saw them written")
    observes = ("intelligibility",)
    unit = "numbers of the text heard as other numbers"
    relation = Relation.EXCESS
    against = "worst"
    default_margin = 0.5  # only against a reference: a blunt recognizer mishears numbers of its own
    sources = (
        Source("5 spoken as forty", "https://github.com/0xShug0/audio.cpp/issues/99"),
        Source("both sides go through one named normaliser, so that every way of saying a number counts"),
    )
    injectors = (backend("misread"),)

    def measure(self, view: View) -> Seen:
        if not re.search(r"\d", view.chunk.text):
            raise NotApplicable("no number in the text")
        seen = payload(view, "intelligibility")
        wrong = misread(seen)
        return Seen(float(len(wrong)), None, "; ".join(f"'{said}' for '{meant}'" for meant, said in wrong))


def misread(seen: Json) -> list[tuple[str, str]]:
    """Pairs of (number of the text, other number heard in its place) from an alignment of words."""
    expected, heard = str(seen.get("reference") or "").split(), str(seen.get("hypothesis") or "").split()
    found = []
    for part in seen.get("alignment") or []:
        if part["op"] != "substitute":
            continue
        (i, j), (k, m) = part["ref"], part["hyp"]
        meant, said = expected[i:j], heard[k:m]
        if any(map(is_number, meant)) and any(map(is_number, said)) and "".join(meant) != "".join(said):
            found.append((" ".join(meant), " ".join(said)))
    return found
