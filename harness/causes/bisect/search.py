"""The smallest set of parts that restores a figure: groups first, then single parts, then nothing superfluous.

Pure: what a set of restored parts measures is asked of a callable. Delta debugging (Zeller and Hildebrandt 2002) makes
the set 1-minimal; what single parts gain says where to begin and which trials cannot succeed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from harness.causes.budget import BudgetSpent

SHARE = 0.1  # of the figure that may stay
_EXPLAINED = 0.95  # of the divergence by single parts: further ones need not be measured
_VAIN = 10  # single parts in a row, the likeliest first, that gain next to nothing: further ones gain no more
_NEXT_TO_NOTHING = 0.005  # of the figure
_FEW = 6  # parts that are not worth groups
_FEW_CHOSEN = 2  # parts of a set that needs no smaller one to listen to
_AROUND = (0.75, 0.5, 0.35, 0.25, 0.15)  # of the figure that sets to listen to leave, beside the smallest
_SLACK = 2.0  # how far gains may fail to add up before a trial is thought hopeless

Restored = frozenset[str]


@dataclass(frozen=True, slots=True)
class Part:
    """Something that can be restored. ``cost``: bytes that restoring it adds, negative where it saves some."""

    name: str
    cost: int = 0
    groups: tuple[str, ...] = ()  # such as its kind and its layer


@dataclass
class SearchResult:
    """What was learnt. ``left`` is what stays of the figure when that group or part alone is restored."""

    before: float = 0.0  # with nothing restored
    everything: float | None = None  # with everything restored
    target: float = 0.0
    groups: dict[str, float] = field(default_factory=dict)
    parts: dict[str, float] = field(default_factory=dict)
    candidates: list[tuple[Restored, float]] = field(default_factory=list)  # growing sets, each with what stays
    chosen: Restored | None = None
    after: float | None = None
    complete: bool = True  # False: the budget ended first, the set may not be the smallest
    floor: float = 0.0  # below it nothing differs

    @property
    def nothing(self) -> bool:
        """Return whether there is no difference to look for, nor a tensor that is wrong as it is stored."""
        return self.before <= self.floor and self.chosen is None

    def gain(self, left: float) -> float:
        """Return the share of the figure that is gone, at most 1; 0 where the figure never was finite."""
        return 1 - left / self.before if math.isfinite(self.before) and self.before > 0 else float(left <= self.target)


class PartSearch:
    """One search. ``measure`` gives the figure with these parts restored, and raises BudgetSpent.

    ``floor``: below it nothing differs; ``most``: what may stay at most, whatever the share. ``heard``:
    whether sets that restore less or more are wanted, to be listened to.
    """

    def __init__(
        self,
        parts: Sequence[Part],
        measure: Callable[[Restored], float],
        suspects: Iterable[str] = (),
        share: float = SHARE,
        floor: float = 1e-6,
        most: float = math.inf,
        heard: bool = True,
    ) -> None:
        self._parts = {part.name: part for part in parts}
        self._measure = measure
        self._suspects: Restored = frozenset(name for name in suspects if name in self._parts)
        self._share, self._floor, self._most, self._heard = share, floor, most, heard
        self.result = SearchResult(floor=floor)

    def run(self) -> SearchResult:
        """Search until the set is 1-minimal or the budget is spent; what was learnt until then is in the result."""
        try:
            self._run()
        except BudgetSpent:
            self.result.complete = False
        return self.result

    def _run(self) -> None:
        result = self.result
        result.before = self._measure(frozenset())
        if result.before <= self._floor or not self._parts:
            if self._suspects:  # wrong, though these texts do not show it
                self._settle(self._suspects, self._measure(self._suspects))
                result.candidates = [(self._suspects, result.after or 0.0)]
            return
        result.target = min(max(self._floor, self._share * result.before), self._most)
        every = frozenset(self._parts)
        result.everything = self._measure(every)
        if result.everything > result.target:
            return
        self._settle(every, result.everything)
        self._rank_groups()
        if self._suspects:
            left = self._measure(self._suspects)
            if left <= result.target:
                self._settle(self._suspects, left)
                result.candidates = [(self._suspects, left)]
                return
        self._rank_parts()
        self._settle(*min([self._shortest_prefix(result.target), *self._groups_that_restore()], key=self._size))
        self._drop_superfluous()
        self._around()

    def _settle(self, chosen: Restored, after: float) -> None:
        self.result.chosen, self.result.after = chosen, after

    # ------------------------------------------------------------------ ranking
    def _rank_groups(self) -> None:
        if len(self._parts) <= _FEW:
            return
        names = dict.fromkeys(group for part in self._parts.values() for group in part.groups)
        for group in names:
            self.result.groups[group] = self._measure(self._members(group))

    def _rank_parts(self) -> None:
        """Measure single parts, the likeliest first, until they explain what there is to explain or gain no more."""
        result, explained, in_vain = self.result, 0.0, 0
        for name in sorted(self._parts, key=lambda name: (-self._expected(name), self._parts[name].cost)):
            if explained >= _EXPLAINED or in_vain >= _VAIN:
                return
            result.parts[name] = self._measure(frozenset([name]))
            gain = result.gain(result.parts[name])
            explained += max(gain, 0.0)
            in_vain = in_vain + 1 if gain < _NEXT_TO_NOTHING else 0

    def _expected(self, name: str) -> float:
        """Return what restoring this part alone should gain: its groups' gains multiplied."""
        groups = self.result.groups
        left = [groups[group] for group in self._parts[name].groups if group in groups]
        return math.prod(max(self.result.gain(one), 0.0) for one in left) if left else 0.0

    def _known_gain(self, name: str) -> float:
        left = self.result.parts.get(name)
        return self.result.gain(left) if left is not None else 0.0

    # ------------------------------------------------------------------ the set
    def _order(self) -> list[str]:
        """Suspects, then what gains most for its bytes; parts that were not measured last."""

        def key(name: str) -> tuple[bool, bool, float, float]:
            measured = name in self.result.parts
            gain = self._known_gain(name) if measured else self._expected(name)
            per_byte = gain / (max(self._parts[name].cost, 0) + _typical(self._parts))
            return name not in self._suspects, not measured, -per_byte, -gain

        return sorted(self._parts, key=key)

    def _shortest_prefix(self, target: float) -> tuple[Restored, float]:
        """Halve: the shortest beginning of the order that restores; more never being worse is only a guess here."""
        order, low, high = self._order(), 0, len(self._parts)
        best = (frozenset(order), self.result.everything or 0.0)
        while high - low > 1:
            middle = (low + high) // 2
            tried = frozenset(order[:middle])
            left = self._measure(tried)
            if left <= target:
                high, best = middle, (tried, left)
            else:
                low = middle
        return best

    def _groups_that_restore(self) -> list[tuple[Restored, float]]:
        return [(self._members(name), left) for name, left in self.result.groups.items() if left <= self.result.target]

    def _members(self, group: str) -> Restored:
        return frozenset(part.name for part in self._parts.values() if group in part.groups)

    def _size(self, candidate: tuple[Restored, float]) -> tuple[int, int]:
        return len(candidate[0]), sum(self._parts[name].cost for name in candidate[0])

    def _around(self) -> None:
        """Try sets that restore less, and one that restores more, for those who listen."""
        result = self.result
        assert result.chosen is not None and result.after is not None
        final = (result.chosen, result.after)
        if not self._heard or len(result.chosen) <= _FEW_CHOSEN:
            result.candidates = [final]
            return
        around = [self._shortest_prefix(result.before * share) for share in _AROUND]
        around = [(names, left) for names, left in around if len(names) < len(result.chosen)]
        more = self._shortest_prefix(result.target / 4)
        result.candidates = [*dict.fromkeys(around), final, *([more] if len(more[0]) > len(result.chosen) else [])]

    def _drop_superfluous(self) -> None:
        """Take pieces out while the rest still restores, until no single part can go."""
        assert self.result.chosen is not None
        pieces = 2
        while len(self.result.chosen) > 1:
            ordered = sorted(self.result.chosen, key=lambda name: (self._known_gain(name), -self._parts[name].cost))
            size = max(1, len(ordered) // pieces)
            dropped = False
            for start in range(0, len(ordered), size):
                piece = frozenset(ordered[start : start + size])
                dropped |= self._try_without(piece)
            if size == 1 and not dropped:
                return
            pieces = 2 if dropped and size > 1 else min(pieces * 2, max(len(self.result.chosen), 2))

    def _try_without(self, piece: Restored) -> bool:
        result = self.result
        assert result.chosen is not None and result.after is not None
        rest = result.chosen - piece
        if not rest or self._hopeless(piece):
            return False
        left = self._measure(rest)
        if left <= result.target:
            self._settle(rest, left)
            return True
        return False

    def _hopeless(self, piece: Restored) -> bool:
        """Whether, gains adding up as they do for rounding, the rest cannot restore. Never said where they do not."""
        result = self.result
        total = sum(max(self._known_gain(name), 0.0) for name in self._parts)
        if not 1 / _SLACK <= total <= _SLACK or any(name not in result.parts for name in piece):
            return False
        lost = sum(self._known_gain(name) for name in piece) * result.before
        return lost > _SLACK * (result.target - (result.after or 0.0)) + self._floor


def _typical(parts: Mapping[str, Part]) -> float:
    """Return a tenth of the mean cost, so that parts that cost nothing do not weigh without end."""
    costs = [max(part.cost, 0) for part in parts.values()]
    return max(sum(costs) / len(costs) / 10, 1.0)
