"""Statistics of counts, pairs and series (layer 1): pure functions, every random one with its seed in the call.

Rates come with their count; intervals are two-sided at the stated level. Sources are named where a method has a name.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

Interval: TypeAlias = tuple[float, float]
Series: TypeAlias = NDArray[np.float64]

REPEATS = 4999
BLOCK = 5  # chunks, more in long series; absorbs what pre-whitening leaves
LEAST_SERIES = 12
LINE_SHARE = 0.2


def clopper_pearson(k: int, n: int, level: float = 0.95) -> Interval:
    """Exact two-sided interval of a proportion, k of n (Clopper and Pearson 1934). Nothing counted: (0, 1)."""
    if not 0 <= k <= n:
        raise ValueError(f"{k} of {n} is no proportion")
    if n == 0:
        return 0.0, 1.0
    from statsmodels.stats.proportion import proportion_confint

    low, high = proportion_confint(k, n, alpha=1 - level, method="beta")
    return (0.0 if k == 0 else float(low)), (1.0 if k == n else float(high))


def rate_difference(k: int, n: int, k0: int, n0: int, level: float = 0.95) -> Interval:
    """Interval of k/n - k0/n0, independent samples, hybrid score (Newcombe 1998). Nothing counted: (-1, 1)."""
    if n == 0 or n0 == 0:
        return -1.0, 1.0
    from statsmodels.stats.proportion import confint_proportions_2indep

    low, high = confint_proportions_2indep(k, n, k0, n0, compare="diff", method="newcomb", alpha=1 - level)
    return float(low), float(high)


def compatible(k: int, n: int, level: float = 0.95) -> str:
    """What a small count still allows, e.g. ``0 of 13 is compatible with a fault rate up to 25%``."""
    if n == 0:
        return "nothing was judged: any fault rate is compatible with that"
    high = clopper_pearson(k, n, level)[1]
    return f"{k} of {n} is compatible with a fault rate up to {_percent(high)}"


def mcnemar(only_first: int, only_second: int) -> float:
    """Exact two-sided McNemar p-value from the discordant pairs; 1 when there are none."""
    from scipy.stats import binomtest

    pairs = only_first + only_second
    return 1.0 if pairs == 0 else float(binomtest(min(only_first, only_second), pairs, 0.5).pvalue)


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its interval."""

    value: float
    interval: Interval
    count: int


def ratio_difference(
    errors: ArrayLike, words: ArrayLike, errors0: ArrayLike, words0: ArrayLike, *, seed: int, level: float = 0.95
) -> Estimate:
    """Difference of two corpus-level WERs on the same chunks, paired bootstrap over chunks, percentile interval.

    Each array holds a count a chunk. Raises ValueError for arrays of unequal length or without a word.
    """
    table = np.stack([np.asarray(a, np.float64) for a in (errors, words, errors0, words0)])
    if table.shape[1] == 0 or table[1].sum() == 0 or table[3].sum() == 0:
        raise ValueError("no words to take a rate of")
    n = table.shape[1]
    weights = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=REPEATS)
    sums = weights @ table.T
    spread = sums[:, 0] / np.maximum(sums[:, 1], 1) - sums[:, 2] / np.maximum(sums[:, 3], 1)
    total = table.sum(axis=1)
    low, high = np.quantile(spread, [(1 - level) / 2, (1 + level) / 2])
    return Estimate(float(total[0] / total[1] - total[2] / total[3]), (float(low), float(high)), n)


def sign_flip(differences: ArrayLike, *, seed: int) -> float:
    """Two-sided p-value that paired differences are centred on 0, by flipping their signs (Fisher); 1 for none."""
    values = np.asarray(differences, np.float64)
    if values.size == 0 or not values.any():
        return 1.0
    from scipy.stats import permutation_test

    found = permutation_test(
        (values,), np.mean, permutation_type="samples", n_resamples=REPEATS, rng=np.random.default_rng(seed)
    )
    return float(found.pvalue)


class Answer(StrEnum):
    """What an interval says against a margin of equivalence."""

    EQUIVALENT = "equivalent"
    DIFFERENT = "different"
    UNDECIDED = "undecided"  # too small to say; not the same as equal


def equivalence(interval: Interval, margin: float) -> Answer:
    """Equivalent when the interval of a difference lies within +-margin, different when it lies outside of it."""
    low, high = interval
    if -margin <= low and high <= margin:
        return Answer.EQUIVALENT
    return Answer.DIFFERENT if low > margin or high < -margin else Answer.UNDECIDED


def holm(p_values: Sequence[float]) -> list[float]:
    """p-values adjusted for their number (Holm 1979), in the order given."""
    if not p_values:
        return []
    from statsmodels.stats.multitest import multipletests

    return [float(p) for p in multipletests(list(p_values), method="holm")[1]]


def autocorrelation(values: ArrayLike) -> float:
    """Lag-1 autocorrelation after a straight line is taken out, corrected for its bias; in [0, 0.95].

    The correction is that of Marriott and Pope (1954) with a fitted trend: rho + (2 + 4 rho) / n. Negative values
    count as 0, which keeps the tests that use it on the safe side.
    """
    y = np.asarray(values, np.float64)
    n = y.size
    if n < 4:
        return 0.0
    x = np.arange(n) - (n - 1) / 2
    rest = y - y.mean() - x * (x @ y) / (x @ x)
    power = float(rest @ rest)
    if power <= 1e-12 * max(float(y @ y), 1.0):
        return 0.0
    rho = float(rest[1:] @ rest[:-1]) / power
    return float(min(max(rho + (2 + 4 * rho) / n, 0.0), 0.95))


def theil_sen(values: ArrayLike, positions: ArrayLike | None = None, level: float = 0.95) -> Estimate:
    """Slope per position (Theil 1950, Sen 1968); the interval is widened for lag-1 autocorrelation.

    Raises ValueError for fewer than 3 values.
    """
    y = np.asarray(values, np.float64)
    if y.size < 3:
        raise ValueError(f"{y.size} values have no slope")
    from scipy.stats import theilslopes

    x = np.arange(y.size, dtype=np.float64) if positions is None else np.asarray(positions, np.float64)
    found = theilslopes(y, x, alpha=level)
    slope, low, high = float(found[0]), float(found[2]), float(found[3])
    rho = autocorrelation(y)
    wider = math.sqrt((1 + rho) / (1 - rho))
    return Estimate(slope, (slope - (slope - low) * wider, slope + (high - slope) * wider), int(y.size))


@dataclass(frozen=True, slots=True)
class SeriesTest:
    """A test on a series in order of position."""

    p_value: float
    statistic: float
    where: int | None = None  # index after which the step lies


def trend_test(values: ArrayLike, *, seed: int) -> SeriesTest:
    """Two-sided test of a trend over position that stands lag-1 autocorrelation.

    The series is pre-whitened with its own autocorrelation, then blocks are permuted; the statistic is the slope.
    A fifth of the fitted line is taken out before permuting: with nothing taken out a trend hides itself by widening
    its own null (power 0.89 for one deviation over 200 chunks at 1%), with all of it (Freedman and Lane 1983) short
    series alarm twice as often as stated. Raises ValueError for fewer than 12 values.
    """
    y = _whitened(values)
    x = np.arange(y.size) - (y.size - 1) / 2
    x /= math.sqrt(float(x @ x))
    slope = float(x @ y)
    null = np.abs(_permuted(y - LINE_SHARE * slope * x, seed) @ x)
    return SeriesTest(_p_value(abs(slope), null), abs(slope))


def step_test(values: ArrayLike, *, seed: int) -> SeriesTest:
    """Test of one step in level at an unknown position (largest standardised CUSUM), pre-whitened, blocks permuted.

    Raises ValueError for fewer than 12 values.
    """
    y = _whitened(values)
    observed, where = _largest_step(y[None, :])
    null, _ = _largest_step(_permuted(y, seed))
    return SeriesTest(_p_value(float(observed[0]), null), float(observed[0]), int(where[0]) + 1)


def _whitened(values: ArrayLike) -> Series:
    y = np.asarray(values, np.float64)
    if y.size < LEAST_SERIES:
        raise ValueError(f"{y.size} values are too few to test, {LEAST_SERIES} are needed")
    if not np.isfinite(y).all():
        raise ValueError("a value is not finite")
    rho = autocorrelation(y)
    rho = min(
        rho * (1 + 0.5 / math.sqrt(y.size)), 0.95
    )  # an estimate too small costs false alarms, one too large power
    z: Series = y[1:] - rho * y[:-1] if rho > 0 else y
    z = z - z.mean()
    scale = float(np.sqrt(z @ z / z.size))
    return z / scale if scale > 0 else z


def _permuted(y: Series, seed: int) -> Series:
    """Rows of ``y`` with its blocks in random order, cut at a random phase; shape (repeats, len(y))."""
    rng = np.random.default_rng(seed)
    n = y.size
    length = max(BLOCK, n // 40)
    blocks = math.ceil(n / length)
    keys = rng.random((REPEATS, blocks))
    start = rng.integers(0, length, size=REPEATS)
    index = (np.arange(n)[None, :] + start[:, None]) // length % blocks
    order = np.argsort(np.take_along_axis(keys, index, axis=1), axis=1, kind="stable")
    rows: Series = y[order]
    return rows


def _largest_step(rows: Series) -> tuple[Series, NDArray[np.intp]]:
    n = rows.shape[1]
    k = np.arange(1, n)
    sums = np.abs(np.cumsum(rows, axis=1)[:, :-1]) / np.sqrt(k * (n - k) / n)
    edge = max(3, n // 20)  # a step of one or two chunks is a bad chunk, not a change of level
    inner = sums[:, edge - 1 : n - edge]
    where = inner.argmax(axis=1)
    return inner[np.arange(len(rows)), where], where + edge - 1


def _p_value(observed: float, null: Series) -> float:
    return (1 + int((null >= observed - 1e-12).sum())) / (1 + null.size)


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
        """The answer after ``faulty`` of ``judged`` chunks."""
        clean = judged - faulty
        ratio = faulty * math.log(self.bad / self.good) + clean * math.log((1 - self.bad) / (1 - self.good))
        if ratio >= math.log((1 - self.beta) / self.alpha):
            return Stop.BAD
        return Stop.GOOD if ratio <= math.log(self.beta / (1 - self.alpha)) else Stop.GO_ON


def _percent(rate: float) -> str:
    return f"{rate:.0%}" if rate >= 0.1 else f"{rate:.1%}"
