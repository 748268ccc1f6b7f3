"""The interface of a fault class (layer 2). The catalogue grows by adding files; this stays as it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from harness.types import Evidence, Relation, View


@dataclass(frozen=True, slots=True)
class Source:
    """Where a class, a threshold or a dose comes from."""

    what: str
    link: str = ""


class Fault(Protocol):
    """One way speech breaks.

    ``evidence`` gives a value on a scale where larger is worse, for healthy speech too; it never compares with a
    limit (the judge does). ``relation`` says how the judge sets the value against the reference's on the same text.
    ``physical_limit`` holds where physics decides whatever the voice (NaN: more than 0); else None, and a limit
    fitted on the voice is needed. ``default_limit`` is used, and named so, for a voice that was never calibrated.
    ``observes`` names the scorers whose payloads are read; empty: the attempt itself is enough.
    """

    name: str  # kebab-case
    title: str  # one line a user understands
    causes: tuple[str, ...]
    observes: tuple[str, ...]
    unit: str
    relation: Relation
    physical_limit: float | None
    default_limit: float | None
    sources: tuple[Source, ...]

    def evidence(self, view: View) -> Evidence: ...
