"""What the steps of a ladder amount to: first lengths, fitted growth, claims and the table."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from harness import stats
from harness.core.records import Claim
from harness.experiments.stage import figure, markdown_table
from harness.stats import Estimate, Proportion, proportion


@dataclass(frozen=True, slots=True)
class LadderMargins:
    """Margins of the claims, from ``[ladder]`` of the limits file."""

    takes_short: int = 3  # of each text of at most ``short_words`` words
    short_words: int = 2
    short_rate_max: float = 0.1
    fit_from_words: int = 8
    time_exponent_max: float = 1.3
    memory_exponent_max: float = 1.3
    memory_noise: float = 4e6  # bytes


@dataclass(frozen=True, slots=True)
class LengthStep:
    """What became of all texts of one length. Counts of attempts; medians of what an attempt took, None if unknown."""

    words: int
    attempts: int
    spoken: int
    crash: int
    hang: int
    silent: int  # answered, and no speech came
    said: str  # by the first attempt that failed
    cut: int
    faulty: Proportion
    classes: Sequence[str]  # of faults
    tokens: float | None
    seconds: float | None  # of speech
    cpu_seconds: float | None
    memory: float | None  # bytes, the largest peak
    rtfx: float | None


@dataclass(frozen=True, slots=True)
class GrowthExponents:
    """k of ``value ~ words ** k`` for what a text takes; None where too few lengths tell."""

    cpu_seconds: Estimate | None = None
    tokens: Estimate | None = None
    memory: Estimate | None = None
    memory_growth: Estimate | None = None  # of what peak memory grows by


@dataclass(frozen=True, slots=True)
class FirstLengths:
    """The first length, in words, at which each way of going wrong happened at all."""

    crash: int | None
    hang: int | None
    silent: int | None
    cut: int | None


@dataclass(frozen=True, slots=True)
class LadderResult:
    """All figures of one variant."""

    steps: Sequence[LengthStep]
    exponents: GrowthExponents
    first: FirstLengths


def exponent(points: Sequence[tuple[int, float | None]], least: int) -> Estimate | None:
    """Return k of ``value ~ words ** k`` from (words, value) of at least ``least`` words; None for fewer than 4."""
    return _fit([(words, value) for words, value in points if words >= least and value])


def growth(steps: Sequence[LengthStep], least: int, noise: float) -> Estimate | None:
    """Return the exponent of what peak memory grows by above its least; None where too few grow by ``noise`` bytes.

    A model that is loaded hides how its buffers grow: 10 MB of a square law on top of 1 GB look like a constant.
    """
    points = [(step.words, step.memory) for step in steps if step.memory]
    base = min((value for _, value in points), default=0.0)
    return _fit([(words, value - base) for words, value in points if words >= least and value - base > noise])


def growth_exponents(steps: Sequence[LengthStep], margins: LadderMargins) -> GrowthExponents:
    """Return how time, tokens and memory grow with the words of a text."""
    least = margins.fit_from_words
    return GrowthExponents(
        exponent([(step.words, step.cpu_seconds) for step in steps], least),
        exponent([(step.words, step.tokens) for step in steps], least),
        exponent([(step.words, step.memory) for step in steps], least),
        growth(steps, least, margins.memory_noise),
    )


def _fit(points: Sequence[tuple[float, float]]) -> Estimate | None:
    if len(points) < 4:
        return None
    from scipy.stats import linregress, t

    x, y = zip(*((math.log(words), math.log(value)) for words, value in points), strict=True)
    fit = linregress(x, y)
    half = float(t.ppf(0.975, len(points) - 2)) * float(fit.stderr)
    slope = float(fit.slope)
    return Estimate(slope, slope - half, slope + half, len(points))


def first_lengths(steps: Sequence[LengthStep]) -> FirstLengths:
    """Return the first length at which each way of going wrong happened."""

    def first(struck: Callable[[LengthStep], int]) -> int | None:
        return next((step.words for step in steps if struck(step)), None)

    return FirstLengths(
        crash=first(lambda step: step.crash),
        hang=first(lambda step: step.hang),
        silent=first(lambda step: step.silent),
        cut=first(lambda step: step.cut),
    )


def degraded(steps: Sequence[LengthStep]) -> int | None:
    """Return the first length above two words at which most texts are faulty, and at every longer one too."""
    worse = None
    for step in reversed([step for step in steps if step.words > 2]):
        if not step.faulty.total or step.faulty.count * 2 <= step.faulty.total:
            break
        worse = step.words
    return worse


# ------------------------------------------------------------------------------------------- claims
def length_claims(name: str, steps: Sequence[LengthStep], fits: GrowthExponents, margins: LadderMargins) -> list[Claim]:
    """Return one claim each way in which a length can go wrong, and on growth; the first length is the value."""
    longest = max((step.words for step in steps), default=0)
    reach = f"of texts of 1 to {longest} words"
    spoken, total = sum(step.spoken for step in steps), sum(step.attempts for step in steps)
    judged = all(step.faulty.total * 2 > step.attempts for step in steps)
    return [
        _happens(name, "survives", steps, ("crash", "hang"), "crashes or hangs", f"{spoken} of {total} {reach} spoken"),
        _happens(name, "gives-speech", steps, ("silent",), "gives no speech", f"{spoken} of {total} {reach} spoken"),
        _happens(name, "not-cut-off", steps, ("cut",), "is cut off", f"nothing {reach} was cut off"),
        _degrades(name, steps, reach, judged),
        _short(name, steps, margins),
        _grows(name, "growth", "compute time", fits.cpu_seconds, margins.time_exponent_max, steps),
        _memory(name, fits, margins.memory_exponent_max, steps),
    ]


def _happens(name: str, claim: str, steps: Sequence[LengthStep], kinds: Sequence[str], what: str, fine: str) -> Claim:
    struck = [step for step in steps if any(getattr(step, kind) for kind in kinds)]
    if not struck:
        return Claim(claim, name, fine, True, count=sum(step.attempts for step in steps))
    first = struck[0].words
    beyond = [step for step in steps if step.words >= first]
    attempts = sum(step.attempts for step in beyond)
    hit = sum(getattr(step, kind) for step in beyond for kind in kinds)
    statement = (
        f"from {first} words on it {what}: {hit} of {attempts} attempts, at {len(struck)} of {len(beyond)} lengths"
    )
    if len(kinds) > 1:
        firsts = first_lengths(steps)
        starts = [f"{kind} first at {at} words" for kind in kinds if (at := getattr(firsts, kind)) is not None]
        statement += f" ({', '.join(starts)})"
    said = next((step.said for step in struck if step.said), "")
    return Claim(claim, name, f"{statement}{f'; {said}' if said else ''}", False, float(first), count=attempts)


def _degrades(name: str, steps: Sequence[LengthStep], reach: str, known: bool) -> Claim:
    worse = degraded(steps)
    if worse is not None:
        return Claim("no-degradation", name, f"from {worse} words on it is faulty in most texts", False, float(worse))
    if not known:
        return Claim("no-degradation", name, "at some length most texts were not judged", None, count=0)
    return Claim("no-degradation", name, f"at no length {reach} do most texts turn faulty", True)


def _short(name: str, steps: Sequence[LengthStep], margins: LadderMargins) -> Claim:
    short = [step for step in steps if step.words <= margins.short_words]
    few, of = sum(step.faulty.count for step in short), sum(step.faulty.total for step in short)
    share, most = proportion(few, of), margins.short_rate_max
    statement = f"{few} of {of} judged attempts at texts of at most {margins.short_words} words are faulty "
    statement += f"({share.low:.1%} to {share.high:.1%})"
    passed = stats.at_most((share.low, share.high), most)
    if passed is None:
        statement = f"too small to say against a margin of {most:.0%}: {statement}; {stats.compatible(few, of)}"
    return Claim("short-texts", name, statement, passed, share.value, (share.low, share.high), most, of)


def _grows(name: str, claim: str, what: str, fit: Estimate | None, most: float, steps: Sequence[LengthStep]) -> Claim:
    if fit is None:
        return Claim(claim, name, f"too few lengths to fit how {what} grows", None, count=0)
    statement = f"{what} grows with words to the power of {fit.shown('.2f')}"
    passed = stats.at_most(fit.interval, most)
    statement = statement if passed is not None else f"too few lengths to hold against {most:g}: {statement}"
    label = "CPU seconds" if claim == "growth" else "peak memory, bytes"
    points = [(step.words, step.cpu_seconds if claim == "growth" else step.memory) for step in steps]
    x, y = zip(*(point for point in points if point[1]), strict=True)
    curve = {"x": list(x), "y": list(y), "x_label": "words", "y_label": label}
    return Claim(claim, name, statement, passed, fit.value, fit.interval, most, fit.n, {"curve": curve})


def _memory(name: str, fits: GrowthExponents, most: float, steps: Sequence[LengthStep]) -> Claim:
    """Return the exponent of the growth where there is growth; else that there is none, with the figures."""
    measured = [step.memory for step in steps if step.memory]
    if len(measured) < 4:
        return Claim("memory", name, "peak memory is known of too few lengths", None, count=len(measured))
    least, largest, total = min(measured), max(measured), fits.memory
    statement = f"peak memory is {least / 1e6:.0f} to {largest / 1e6:.0f} MB over all lengths"
    if total is not None:
        statement += f" (its exponent is {total.value:.2f}, {total.low:.2f} to {total.high:.2f})"
    if fits.memory_growth is not None:
        claim = _grows(name, "memory", "peak memory above its least", fits.memory_growth, most, steps)
        return Claim("memory", name, f"{claim.statement}; {statement}", claim.passed, claim.value, claim.interval, most,
                     claim.count, claim.details)  # fmt: skip
    steady = largest <= 1.1 * least
    statement += (
        "; too few lengths grow beyond the noise to fit how" if not steady else "; it does not grow with length"
    )
    return Claim("memory", name, statement, True if steady else None, largest / least, count=len(measured))


# ------------------------------------------------------------------------------------------- the table
def length_table(results: Mapping[str, LadderResult]) -> str:
    """Return lengths as rows, with the exponents of growth above."""
    heads = ["words", "spoken", "crash", "hang", "cut off", "faulty", "tokens", "seconds", "CPU s", "RTFx", "peak MB",
             "fault classes"]  # fmt: skip
    parts = []
    for name, result in results.items():
        rows = [_cells(step) for step in result.steps]
        fits = ", ".join(
            f"{key.replace('_', ' ')} {fit.value:.2f} ({fit.low:.2f} to {fit.high:.2f}, {fit.n} lengths)"
            for key in GrowthExponents.__dataclass_fields__
            if (fit := getattr(result.exponents, key)) is not None
        )
        exponents = fits or "too few lengths"
        parts.append(f"**{name}**; exponents of growth with words: {exponents}\n\n{markdown_table(heads, rows)}\n")
    return "\n".join(parts)


def _cells(step: LengthStep) -> list[str]:
    return [
        str(step.words),
        f"{step.spoken}/{step.attempts}",
        str(step.crash),
        str(step.hang),
        str(step.cut),
        f"{step.faulty.count}/{step.faulty.total}",
        figure(step.tokens, ".0f"),
        figure(step.seconds, ".1f"),
        figure(step.cpu_seconds, ".2f"),
        figure(step.rtfx, ".1f"),
        figure(step.memory, ".0f", 1e-6),
        ", ".join(step.classes) or "-",
    ]
