"""Delta debugging: the smallest part of a list that still shows what the whole shows (Zeller and Hildebrandt 2002)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import TypeVar

T = TypeVar("T")
Shows = Callable[[tuple[T, ...]], bool]


def minimise(items: Sequence[T], shows: Shows[T], *, to_nothing: bool = False) -> tuple[T, ...]:
    """Return a 1-minimal part of ``items``, in order: with any single item less, ``shows`` no longer holds.

    ``items`` as a whole must show it already. ``to_nothing``: the empty part is asked about too, first of all.
    """
    left = tuple(items)
    if to_nothing and left and shows(()):
        return ()
    parts = 2
    while len(left) > 1:
        smaller = _smaller(left, min(parts, len(left)), shows)
        if smaller is not None:
            left, was_part = smaller
            parts = 2 if was_part else max(parts - 1, 2)
        elif parts >= len(left):
            break
        else:
            parts = min(2 * parts, len(left))
    return left


def _smaller(items: tuple[T, ...], parts: int, shows: Shows[T]) -> tuple[tuple[T, ...], bool] | None:
    """Return the first of ``parts`` that shows it alone, else the first that can be left out; and which of the two."""
    borders = [round(len(items) * number / parts) for number in range(parts + 1)]
    pieces = [items[start:end] for start, end in pairwise(borders)]
    for piece in pieces:
        if shows(piece):
            return piece, True
    if parts > 2:  # with two parts each is the rest of the other
        for number in range(parts):
            rest = tuple(item for other, piece in enumerate(pieces) if other != number for item in piece)
            if shows(rest):
                return rest, False
    return None
