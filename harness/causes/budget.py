"""The minutes that a search for a cause may take."""

from __future__ import annotations

import math
import time


class BudgetSpent(Exception):
    """The minutes are over; what was asked is kept, and the search goes on from there when it is resumed."""


class Budget:
    """Minutes, counted from now; 0 for no limit."""

    def __init__(self, minutes: float = 0.0) -> None:
        self._end = time.monotonic() + 60 * minutes if minutes > 0 else math.inf

    def check(self) -> None:
        """Raise BudgetSpent where no time is left."""
        if time.monotonic() >= self._end:
            raise BudgetSpent
