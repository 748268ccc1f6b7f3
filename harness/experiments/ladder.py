"""From what length on? Texts of doubling length in one session, with the growth of time and memory (layer 5)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from harness.compare.family import proportion
from harness.engine.plan import Plan
from harness.engine.progress import Progress
from harness.errors import ConfigError, SoakError, nearest
from harness.experiments.stage import Stage, markdown, write_results
from harness.session import Turn, seed_for
from harness.store import Run
from harness.types import Arm, Attempt, Chunk, Claim, Json, Outcome, Variant, Verdict, VerdictWord

_DEFAULTS: Mapping[str, Any] = {"takes_short": 3, "short_words": 2, "fit_from_words": 8, "time_exponent_max": 1.3}
DEAD = (Outcome.CRASH, Outcome.HANG, Outcome.TIMEOUT)


def carry_out(plan: Plan, progress: Progress, resume: Path | None) -> Path:
    """Speak the ladder with each variant; short texts get several takes. Records claims and the table."""
    table = {**_DEFAULTS, **plan.experiment.get("ladder", {})}
    for key in table:
        if key not in _DEFAULTS:
            raise ConfigError(f"limits: ladder: unknown key {key!r}{nearest(key, _DEFAULTS)}")
    results: Json = {}
    claims: list[Claim] = []
    with Stage(plan, progress, resume) as stage:
        for variant in plan.variants:
            soak = stage.soak(variant)
            try:
                soak.speak()
                _takes(stage, variant, int(table["takes_short"]), int(table["short_words"]))
            except SoakError as error:
                stage.lost(variant, error)
                continue
            steps = figures(stage.run, variant, plan.chunks(variant))
            fits = {
                key: exponent(steps, key, int(table["fit_from_words"])) for key in ("cpu_seconds", "tokens", "memory")
            }
            results[variant.name] = {"steps": steps, "exponents": fits}
            claims += _claims(variant.name, steps, fits, table)
        write_results(stage.run, claims, results, _table(results))
        return stage.run.path


def words_of(chunk: Chunk) -> int:
    """Length of a text in words, as its tag of the ladder says, else counted."""
    tagged = [tag.removeprefix("words-") for tag in chunk.tags if tag.startswith("words-")]
    return int(tagged[0]) if tagged else len(chunk.text.split())


def _takes(stage: Stage, variant: Variant, takes: int, short: int) -> None:
    soak = stage.soak(variant)
    chunks = [chunk for chunk in stage.plan.chunks(variant) if words_of(chunk) <= short]
    turns = [
        Turn(chunk, take=take, seed=seed_for(variant, chunk.id, take)) for take in range(1, takes) for chunk in chunks
    ]
    for attempt, chunk, layout in soak.speak_apart("short-take", turns, {}):
        soak.submit(attempt, chunk, layout, None)
        stage.assessor.collect()
    stage.assessor.drain()


def figures(run: Run, variant: Variant, chunks: Sequence[Chunk]) -> list[Json]:
    """One row a length, in words, rising: how many were spoken, faulty and dead, and what they took."""
    lengths = {chunk.id: words_of(chunk) for chunk in chunks}
    verdicts = run.verdicts(variant=variant.name)
    by_length: dict[int, list[Attempt]] = {}
    for attempt in run.attempts(variant=variant.name):
        if attempt.arm in (Arm.SOAK, "short-take"):
            by_length.setdefault(lengths[attempt.chunk_id], []).append(attempt)
    return [_step(words, found, verdicts) for words, found in sorted(by_length.items())]


def _step(words: int, attempts: Sequence[Attempt], verdicts: Mapping[int, Verdict]) -> Json:
    judged = [v for a in attempts if a.id is not None and (v := verdicts.get(a.id)) is not None]
    judged = [verdict for verdict in judged if verdict.word is not VerdictWord.NOT_JUDGED]
    faulty = [verdict for verdict in judged if verdict.word is VerdictWord.FAULTY]
    timed = [(a.duration, a.cpu_seconds) for a in attempts if a.duration and a.cpu_seconds]
    return {
        "words": words,
        "attempts": len(attempts),
        "spoken": sum(a.outcome is Outcome.OK for a in attempts),
        "dead": sum(a.outcome in DEAD for a in attempts),
        "cut": sum(a.finish_reason == "length" for a in attempts),
        "faulty": proportion(len(faulty), len(judged)),
        "classes": sorted({f.fault for verdict in faulty for f in verdict.findings if f.confirmed is not False}),
        "tokens": _median([a.token_count for a in attempts]),
        "seconds": _median([a.duration for a in attempts]),
        "cpu_seconds": _median([a.cpu_seconds for a in attempts if a.outcome is Outcome.OK]),
        "memory": max((a.peak_rss_bytes for a in attempts if a.peak_rss_bytes is not None), default=None),
        "rtfx": sum(d for d, _ in timed) / sum(c for _, c in timed) if timed else None,
    }


def _median(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(median(known)) if known else None


def exponent(steps: Sequence[Json], key: str, least: int) -> Json | None:
    """k of ``value ~ words ** k`` with its 95% interval, from the steps of at least ``least`` words; None below 4."""
    points = [(math.log(step["words"]), math.log(step[key])) for step in steps if step["words"] >= least and step[key]]
    if len(points) < 4:
        return None
    from scipy.stats import linregress, t

    x, y = zip(*points, strict=True)
    fit = linregress(x, y)
    half = float(t.ppf(0.975, len(points) - 2)) * float(fit.stderr)
    slope = float(fit.slope)
    return {"value": slope, "low": slope - half, "high": slope + half, "n": len(points)}


def first_length(steps: Sequence[Json], key: str) -> int | None:
    """The first length at which this happened at all."""
    return next((int(step["words"]) for step in steps if step[key]), None)


def _degraded(steps: Sequence[Json]) -> int | None:
    """The first length above two words at which most texts are faulty, and at every longer one too."""
    worse = None
    for step in reversed([step for step in steps if step["words"] > 2]):
        faulty = step["faulty"]
        if not faulty["total"] or faulty["count"] * 2 <= faulty["total"]:
            break
        worse = int(step["words"])
    return worse


def _claims(name: str, steps: Sequence[Json], fits: Mapping[str, Any], table: Mapping[str, Any]) -> list[Claim]:
    longest = max((step["words"] for step in steps), default=0)
    reach = f"of texts of 1 to {longest} words"
    dead, cut, bad = first_length(steps, "dead"), first_length(steps, "cut"), _degraded(steps)
    spoken, total = sum(step["spoken"] for step in steps), sum(step["attempts"] for step in steps)
    short = [step for step in steps if step["words"] <= table["short_words"]]
    few, of = sum(step["faulty"]["count"] for step in short), sum(step["faulty"]["total"] for step in short)
    share = proportion(few, of)
    known = bad is not None or all(step["faulty"]["total"] * 2 > step["attempts"] for step in steps)
    return [
        _first(name, "survives", dead, f"{spoken} of {total} attempts {reach} gave speech", "crashes or hangs"),
        _first(name, "not-cut-off", cut, f"no generation {reach} was cut off", "is cut off at the cap"),
        _first(
            name, "no-degradation", bad, f"at no length {reach} do most texts turn faulty", "is faulty in most texts"
        )
        if known
        else Claim("no-degradation", name, "at some length most texts were not judged", None, count=0),
        Claim(
            "short-texts",
            name,
            f"{few} of {of} judged short attempts are faulty ({share['low']:.1%} to {share['high']:.1%})",
            False if few else None if of * 2 <= sum(step["attempts"] for step in short) else True,
            share["value"],
            (share["low"], share["high"]),
            count=of,
        ),
        _growth(name, fits["cpu_seconds"], float(table["time_exponent_max"])),
    ]


def _first(name: str, claim: str, length: int | None, fine: str, what: str) -> Claim:
    says = fine if length is None else f"from {length} words on it {what}"
    return Claim(claim, name, says, length is None, None if length is None else float(length))


def _growth(name: str, fit: Json | None, most: float) -> Claim:
    if fit is None:
        return Claim("growth", name, "too few lengths to fit how compute time grows", None, count=0)
    says = f"compute time grows with words to the power of {fit['value']:.2f} ({fit['low']:.2f} to {fit['high']:.2f})"
    passed = True if fit["high"] <= most else False if fit["low"] > most else None
    says = says if passed is not None else f"too few lengths to hold against {most:g}: {says}"
    return Claim("growth", name, says, passed, fit["value"], (fit["low"], fit["high"]), most, fit["n"])


def _table(results: Mapping[str, Json]) -> str:
    heads = ["words", "spoken", "cut off", "faulty", "tokens", "seconds", "CPU s", "RTFx", "peak MB", "fault classes"]
    parts = []
    for name, found in results.items():
        rows = [_cells(step) for step in found["steps"]]
        fits = ", ".join(
            f"{key.replace('_', ' ')} {fit['value']:.2f} ({fit['low']:.2f} to {fit['high']:.2f})"
            for key, fit in found["exponents"].items()
            if fit is not None
        )
        parts.append(
            f"**{name}**; exponents of growth with words: {fits or 'too few lengths'}\n\n{markdown(heads, rows)}\n"
        )
    return "\n".join(parts)


def _cells(step: Json) -> list[str]:
    def figure(key: str, form: str, scale: float = 1.0) -> str:
        return "-" if step[key] is None else format(step[key] * scale, form)

    return [
        str(step["words"]),
        f"{step['spoken']}/{step['attempts']}",
        str(step["cut"]),
        f"{step['faulty']['count']}/{step['faulty']['total']}",
        figure("tokens", ".0f"),
        figure("seconds", ".1f"),
        figure("cpu_seconds", ".2f"),
        figure("rtfx", ".1f"),
        figure("memory", ".0f", 1e-6),
        ", ".join(step["classes"]) or "-",
    ]
