"""Robust regression of one figure on the texts of a run, each chunk predicted as if it had been left out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from harness.core.records import Chunk
from harness.verdicts.groups import Mask, Values, smaller_group
from harness.verdicts.limits import length_of

CHUNKS_A_TERM = 10  # a term of the regression needs so many chunks, and a language so many of its own
LEAST_OF_A_VOICE = 5  # values, to have a median
MOST_LEVERAGE = 0.9  # beyond it nothing else in the run is like this text
MARKS = ",;:.!?\u2014\u2026\u3001\u3002\uff0c\uff1b\uff1a\uff1f\uff01"
MOST_FITTED = 400  # chunks that a line is drawn through; more make it no better
SAME = 1e-9  # figures closer than this are one and the same


def text_terms(chunks: Sequence[Chunk]) -> Values:
    """Return the design matrix, shape (chunks, terms): constant, ln of the words, languages, marks a word, questions.

    Terms that do not vary, and terms beyond one a 10 chunks, are left out; the first column is the constant.
    """
    words = np.array([length_of(chunk) for chunk in chunks], np.float64)
    columns = [np.log(words)]
    languages = [chunk.language.split("-")[0] for chunk in chunks]
    counts = sorted({name: languages.count(name) for name in languages}.items(), key=lambda pair: (-pair[1], pair[0]))
    columns += [
        np.array([name == one for one in languages], np.float64) for name, n in counts[1:] if n >= CHUNKS_A_TERM
    ]
    columns.append(np.array([sum(c in MARKS for c in chunk.text) for chunk in chunks], np.float64) / words)
    columns.append(1.0 / words)
    room = max(len(chunks) // CHUNKS_A_TERM - 1, 0)
    varied = [column - column.mean() for column in columns if np.ptp(column) > SAME][:room]
    return np.column_stack([np.ones(len(chunks)), *varied])


def beside_main_voice(values: Values, voices: Sequence[int | None]) -> Values:
    """Return how far the median of each chunk's voice lies from that of the run's main voice (0), shape (chunks,).

    A robust line would take a lesser voice for stray values. 0 for a voice of few values, and where it is not known.
    """
    beside = np.zeros(len(values))
    spoken = np.array([0 if voice is None else voice for voice in voices], np.int64)
    main = values[np.isfinite(values) & (spoken == 0)]
    for voice in np.unique(spoken[spoken > 0]):
        own = values[np.isfinite(values) & (spoken == voice)]
        if len(own) >= LEAST_OF_A_VOICE and len(main) >= LEAST_OF_A_VOICE:
            beside[spoken == voice] = np.median(own) - np.median(main)
    return beside


@dataclass(frozen=True)
class RobustLine:
    """What a run leads to expect of one figure; arrays have shape (chunks,).

    ``expected`` is each chunk's prediction without the chunk itself; ``spread`` how much wider a prediction lies than a
    value (1: nothing is uncertain about it, infinite: no other text is like this one). ``above`` is the robust standard
    deviation of what lies above the median of the healthy chunks, 0 where more than half of the values are the same;
    ``around`` that of both sides together (Qn, Rousseeuw and Croux 1993). ``healthy`` says which chunks the line was
    drawn through, ``apart`` which make the smaller of two groups.
    """

    expected: Values
    spread: Values
    healthy: Mask
    apart: Mask
    above: float
    around: float


def robust_line(
    values: Values, terms: Values, usable: Mask, fence: float, least: float = 0.0, harmless: float = -math.inf
) -> RobustLine:
    """Fit ``values``, shape (chunks,), on ``terms``, shape (chunks, terms), by Tukey's biweight (statsmodels RLM).

    Only ``usable`` chunks with a finite value take part. Where these are two groups, not both at or below ``harmless``,
    the smaller one is left out; then those further than ``fence`` robust deviations off are dropped, and the line is
    drawn again; what lies within ``least`` never is. Raises ValueError for too few chunks.
    """
    healthy = usable & np.isfinite(values)
    if healthy.sum() <= terms.shape[1]:
        raise ValueError(f"{int(healthy.sum())} values are too few for {terms.shape[1]} terms")
    line = _drawn(values, terms, healthy)
    apart = smaller_group(values - terms @ line, healthy, least)
    if apart.any() and max(np.median(values[apart]), np.median(values[healthy & ~apart])) <= harmless:
        apart = np.zeros_like(apart)
    if (healthy & ~apart).sum() > terms.shape[1] and apart.any():
        usable = usable & ~apart
        healthy = usable & np.isfinite(values)
        line = _drawn(values, terms, healthy)
    near = _near(values - terms @ line, healthy, fence, least)
    if near.sum() > terms.shape[1] and (near & usable).sum() < healthy.sum():
        healthy = near & usable
        line = _drawn(values, terms, healthy)
    return _left_out(values, terms, healthy, apart, line)


def _near(rest: Values, healthy: Mask, fence: float, least: float) -> Mask:
    """Say which chunks lie within the fence: by a deviation that half of them cannot move, then by each side's own."""
    near = np.isfinite(rest)
    for sides in (_middle, _sides, _sides):
        middle, above, below = sides(rest[healthy])
        if above <= SAME or below <= SAME:
            return healthy
        near = np.isfinite(rest)
        near &= (rest - middle <= max(fence * above, least)) & (middle - rest <= max(fence * below, least))
        healthy = healthy & near
    return near


def _drawn(values: Values, terms: Values, healthy: Mask) -> Values:
    """Return the coefficients, shape (terms,), starting from the median of the values; 400 chunks are plenty."""
    # not statsmodels.api: it imports every model there is
    from statsmodels.robust.norms import TukeyBiweight
    from statsmodels.robust.robust_linear_model import RLM

    step = max(1, int(healthy.sum()) // MOST_FITTED)
    y, x = values[healthy][::step], terms[healthy][::step]
    start = np.zeros(x.shape[1])
    start[0] = np.median(y)
    if x.shape[1] == 1 or np.median(np.abs(y - start[0])) <= SAME:
        return start  # more than half of the values are the same: there is nothing to fit
    model = RLM(y, x, M=TukeyBiweight())
    with np.errstate(all="ignore"):
        line = np.asarray(model.fit(start_params=start, maxiter=12, tol=1e-4, conv="coefs").params, np.float64)
    return line if np.isfinite(line).all() else start


def _middle(rest: Values) -> tuple[float, float, float]:
    """Return the median and the robust standard deviation both ways, which up to half of the values cannot move."""
    from scipy.stats import median_abs_deviation

    scale = float(median_abs_deviation(rest, scale="normal"))
    return float(np.median(rest)), scale, scale


def _sides(rest: Values) -> tuple[float, float, float]:
    """Return the median and the robust standard deviation of what lies above and below it."""
    middle = float(np.median(rest))
    above, below = rest[rest > middle] - middle, middle - rest[rest < middle]
    if len(above) < len(rest) // 4 or len(below) < len(rest) // 4:
        return middle, 0.0, 0.0
    return middle, float(np.median(above)) / 0.6745, float(np.median(below)) / 0.6745


def _left_out(values: Values, terms: Values, healthy: Mask, apart: Mask, line: Values) -> RobustLine:
    """Predict each chunk from the line through the healthy ones, and each of these as if it had not been among them."""
    x = terms[healthy]
    inverse = np.linalg.pinv(x.T @ x)
    leverage = ((terms @ inverse) * terms).sum(axis=1)
    own = np.where(healthy, np.minimum(leverage, MOST_LEVERAGE), 0.0)
    rest = values - terms @ line
    middle, above, _ = _sides(rest[healthy])
    expected = np.where(healthy, values - (rest - middle) / (1 - own), terms @ line + middle)
    lone = healthy & (leverage > MOST_LEVERAGE)
    spread = np.where(lone, np.inf, np.sqrt(1 + np.where(healthy, leverage / (1 - own), leverage)))
    return RobustLine(expected, spread, healthy, apart, above, _around(rest[healthy]))


def _around(rest: Values) -> float:
    from statsmodels.robust.scale import qn_scale

    return float(qn_scale(rest[:: max(1, len(rest) // MOST_FITTED)]))
