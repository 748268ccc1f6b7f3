"""What intervals and p-values amount to: equivalence by margin, and many tests at once."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from harness.stats.rates import Interval


class Decision(StrEnum):
    """What an interval says against a margin of equivalence."""

    EQUIVALENT = "equivalent"
    DIFFERENT = "different"
    UNDECIDED = "undecided"  # too small to say; not the same as equal


def equivalence(interval: Interval, margin: float) -> Decision:
    """Return equivalent where the interval of a difference lies within +-margin, different where it lies outside.

    With an interval of level 1 - 2a this is the two one-sided tests procedure at a (Schuirmann 1987): an interval of
    95% calls unequal things equivalent in at most 2.5% of all cases.
    """
    low, high = interval
    if -margin <= low and high <= margin:
        return Decision.EQUIVALENT
    return Decision.DIFFERENT if low > margin or high < -margin else Decision.UNDECIDED


def at_most(interval: Interval, margin: float) -> bool | None:
    """Return True where the whole interval is at most ``margin``, False where all of it is above, None for neither."""
    low, high = interval
    return True if high <= margin else False if low > margin else None


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values adjusted for their number (Holm 1979), in the order given."""
    if not p_values:
        return []
    from statsmodels.stats.multitest import multipletests

    return [float(p) for p in multipletests(list(p_values), method="holm")[1]]
