"""What a suite declares of itself: in its package, looked up by the name of the folder of its tests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from harness.core.errors import ConfigError, nearest
from harness.core.paths import PACKAGE
from harness.core.records import Claim, Json
from harness.core.registry import Registry, load_target

SCORERS = ("signal", "pitch", "tokens", "intelligibility", "edit_likelihood", "speaker")


@dataclass(frozen=True)
class Suite:
    """One suite: what it speaks, what listens, what it claims, and what the report shows of it.

    ``run``: ``module:function`` from a plan, a progress and the run to resume (or None) to the run's directory; empty
    for a soak, which the engine does by itself. ``chunks``: how many of the default corpus; None for all. ``drawing``:
    ``module:function`` from the results and the claims to pairs of title and SVG element. ``pairs``: the same from the
    suite's table of the limits file to the names that the fixture ``pair`` goes through.
    """

    name: str
    claims: frozenset[str]
    run: str = ""
    question: str = ""
    corpus: str = "book"
    chunks: int | None = None
    scorers: tuple[str, ...] = SCORERS
    drawing: str = ""
    pairs: str = ""

    @property
    def is_soak(self) -> bool:
        """Return whether the engine does it all: speak, judge, confirm, claim."""
        return not self.run

    def carry_out(self) -> Callable[..., Path]:
        """Import and return what carries the suite out."""
        function: Callable[..., Path] = load_target(self.run)
        return function

    def draw(self, results: Json, claims: list[Claim]) -> list[tuple[str, str]]:
        """Return the drawings of the report; nothing for a suite that has none."""
        if not self.drawing:
            return []
        function: Callable[[Json, list[Claim]], list[tuple[str, str]]] = load_target(self.drawing)
        return function(results, claims)

    def pair_names(self, table: Json) -> list[str]:
        """Return what the fixture ``pair`` goes through; nothing for a suite without pairs. Raises ConfigError."""
        if not self.pairs:
            return []
        function: Callable[[Json], list[str]] = load_target(self.pairs)
        return function(table)

    def check_claim(self, name: str, where: str) -> None:
        """Raise ConfigError, one line with the nearest name, where the suite makes no claim of this name."""
        if name not in self.claims:
            raise ConfigError(f"{where}: the suite {self.name} makes no claim {name!r}{nearest(name, self.claims)}")


# A second recognizer serves the confirmation of faults, which only a soak has.
STRESS = Suite(
    "stress",
    frozenset({"fault-rate", "judged-share", "drift", "memory", "own-reference", "as-a-whole"}),
    scorers=(*SCORERS, "second_opinion"),
)
DECLARED_SUITES: Registry[Suite] = Registry("suite", "tts_soak.suites", ("claims", "carry_out"))
for _folder in (PACKAGE / "experiments").glob("*/suite.py"):
    DECLARED_SUITES.add(_folder.parent.name, f"harness.experiments.{_folder.parent.name}.suite:SUITE")
DECLARED_SUITES.add("stress", "harness.core.suites:STRESS")


def suite_of(folder: str) -> Suite:
    """Return the suite of a folder of tests; a folder of the user's own is a soak, as ``suites/stress`` is."""
    return (
        DECLARED_SUITES.get(folder)
        if folder in DECLARED_SUITES
        else replace(DECLARED_SUITES.get("stress"), name=folder)
    )
