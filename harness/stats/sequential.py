"""A sequential test of a fault rate: stop as soon as the answer is known."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum


class Stop(StrEnum):
    """What a sequential test says so far."""

    GO_ON = "go on"
    GOOD = "good"  # the rate is at most ``good``
    BAD = "bad"  # the rate is at least ``bad``


@dataclass(frozen=True, slots=True)
class Sprt:
    """Sequential probability ratio test of a fault rate (Wald 1945), to be decided on before the run.

    ``good`` must be at least the calibrated false-alarm rate, or a healthy backend is called bad. ``alpha``: a rate
    of ``good`` is called bad; ``beta``: a rate of ``bad`` is called good.
    """

    good: float = 0.004
    bad: float = 0.02
    alpha: float = 0.05
    beta: float = 0.05

    def __post_init__(self) -> None:
        if not 0 < self.good < self.bad < 1 or not 0 < self.alpha < 0.5 or not 0 < self.beta < 0.5:
            raise ValueError(f"a sequential test needs 0 < good < bad < 1 and error rates below 0.5: {self}")

    def decide(self, faulty: int, judged: int) -> Stop:
        """Return the answer after ``faulty`` of ``judged`` chunks."""
        clean = judged - faulty
        ratio = faulty * math.log(self.bad / self.good) + clean * math.log((1 - self.bad) / (1 - self.good))
        if ratio >= math.log((1 - self.beta) / self.alpha):
            return Stop.BAD
        return Stop.GOOD if ratio <= math.log(self.beta / (1 - self.alpha)) else Stop.GO_ON
