"""How the parts of a kind of model are spoken of, and the figure by which sets of them are searched."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PartTerms:
    """Words and scale of one search. ``floor``: below it nothing differs; ``most``: what may stay at most.

    ``named`` gets a set and all parts that differ; ``measured`` says what was compared, e.g. "552 speech tokens".
    """

    noun: str  # plural, e.g. "tensors"
    unit: str  # of the stored figure
    show: Callable[[float], str]
    alike: str  # what is true where nothing differs
    named: Callable[[Collection[str], Collection[str]], str]
    floor: float
    most: float

    def told(self, value: float | None) -> str:
        """Return the figure as text; a model without finite values is said as such."""
        if value is None:
            return "-"
        return self.show(value) if math.isfinite(value) else "not finite"
