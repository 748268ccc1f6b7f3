"""One stage of two runs: how alike, in which layout, and whether it left its tolerance."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from harness.experiments.parity.limits import UNITS, Tolerance
from harness.scorers.speaker import cosine

Array = NDArray[np.generic]
Floats = NDArray[np.float64]
RECOGNISED = 0.9  # cosine above which another order of axes is believed though the shapes already fit
MOST_AXES = 5  # permutations of more are not tried


@dataclass(frozen=True, slots=True)
class StageStatistics:
    """Of the finite values of an array (magnitudes of complex ones); None where there is none."""

    mean: float | None = None
    std: float | None = None
    min: float | None = None
    max: float | None = None

    def shown(self) -> str:
        """Return mean, standard deviation, least and largest."""
        if self.mean is None:
            return "nothing finite"
        return f"{self.mean:.4g}, {self.std:.4g} ({self.min:.4g} to {self.max:.4g})"


@dataclass(frozen=True, slots=True)
class StageParity:
    """Figures of one stage; None where they cannot be measured. ``error`` is rms(difference) / rms(reference).

    ``cosine`` of a phase is the mean cosine of the angle between the two; ``rms_ratio`` is candidate / reference, not
    given for a phase. ``level`` is the mean of a spectrogram minus the reference's, in ``unit``; ``level_db`` the same
    in dB. ``agreement`` is of integers. ``problem`` says why the stage left its tolerance, empty if it did not.
    """

    name: str
    shapes: tuple[tuple[int, ...], tuple[int, ...]]
    layout: str = ""
    cosine: float | None = None
    largest: float | None = None
    mean: float | None = None
    rms_ratio: float | None = None
    error: float | None = None
    agreement: float | None = None
    first_difference: int | None = None
    level: float | None = None
    unit: str | None = None
    level_db: float | None = None
    nans: tuple[int, int] = (0, 0)
    statistics: tuple[StageStatistics, StageStatistics] | None = None
    problem: str = ""

    @property
    def left(self) -> bool:
        """Return whether it is outside of its tolerance."""
        return bool(self.problem)


def compare_stage(name: str, reference: Array, candidate: Array, tolerance: Tolerance) -> StageParity:
    """Compare two arrays of one stage, axes put in order first."""
    shapes = (reference.shape, candidate.shape)
    statistics = (_statistics(reference), _statistics(candidate))
    aligned, layout, problem = _aligned(reference, candidate, tolerance)
    unmeasured = StageParity(name, shapes, layout, statistics=statistics, problem=problem)
    if aligned is None:
        return unmeasured
    start = replace(unmeasured, nans=(_nans(reference), _nans(candidate)))
    if np.issubdtype(reference.dtype, np.integer) and np.issubdtype(candidate.dtype, np.integer):
        parity = _of_integers(start, *aligned)
    else:
        parity = _of_values(start, *_floats(aligned), tolerance)
    return replace(parity, problem="; ".join(filter(None, (problem, _judged(parity, tolerance)))))


def _judged(seen: StageParity, tolerance: Tolerance) -> str:
    """Why the figures are out of tolerance; empty if they are not."""
    if seen.nans[1] > seen.nans[0]:
        return f"{seen.nans[1]} values are not finite, {seen.nans[0]} in the reference"
    if seen.agreement is not None:
        if seen.agreement < tolerance.agreement_min:
            return (
                f"{seen.agreement:.1%} of the integers agree, the first that does not is number {seen.first_difference}"
            )
        return ""
    if seen.largest is None:
        return "there is no value to compare"
    if seen.cosine is None and seen.largest:
        return "one side is constant zero"
    if tolerance.cosine_min is not None and seen.cosine is not None and seen.cosine < tolerance.cosine_min:
        return f"cosine {seen.cosine:.6f}, at least {tolerance.cosine_min} is needed"
    ratio = seen.rms_ratio
    if tolerance.rms_ratio_max is not None and ratio is not None and abs(ratio - 1) > tolerance.rms_ratio_max:
        return f"RMS ratio {ratio:.4f}, more than {tolerance.rms_ratio_max} from 1"
    most = tolerance.difference_max
    if most is not None and seen.largest is not None and seen.largest > most:
        return f"largest difference {seen.largest:.3g}, at most {most:g} is allowed"
    return ""


# ---------------------------------------------------------------------------------------------- layout
def _aligned(reference: Array, candidate: Array, tolerance: Tolerance) -> tuple[tuple[Array, Array] | None, str, str]:
    """Return the two arrays in one layout, what was done in words, and why that is a problem if it is one."""
    a, b = np.squeeze(reference), np.squeeze(candidate)
    said = [] if reference.shape == candidate.shape or a.shape != b.shape else ["axes of length 1 differ"]
    order = _order(a, b, tolerance)
    if order is not None:
        said.append(f"the candidate's axes are transposed: {tuple(order)}")
        b = np.transpose(b, order)
    if a.shape == b.shape:
        return (a, b), "; ".join(said), ""
    shown = f"shape {_shape(candidate)} against {_shape(reference)}"
    if a.ndim != b.ndim:
        return None, "; ".join(said), f"{shown}: not comparable"
    common = tuple(slice(0, min(pair)) for pair in zip(a.shape, b.shape, strict=True))
    said.append(f"compared where both have values, {'x'.join(str(part.stop) for part in common)}")
    return (a[common], b[common]), "; ".join(said), "" if tolerance.crop else shown


def _order(a: Array, b: Array, tolerance: Tolerance) -> tuple[int, ...] | None:
    """Return the order of axes that makes the candidate fit; None if it fits as it is, or not at all."""
    if a.ndim != b.ndim or a.ndim < 2 or a.ndim > MOST_AXES or not a.size or not b.size:
        return None
    straight = tuple(range(a.ndim))
    fitting = [order for order in itertools.permutations(straight) if np.transpose(b, order).shape == a.shape]
    if not fitting or (straight in fitting and _alike(a, b) >= RECOGNISED):
        return None
    best = max(fitting, key=lambda order: _alike(a, np.transpose(b, order)))
    if best == straight or (straight in fitting and _alike(a, np.transpose(b, best)) < RECOGNISED):
        return None
    return best


def _alike(a: Array, b: Array) -> float:
    """Cosine for choosing between layouts, -1 where there is none."""
    likeness = cosine(*_floats((a, b)))
    return -1.0 if likeness is None else likeness


def _shape(array: Array) -> str:
    return "(" + ", ".join(map(str, array.shape)) + ")"


# --------------------------------------------------------------------------------------------- figures
def _floats(pair: tuple[Array, Array]) -> tuple[Floats, Floats]:
    """Both as float64, flat, where both are finite. Complex numbers as real and imaginary part."""
    flat = [np.ascontiguousarray(each).reshape(-1) for each in pair]
    a, b = (
        (each.view(each.real.dtype) if np.iscomplexobj(each) else each).astype(np.float64, copy=False) for each in flat
    )
    both = np.isfinite(a) & np.isfinite(b) if len(a) == len(b) else np.ones(len(a), bool)
    return a[both], b[both]


def _of_values(start: StageParity, a: Floats, b: Floats, tolerance: Tolerance) -> StageParity:
    if not len(a):
        return start
    apart = b - a
    if tolerance.modulo is not None:
        turn = tolerance.modulo
        apart = (apart + turn / 2) % turn - turn / 2
        even = turn / np.sqrt(12)  # rms of a phase that may be anything
        return replace(
            start,
            cosine=float(np.cos(2 * np.pi * apart / turn).mean()),
            largest=float(np.abs(apart).max()),
            mean=float(np.abs(apart).mean()),
            error=float(np.sqrt((apart**2).mean()) / even),
        )
    loud = float(np.sqrt((a**2).mean()))
    likeness = cosine(a, b)
    if likeness is None and not a.any() and not b.any():
        likeness = 1.0  # zeros on both sides are alike
    values = replace(
        start,
        cosine=likeness,
        largest=float(np.abs(apart).max()),
        mean=float(np.abs(apart).mean()),
        rms_ratio=float(np.sqrt((b**2).mean()) / loud) if loud > 0 else None,
        error=float(np.sqrt((apart**2).mean()) / loud) if loud > 0 else None,
    )
    if tolerance.unit is None:
        return values
    level = float(b.mean() - a.mean())
    return replace(values, level=level, unit=tolerance.unit, level_db=level * UNITS[tolerance.unit])


def _of_integers(start: StageParity, a: Array, b: Array) -> StageParity:
    same = (a == b).reshape(-1)
    if not len(same):
        return start
    differs = np.flatnonzero(~same)
    share = float(same.mean())
    return replace(
        start,
        agreement=share,
        first_difference=int(differs[0]) if len(differs) else None,
        largest=float(np.abs(a.astype(np.int64) - b.astype(np.int64)).max()),
        error=1 - share,
    )


def _nans(array: Array) -> int:
    return int(np.count_nonzero(~np.isfinite(array))) if array.dtype.kind in "fc" else 0


def _statistics(array: Array) -> StageStatistics:
    values = np.abs(array) if np.iscomplexobj(array) else array
    finite = values[np.isfinite(values)].astype(np.float64)
    if not finite.size:
        return StageStatistics()
    return StageStatistics(float(finite.mean()), float(finite.std()), float(finite.min()), float(finite.max()))
