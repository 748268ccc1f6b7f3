"""State bleed: words of the text spoken before are heard in this one."""

import numpy as np

from harness.core.records import DetectorInput, Relation
from harness.detectors._edits import NOTHING, heard_edits, is_added, likeliest, quoted
from harness.detectors._inject import audio, backend, crossfade, give, speech
from harness.detectors._origin import are_of, likeness
from harness.detectors._stretches import most_foreign, unexplained_speech
from harness.detectors.base import (
    BaseFault,
    CannotInject,
    Citation,
    DetectorValue,
    Family,
    InjectionMaterial,
    NotApplicable,
)


def splice(material: InjectionMaterial, dose: float, rng: np.random.Generator) -> InjectionMaterial:
    """Begin with the last ``dose`` seconds of what was spoken before."""
    x, rate = speech(material)
    if material.previous is None:
        raise CannotInject("nothing was spoken before")
    y, other = speech(material.previous)
    if other != rate:
        raise CannotInject("the audio before has another rate")
    tail = y[-int(dose * rate) :]
    return give(material, crossfade([tail, x], rate), 0.0, len(tail) / rate)


class StateBleed(BaseFault):
    name = "state-bleed"
    title = "words of the text before are heard"
    family = Family.TRANSCRIPT
    causes = ("a cache that was not cleared", "the previous prompt is still in the context", "answers swapped")
    observes = ("edit_likelihood",)
    unit = "nats by which the audio fits better with words of the previous text"
    relation = Relation.EXCESS
    default_margin = 6.0
    default_limit = 2.0
    explains = ("inserted-words", "gibberish-tail")
    sources = (
        Citation("a long text before a short one", "https://github.com/k2-fsa/sherpa-onnx/issues/1695"),
        Citation("insertions that match the chunk before, not one match by chance"),
    )
    injectors = (
        *audio("s", (0.3, 0.7, 1.5, 2.5), 2.5, splice),
        backend("keep-state", "words", "words of the text before", (1.0, 3.0, 6.0, 12.0), 6.0, "keep-state"),
    )

    def measure(self, view: DetectorInput) -> DetectorValue:
        if view.previous is None:
            raise NotApplicable("nothing was spoken before in this epoch")
        before, own = view.previous.expected_text, view.chunk.expected_text
        if before == own:
            raise NotApplicable("the same text was spoken before: its words heard again are a loop")
        words = likeliest(
            heard_edits(view),
            lambda edit: is_added(edit) and _is_carried_over(" ".join(edit.said), before, own),
            lambda edit: f"{quoted(edit.said)} spoken, from the text before",
            NOTHING,
        )
        return max(words, _foreign_sound(view, before, own), key=lambda one: one.value or NOTHING)


def _is_carried_over(said: str, before: str, own: str) -> bool:
    """Whether words are of the text before, and rather of that than of the chunk's own."""
    return are_of(said, before) and likeness(said, before) > likeness(said, own)


def _foreign_sound(view: DetectorInput, before: str, own: str) -> DetectorValue:
    """Sound that is none of the text's words, heard as words of the text before."""
    longest = most_foreign(one for one in unexplained_speech(view) if _is_carried_over(one.heard, before, own))
    if longest is None:
        return DetectorValue(NOTHING)
    return DetectorValue(longest.foreign, longest.span, f"{quoted(longest.heard.split())} spoken, from the text before")
