"""What the steps of a ladder amount to: first lengths, fitted growth, claims and the table."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from harness import stats
from harness.core.records import Claim, Json
from harness.experiments.quantization.claims import proportion
from harness.experiments.stage import markdown_table


def exponent(steps: Sequence[Json], key: str, least: int) -> Json | None:
    """k of ``value ~ words ** k`` with its 95% interval, from the steps of at least ``least`` words; None below 4."""
    return _fit([(step["words"], step[key]) for step in steps if step["words"] >= least and step[key]])


def growth(steps: Sequence[Json], least: int, noise: float) -> Json | None:
    """The exponent of what peak memory grows by, above the least of all steps; None where too few grow by ``noise``.

    A model that is loaded hides how its buffers grow: 10 MB of a square law on top of 1 GB look like a constant.
    """
    points = [(step["words"], step["memory"]) for step in steps if step["memory"]]
    base = min((value for _, value in points), default=0)
    return _fit([(words, value - base) for words, value in points if words >= least and value - base > noise])


def _fit(points: Sequence[tuple[float, float]]) -> Json | None:
    if len(points) < 4:
        return None
    from scipy.stats import linregress, t

    x, y = zip(*((math.log(words), math.log(value)) for words, value in points), strict=True)
    fit = linregress(x, y)
    half = float(t.ppf(0.975, len(points) - 2)) * float(fit.stderr)
    slope = float(fit.slope)
    return {"value": slope, "low": slope - half, "high": slope + half, "n": len(points)}


def first_length(steps: Sequence[Json], key: str) -> int | None:
    """The first length at which this happened at all."""
    return next((int(step["words"]) for step in steps if step[key]), None)


def degraded(steps: Sequence[Json]) -> int | None:
    """The first length above two words at which most texts are faulty, and at every longer one too."""
    worse = None
    for step in reversed([step for step in steps if step["words"] > 2]):
        faulty = step["faulty"]
        if not faulty["total"] or faulty["count"] * 2 <= faulty["total"]:
            break
        worse = int(step["words"])
    return worse


# ------------------------------------------------------------------------------------------- claims
def length_claims(name: str, steps: Sequence[Json], fits: Mapping[str, Any], margins: Mapping[str, Any]) -> list[Claim]:
    """One claim each way in which a length can go wrong, and on growth; the first length is the value."""
    longest = max((step["words"] for step in steps), default=0)
    reach = f"of texts of 1 to {longest} words"
    spoken, total = sum(step["spoken"] for step in steps), sum(step["attempts"] for step in steps)
    judged = all(step["faulty"]["total"] * 2 > step["attempts"] for step in steps)
    return [
        _happens(name, "survives", steps, ("crash", "hang"), "crashes or hangs", f"{spoken} of {total} {reach} spoken"),
        _happens(name, "gives-speech", steps, ("silent",), "gives no speech", f"{spoken} of {total} {reach} spoken"),
        _happens(name, "not-cut-off", steps, ("cut",), "is cut off", f"nothing {reach} was cut off"),
        _degrades(name, steps, reach, judged),
        _short(name, steps, margins),
        _grows(name, "growth", "compute time", fits["cpu_seconds"], float(margins["time_exponent_max"]), steps),
        _memory(name, fits, float(margins["memory_exponent_max"]), steps),
    ]


def _happens(name: str, claim: str, steps: Sequence[Json], kinds: Sequence[str], what: str, fine: str) -> Claim:
    struck = [step for step in steps if any(step[kind] for kind in kinds)]
    if not struck:
        return Claim(claim, name, fine, True, count=sum(step["attempts"] for step in steps))
    first = int(struck[0]["words"])
    beyond = [step for step in steps if step["words"] >= first]
    attempts = sum(step["attempts"] for step in beyond)
    hit = sum(step[kind] for step in beyond for kind in kinds)
    statement = (
        f"from {first} words on it {what}: {hit} of {attempts} attempts, at {len(struck)} of {len(beyond)} lengths"
    )
    if len(kinds) > 1:
        starts = [f"{kind} first at {at} words" for kind in kinds if (at := first_length(steps, kind)) is not None]
        statement += f" ({', '.join(starts)})"
    said = next((step["said"] for step in struck if step["said"]), "")
    return Claim(claim, name, f"{statement}{f'; {said}' if said else ''}", False, float(first), count=attempts)


def _degrades(name: str, steps: Sequence[Json], reach: str, known: bool) -> Claim:
    worse = degraded(steps)
    if worse is not None:
        return Claim("no-degradation", name, f"from {worse} words on it is faulty in most texts", False, float(worse))
    if not known:
        return Claim("no-degradation", name, "at some length most texts were not judged", None, count=0)
    return Claim("no-degradation", name, f"at no length {reach} do most texts turn faulty", True)


def _short(name: str, steps: Sequence[Json], margins: Mapping[str, Any]) -> Claim:
    short = [step for step in steps if step["words"] <= margins["short_words"]]
    few, of = sum(step["faulty"]["count"] for step in short), sum(step["faulty"]["total"] for step in short)
    share, most = proportion(few, of), float(margins["short_rate_max"])
    statement = f"{few} of {of} judged attempts at texts of at most {margins['short_words']} words are faulty "
    statement += f"({share['low']:.1%} to {share['high']:.1%})"
    passed = True if share["high"] <= most else False if share["low"] > most else None
    if passed is None:
        statement = f"too small to say against a margin of {most:.0%}: {statement}; {stats.compatible(few, of)}"
    return Claim("short-texts", name, statement, passed, share["value"], (share["low"], share["high"]), most, of)


def _grows(name: str, claim: str, what: str, fit: Json | None, most: float, steps: Sequence[Json]) -> Claim:
    if fit is None:
        return Claim(claim, name, f"too few lengths to fit how {what} grows", None, count=0)
    statement = f"{what} grows with words to the power of {fit['value']:.2f} ({fit['low']:.2f} to {fit['high']:.2f})"
    passed = True if fit["high"] <= most else False if fit["low"] > most else None
    statement = statement if passed is not None else f"too few lengths to hold against {most:g}: {statement}"
    key, label = ("cpu_seconds", "CPU seconds") if claim == "growth" else ("memory", "peak memory, bytes")
    measured = [step for step in steps if step[key]]
    curve = {"x": [step["words"] for step in measured], "y": [step[key] for step in measured], "x_label": "words",
             "y_label": label}  # fmt: skip
    return Claim(
        claim, name, statement, passed, fit["value"], (fit["low"], fit["high"]), most, fit["n"], {"curve": curve}
    )


def _memory(name: str, fits: Mapping[str, Any], most: float, steps: Sequence[Json]) -> Claim:
    """The exponent of the growth where there is growth; else that there is none, with the figures."""
    measured = [step for step in steps if step["memory"]]
    if len(measured) < 4:
        return Claim("memory", name, "peak memory is known of too few lengths", None, count=len(measured))
    least, largest = (pick(step["memory"] for step in measured) for pick in (min, max))
    total = fits["memory"]
    statement = f"peak memory is {least / 1e6:.0f} to {largest / 1e6:.0f} MB over all lengths"
    if total is not None:
        statement += f" (its exponent is {total['value']:.2f}, {total['low']:.2f} to {total['high']:.2f})"
    if fits["memory_growth"] is not None:
        claim = _grows(name, "memory", "peak memory above its least", fits["memory_growth"], most, steps)
        return Claim("memory", name, f"{claim.statement}; {statement}", claim.passed, claim.value, claim.interval, most,
                     claim.count, claim.details)  # fmt: skip
    steady = largest <= 1.1 * least
    statement += (
        "; too few lengths grow beyond the noise to fit how" if not steady else "; it does not grow with length"
    )
    return Claim("memory", name, statement, True if steady else None, largest / least, count=len(measured))


# ------------------------------------------------------------------------------------------- the table
def length_table(results: Mapping[str, Json]) -> str:
    """Lengths as rows, with the exponents of growth above."""
    heads = ["words", "spoken", "crash", "hang", "cut off", "faulty", "tokens", "seconds", "CPU s", "RTFx", "peak MB",
             "fault classes"]  # fmt: skip
    parts = []
    for name, result in results.items():
        rows = [_cells(step) for step in result["steps"]]
        fits = ", ".join(
            f"{key.replace('_', ' ')} {fit['value']:.2f} ({fit['low']:.2f} to {fit['high']:.2f}, {fit['n']} lengths)"
            for key, fit in result["exponents"].items()
            if fit is not None
        )
        exponents = fits or "too few lengths"
        parts.append(f"**{name}**; exponents of growth with words: {exponents}\n\n{markdown_table(heads, rows)}\n")
    return "\n".join(parts)


def _cells(step: Json) -> list[str]:
    def figure(key: str, form: str, scale: float = 1.0) -> str:
        return "-" if step[key] is None else format(step[key] * scale, form)

    return [
        str(step["words"]),
        f"{step['spoken']}/{step['attempts']}",
        str(step["crash"]),
        str(step["hang"]),
        str(step["cut"]),
        f"{step['faulty']['count']}/{step['faulty']['total']}",
        figure("tokens", ".0f"),
        figure("seconds", ".1f"),
        figure("cpu_seconds", ".2f"),
        figure("rtfx", ".1f"),
        figure("memory", ".0f", 1e-6),
        ", ".join(step["classes"]) or "-",
    ]
