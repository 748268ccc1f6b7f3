"""What a bisect needs to know of two models of which parts can be exchanged, whatever the files are."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from harness.causes.bisect.listening import Ears
from harness.causes.bisect.terms import PartTerms
from harness.core.records import Chunk, Variant
from harness.store import Run

Measure = Callable[[Path], float]  # the figure of one model file; raises NotMeasured where it cannot be spoken with


class ModelExchange(Protocol):
    """A variant and its reference with their model files open."""

    variant: Variant
    reference: Variant
    terms: PartTerms
    suffix: str  # of model files

    @property
    def costs(self) -> Mapping[str, int]:
        """Return bytes that restoring each part adds; only parts that differ, in the order of the model."""

    @property
    def groups(self) -> Mapping[str, tuple[str, ...]]:
        """Return the groups that a part is of, such as its kind and its layer."""

    @property
    def metadata(self) -> tuple[str, ...]:
        """Return keys that differ and are no part."""

    @property
    def problems(self) -> Mapping[str, str]:
        """Return parts whose values are no rounding of the reference's, and how they are wrong."""

    @property
    def sizes(self) -> Mapping[str, int]:
        """Return bytes of the two files by name."""

    def write(self, restored: Collection[str], target: Path) -> None:
        """Write the variant's model with these parts as the reference has them."""

    def remove(self, target: Path) -> None:
        """Remove what ``write`` wrote."""

    def line(self, restored: Collection[str]) -> str:
        """Return the command that builds it; empty where none does."""

    def rules(self, restored: Collection[str]) -> Mapping[str, frozenset[str]]:
        """Return sets that a rule of thumb would keep, by what it is called, to be measured beside ``restored``."""

    def meter(self, ears: Ears, run: Run, fed: Sequence[Chunk]) -> AbstractContextManager[tuple[Measure, int]]:
        """Return what measures one file after the other, and the count of speech tokens that are compared (0: none).

        Entering has the reference speak the texts ``fed``, and raises ConfigError where it cannot be measured by.
        """
