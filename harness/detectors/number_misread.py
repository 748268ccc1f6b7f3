"""Number misread: another number is spoken than the text says."""

from harness.core.records import DetectorInput, Relation
from harness.detectors._edits import NOTHING, HeardEdit, heard_edits, likeliest, quoted
from harness.detectors._inject import backend
from harness.detectors.base import BaseFault, Citation, DetectorValue, Family
from harness.text import default_normaliser, normaliser
from harness.text.english import is_number


class NumberMisread(BaseFault):
    name = "number-misread"
    title = "another number is spoken than the text says"
    family = Family.TRANSCRIPT
    causes = ("a text normaliser that guesses", "digits spoken by a model that never saw them written")
    observes = ("edit_likelihood",)
    unit = "nats by which the audio fits another number better"
    relation = Relation.EXCESS
    default_margin = 6.0
    default_limit = 6.0
    sources = (
        Citation("5 spoken as forty", "https://github.com/0xShug0/audio.cpp/issues/99"),
        Citation("both sides go through one named normaliser, so that every way of saying a number counts"),
    )
    injectors = (backend("misread"),)

    def measure(self, view: DetectorInput) -> DetectorValue:
        normalise = normaliser(default_normaliser(view.chunk.language))

        def misread(edit: HeardEdit) -> bool:
            return edit.kind == "replace" and other_number(*normalise.pair(" ".join(edit.written), " ".join(edit.said)))

        return likeliest(
            heard_edits(view), misread, lambda edit: f"{quoted(edit.said)} for {quoted(edit.written)}", NOTHING
        )


def other_number(meant: str, said: str) -> bool:
    """Return whether both normalised texts hold numbers, and not the same ones."""
    numbers = [[word for word in text.split() if is_number(word)] for text in (meant, said)]
    return bool(numbers[0]) and bool(numbers[1]) and numbers[0] != numbers[1]
