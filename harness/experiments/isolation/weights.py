"""Weights as they lie in a GGUF file, against the reference's: damaged, in the wrong place, or not its own.

A quantization changes values a little and keeps their pattern. Measured on the embedded voice, correlation of a tensor
with the same one at f16: at least 0.9999 at q8_0, 0.997 at q4_k_s, 0.957 at q2_k; with any other tensor of its shape at
most 0.04 (normalisations: 0.38).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from gguf import ReaderTensor

SAME = 0.85  # correlation from which on two tensors hold the same weights
ROWS = 64  # of a tensor, evenly spread, that are compared
SHIFTS = tuple(k for k in range(-8, 9) if k)  # rows by which an embedding table may be moved
SPREAD = 1.25  # ratio of standard deviations, either way
EMBEDDINGS = ("token_embd.weight", "output.weight")

Rows = NDArray[np.float32]


class Kind(StrEnum):
    """What is wrong with a tensor."""

    DAMAGED = "damaged"  # values destroyed in their place: zeros, not finite, another spread
    MISPLACED = "misplaced"  # the reference's values, but of another tensor or in other rows
    FOREIGN = "foreign"  # of another model
    MISSING = "missing"  # not there, or of another shape


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with the weights."""

    tensor: str
    kind: Kind
    says: str


class Weights:
    """The tensors of a GGUF file, read when asked for. Raises OSError or ValueError when it cannot be read."""

    def __init__(self, path: Path) -> None:
        import gguf

        self.path = path
        self._tensors: dict[str, ReaderTensor] = {tensor.name: tensor for tensor in gguf.GGUFReader(str(path)).tensors}

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._tensors)

    def shape(self, name: str) -> tuple[int, ...]:
        """Return the shape, rows first."""
        return tuple(int(size) for size in reversed(self._tensors[name].shape))

    def rows(self, name: str, index: NDArray[np.intp] | slice) -> Rows:
        """Return rows of a tensor as float32, shape (rows, width); a vector is one row."""
        from gguf.quants import dequantize

        tensor = self._tensors[name]
        stored = np.atleast_2d(tensor.data)
        stored = stored.reshape(-1, stored.shape[-1])
        dequantized: Rows = np.asarray(dequantize(np.ascontiguousarray(stored[index]), tensor.tensor_type), np.float32)
        return dequantized

    def count(self, name: str) -> int:
        """Return rows of a tensor."""
        shape = self.shape(name)
        return int(np.prod(shape[:-1])) if len(shape) > 1 else 1


@dataclass(frozen=True, slots=True)
class EmbeddingFigures:
    """Of an embedding table: mean and standard deviation (None of nothing), ids of rows all zero or not finite."""

    rows: int
    mean: float | None
    spread: float | None
    zero_rows: list[int]
    broken_rows: list[int]


def embedding(weights: Weights, name: str) -> EmbeddingFigures:
    """Return the figures of one embedding table, read 4096 rows at a time."""
    total = squares = 0.0
    values = 0
    zero: list[int] = []
    broken: list[int] = []
    for start in range(0, weights.count(name), 4096):
        rows = weights.rows(name, slice(start, start + 4096)).astype(np.float64)
        finite = np.isfinite(rows).all(axis=1)
        broken += [start + int(i) for i in np.flatnonzero(~finite)]
        zero += [start + int(i) for i in np.flatnonzero(finite & ~rows.any(axis=1))]
        good = rows[finite]
        total, squares, values = total + float(good.sum()), squares + float((good**2).sum()), values + good.size
    mean = total / values if values else None
    spread = max(squares / values - mean**2, 0.0) ** 0.5 if values and mean is not None else None
    return EmbeddingFigures(weights.count(name), mean, spread, zero, broken)


def embeddings(weights: Weights) -> dict[str, EmbeddingFigures]:
    """Return the figures of the embedding tables that the file has, by tensor."""
    return {name: embedding(weights, name) for name in EMBEDDINGS if name in weights.names}


def weight_problems(weights: Weights, reference: Weights) -> list[Problem]:
    """Return what is wrong with ``weights`` as a quantization of ``reference``; empty where nothing is."""
    problems = [
        Problem(name, Kind.MISSING, "is not in the file") for name in reference.names if name not in weights.names
    ]
    ours, theirs = embeddings(weights), embeddings(reference)
    spoiled = {name: problem for name in ours if name in theirs and (problem := _spoiled(name, ours, theirs))}
    for name in weights.names:
        if name not in reference.names:
            problems.append(Problem(name, Kind.FOREIGN, "is in no file of the reference"))
        elif weights.shape(name) != reference.shape(name):
            statement = f"has shape {weights.shape(name)}, the reference's has {reference.shape(name)}"
            problems.append(Problem(name, Kind.MISSING, statement))
        elif name in spoiled:
            problems.append(spoiled[name])
        elif (problem := _other(name, weights, reference)) is not None:
            problems.append(problem)
    return problems


def _spoiled(name: str, ours: Mapping[str, EmbeddingFigures], theirs: Mapping[str, EmbeddingFigures]) -> Problem | None:
    own, base = ours[name], theirs[name]
    for mine, usual, what in (
        (own.broken_rows, base.broken_rows, "not finite"),
        (own.zero_rows, base.zero_rows, "all zero"),
    ):
        extra = sorted(set(mine) - set(usual))
        if extra:
            statement = f"{len(extra)} of {own.rows} rows are {what} (ids {_ranges(extra)}), the reference's are not"
            return Problem(name, Kind.DAMAGED, statement)
    if own.spread and base.spread and own.mean is not None and base.mean is not None:
        ratio = own.spread / base.spread
        moved = abs(own.mean - base.mean) / base.spread
        if not 1 / SPREAD <= ratio <= SPREAD or moved > 1:
            statement = f"its spread is {ratio:.2f} times the reference's, its mean lies {moved:.2f} spreads away"
            return Problem(name, Kind.DAMAGED, statement)
    return None


def _other(name: str, weights: Weights, reference: Weights) -> Problem | None:
    index = _spread_out(weights.count(name))
    own = weights.rows(name, index)
    alike = correlation(own, reference.rows(name, index))
    if alike >= SAME:
        return None
    if not np.isfinite(own).all() or not own.any():
        what = "are zero" if np.isfinite(own).all() else "are not finite"
        return Problem(name, Kind.DAMAGED, f"its values {what}")
    statement = f"correlates {alike:.2f} with the reference's (a quantization keeps at least {SAME:g})"
    if (shift := _shift(name, own, index, reference)) is not None:
        return Problem(name, Kind.MISPLACED, f"{statement}; its rows are those of the reference {shift:+d} further")
    for other in reference.names:
        if other != name and reference.shape(other) == weights.shape(name):
            correlation_of_other = correlation(own, reference.rows(other, index))
            if correlation_of_other >= SAME:
                return Problem(
                    name, Kind.MISPLACED, f"{statement}; it holds the reference's {other} ({correlation_of_other:.2f})"
                )
    return Problem(name, Kind.FOREIGN, f"{statement}, nor with any other of its shape")


def _shift(name: str, own: Rows, index: NDArray[np.intp], reference: Weights) -> int | None:
    count = reference.count(name)
    if name not in EMBEDDINGS or count <= 2 * max(SHIFTS):
        return None
    for shift in SHIFTS:
        inside = (index + shift >= 0) & (index + shift < count)
        if correlation(own[inside], reference.rows(name, index[inside] + shift)) >= SAME:
            return shift
    return None


def correlation(a: Rows, b: Rows) -> float:
    """Return the Pearson correlation of all values; 1 for equal ones, 0 where one does not vary or is not finite."""
    x, y = a.astype(np.float64).ravel(), b.astype(np.float64).ravel()
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        return 0.0
    if np.allclose(x, y):
        return 1.0
    x, y = x - x.mean(), y - y.mean()
    scale = float(np.sqrt((x @ x) * (y @ y)))
    return float(x @ y) / scale if scale > 0 else 0.0


def _spread_out(count: int) -> NDArray[np.intp]:
    return np.unique(np.linspace(0, count - 1, min(count, ROWS)).astype(np.intp))


def _ranges(ids: list[int]) -> str:
    """``3-5, 9``; the first few where there are many."""
    runs: list[list[int]] = []
    for one in ids:
        if runs and one == runs[-1][1] + 1:
            runs[-1][1] = one
        else:
            runs.append([one, one])
    shown = [str(a) if a == b else f"{a}-{b}" for a, b in runs[:3]]
    return ", ".join(shown) + (", ..." if len(runs) > 3 else "")
