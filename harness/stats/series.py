"""Series in order of position: slope, trend, step and jump, each standing lag-1 autocorrelation."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from harness.stats.autocorrelation import cautious, widening
from harness.stats.paired import Estimate, Series

REPEATS = 4999
_AT_ONCE = 1 << 20  # values of permuted rows that are there together
BLOCK = 5  # chunks, more in long series; absorbs what pre-whitening leaves
LEAST_SERIES = 12
MOST_PAIRED = 1000  # values; scipy holds several matrices of all pairs, 2.5 GB for 10,000
LINE_SHARE = 0.1
JUMP_TAIL = 0.1  # share of the jumps that its tail is fitted on
JUMP_SHAPE = 0.15


def theil_sen(values: ArrayLike, positions: ArrayLike | None = None, level: float = 0.95) -> Estimate:
    """Return slope per position (Theil 1950, Sen 1968); the interval is widened for lag-1 autocorrelation.

    All pairs of values are compared, so a series of more than MOST_PAIRED is first reduced to medians of neighbours.
    Raises ValueError for fewer than 3 values.
    """
    y = np.asarray(values, np.float64)
    if y.size < 3:
        raise ValueError(f"{y.size} values have no slope")
    from scipy.stats import theilslopes

    x = np.arange(y.size, dtype=np.float64) if positions is None else np.asarray(positions, np.float64)
    count, pieces = y.size, math.ceil(y.size / math.ceil(y.size / MOST_PAIRED))
    if pieces < count:
        y, x = (np.asarray([np.median(part) for part in np.array_split(given, pieces)]) for given in (y, x))
    estimate = theilslopes(y, x, alpha=level)
    slope, low, high = float(estimate[0]), float(estimate[2]), float(estimate[3])
    wider = widening(cautious(y))
    return Estimate(slope, slope - (slope - low) * wider, slope + (high - slope) * wider, int(count))


@dataclass(frozen=True, slots=True)
class SeriesTest:
    """A test on a series in order of position."""

    p_value: float
    statistic: float
    where: int | None = None  # index after which the step lies


def trend_test(values: ArrayLike, *, seed: int) -> SeriesTest:
    """Return the two-sided test of a trend over position that stands lag-1 autocorrelation.

    The series is pre-whitened with its own autocorrelation, then blocks are permuted; the statistic is the slope.
    A tenth of the fitted line is taken out before permuting. With all of it (Freedman and Lane 1983) short series alarm
    twice as often as stated; with a fifth, in 5.6% at nominal 5% (100 independent chunks, 4,000 series), with a tenth
    in 5.1%, and a drift of one deviation over 200 chunks is found at 1% in 91% (1,500 series) with either. With nothing
    taken out a trend hides itself by widening its own null. Raises ValueError for fewer than 12 values.
    """
    y = _whitened(values)
    x: Series = np.arange(y.size, dtype=np.float64) - (y.size - 1) / 2
    x /= math.sqrt(float(x @ x))
    slope = float(x @ y)
    return SeriesTest(_p_value(abs(slope), _permuted_slopes(y - LINE_SHARE * slope * x, x, seed)), abs(slope))


def step_test(values: ArrayLike, *, seed: int) -> SeriesTest:
    """Test of one step in level at an unknown position (largest standardised CUSUM), pre-whitened, blocks permuted.

    Raises ValueError for fewer than 12 values.
    """
    y = _whitened(values)
    observed, where = _largest_step(y[None, :])
    null = np.concatenate([_largest_step(rows)[0] for rows in _permuted(y, seed)])
    return SeriesTest(_p_value(float(observed[0]), null), float(observed[0]), int(where[0]) + 1)


def jump_test(values: ArrayLike) -> SeriesTest:
    """Test of the largest jump between neighbours against the tail of the other jumps.

    The tail is a generalized Pareto distribution above the upper tenth of all jumps that do not share a value with the
    largest one; its scale is their mean excess, its shape is set to 0.15, heavier than normal figures have, because
    figures of speech have outliers. Raises ValueError for fewer than 12 values.
    """
    y = np.asarray(values, np.float64)
    _check(y)
    jumps = np.abs(np.diff(y))
    where = int(jumps.argmax())
    others = np.delete(jumps, [i for i in (where - 1, where, where + 1) if 0 <= i < jumps.size])
    threshold = float(np.quantile(others, 1 - JUMP_TAIL))
    scale = float((others[others > threshold] - threshold).sum()) * (1 - JUMP_SHAPE)
    scale /= max(int((others > threshold).sum()), 1)
    if scale <= 1e-12 * max(float(np.abs(y).max()), 1e-300):
        return SeriesTest(1.0, float(jumps[where]), where + 1)  # too few different values to know a tail
    beyond = (1 + JUMP_SHAPE * max(float(jumps[where]) - threshold, 0.0) / scale) ** (-1 / JUMP_SHAPE)
    return SeriesTest(min(1.0, jumps.size * JUMP_TAIL * beyond), float(jumps[where]), where + 1)


def _check(y: Series) -> None:
    if y.size < LEAST_SERIES:
        raise ValueError(f"{y.size} values are too few to test, {LEAST_SERIES} are needed")
    if not np.isfinite(y).all():
        raise ValueError("a value is not finite")


def _whitened(values: ArrayLike) -> Series:
    y = np.asarray(values, np.float64)
    _check(y)
    rho = cautious(y, 0.5)
    z: Series = y[1:] - rho * y[:-1] if rho > 0 else y
    z = z - z.mean()
    scale = float(np.sqrt(z @ z / z.size))
    return z / scale if scale > 0 else z


def _permuted(y: Series, seed: int) -> Iterator[Series]:
    """Yield rows of ``y`` with its blocks in random order, cut at a random phase, in pieces of shape (some, len(y)).

    Together they are REPEATS rows; a piece at a time, because all rows of a long run would take gigabytes.
    """
    n = y.size
    begins, sizes, places = _block_orders(n, seed)
    shifts = (begins - places).astype(np.int32)  # from a place in the row to one in the series
    some, steps = max(1, _AT_ONCE // n), np.arange(n, dtype=np.int32)
    for first in range(0, REPEATS, some):
        piece = slice(first, first + some)
        rows = np.repeat(shifts[piece].ravel(), sizes[piece].ravel()).reshape(-1, n)
        yield y[rows + steps]


def _permuted_slopes(y: Series, x: Series, seed: int) -> Series:
    """Return the size of the slope of each row that ``_permuted`` would yield, ``x`` being a straight line.

    Within a block the line is one number for the place where the block begins and another for each step, so that sums
    over blocks are enough and no row is laid out.
    """
    begins, sizes, places = _block_orders(y.size, seed)
    sums = np.concatenate([[0.0], np.cumsum(y)])
    moments = np.concatenate([[0.0], np.cumsum(np.arange(y.size) * y)])
    ends = begins + sizes
    total = sums[ends] - sums[begins]
    inside = moments[ends] - moments[begins] - begins * total
    slopes: Series = ((x[0] + (x[1] - x[0]) * places) * total + (x[1] - x[0]) * inside).sum(axis=1)
    return np.abs(slopes)


def _block_orders(n: int, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return where the blocks of REPEATS rows begin in the series, how long they are, and where in the row they come.

    Each of shape (REPEATS, blocks + 1), in the order of the row. The first block begins at a random phase; what that
    leaves at the end of the series belongs to it too, and comes right behind it.
    """
    rng = np.random.default_rng(seed)
    length = max(BLOCK, n // 40)
    blocks = math.ceil(n / length)
    keys = rng.random((REPEATS, blocks))
    start = rng.integers(0, length, size=REPEATS)
    edges = (np.arange(blocks + 2) * length - start[:, None]).clip(0, n)
    order = np.concatenate([keys, keys[:, :1]], axis=1).argsort(axis=1, kind="stable")
    begins = np.take_along_axis(edges[:, :-1], order, axis=1)
    sizes = np.take_along_axis(np.diff(edges, axis=1), order, axis=1)
    return begins, sizes, sizes.cumsum(axis=1) - sizes


def _largest_step(rows: Series) -> tuple[Series, NDArray[np.intp]]:
    n = rows.shape[1]
    k = np.arange(1, n)
    edge = max(3, n // 20)  # a step of one or two chunks is a bad chunk, not a change of level
    inner = np.cumsum(rows, axis=1)[:, edge - 1 : n - edge]
    np.abs(inner, out=inner)
    inner /= np.sqrt(k * (n - k) / n)[edge - 1 : n - edge]
    where = inner.argmax(axis=1)
    return inner[np.arange(len(rows)), where], where + edge - 1


def _p_value(observed: float, null: Series) -> float:
    return (1 + int((null >= observed - 1e-12).sum())) / (1 + null.size)
