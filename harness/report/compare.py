"""Tonight against a baseline or the nights before: new faults, fault rate, WER, speed, memory.

A comparison passes or fails only when its interval lies on one side of its margin; else it says that it cannot.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from statistics import fmean

import numpy as np

from harness import stats
from harness.core.records import Claim
from harness.report.digest import Digest, DigestChunk, VariantDigest
from harness.report.gates import Gates

_SEED = 0
_PAIRS_MIN = 6  # fewer ratios have no interval worth the name


def compare_runs(now: Digest, before: Digest, gates: Gates) -> list[Claim]:
    """Return the claims about every variant that both have, each on the chunks that both spoke."""
    claims = []
    for variant in now.variants:
        if variant in before.variants:
            claims += _variant(variant, now, before, gates)
        else:
            statement = f"{before.name or before.run_id} does not have this variant"
            claims.append(Claim("new-faults", variant, statement, None))
    return claims


def only(one: Digest, variant: str) -> Digest:
    """Return the part of a run that is about one variant."""
    return replace(one, variants={variant: one.variants[variant]})


def pool(digests: Sequence[Digest], name: str) -> Digest:
    """Return several runs as one: a chunk is faulty if it was in most of them; errors, words and times are means."""
    latest = digests[-1]
    variants: dict[str, dict[str, list[DigestChunk]]] = {}
    for one in digests:
        for variant, part in one.variants.items():
            for key, heard in part.chunks.items():
                alike = one.timed is not False and one.machine == latest.machine
                take = heard if alike else replace(heard, cpu_seconds=None, wall_seconds=None)
                variants.setdefault(variant, {}).setdefault(key, []).append(take)
    peaks = {v: max(d.variants[v].peak_memory_bytes or 0 for d in digests if v in d.variants) or None for v in variants}
    pooled = {
        v: VariantDigest({key: _mean(takes) for key, takes in rows.items()}, peaks[v]) for v, rows in variants.items()
    }
    timed = False if all(one.timed is False for one in digests) else None
    return replace(latest, variants=pooled, timed=timed, name=name)


def _mean(takes: Sequence[DigestChunk]) -> DigestChunk:
    judged = [take.faulty for take in takes if take.faulty is not None]

    def mean(values: list[float | None]) -> float | None:
        present = [value for value in values if value is not None]
        return fmean(present) if present else None

    return DigestChunk(
        sum(judged) * 2 > len(judged) if judged else None,
        *(
            mean([getattr(take, key) for take in takes])
            for key in ("errors", "words", "cpu_seconds", "duration", "wall_seconds")
        ),
    )


def _variant(variant: str, now: Digest, before: Digest, gates: Gates) -> list[Claim]:
    mine, theirs = now.variants[variant].chunks, before.variants[variant].chunks
    pairs = [(mine[key], theirs[key]) for key in mine if key in theirs]
    name = before.name or before.run_id
    claims = [
        new_faults(variant, {key: (mine[key], theirs[key]) for key in mine if key in theirs}, name, gates),
        fault_rate_difference(variant, pairs, name, gates),
        wer(variant, pairs, name, gates),
    ]
    if now.recognizer != before.recognizer:
        why = f"another recognizer then ({before.recognizer}) than now ({now.recognizer}): not comparable"
        claims = [replace(claim, statement=why, passed=None) for claim in claims]
    timed = [f"{side}: timings invalid" for side, one in (("now", now), (name, before)) if one.timed is False]
    if now.machine and before.machine and now.machine != before.machine:
        timed.append(f"timed on another machine then ({before.machine}) than now ({now.machine})")
    peaks = now.variants[variant].peak_memory_bytes, before.variants[variant].peak_memory_bytes
    return [*claims, speed_change(variant, pairs, name, gates, timed), peak_memory_change(variant, *peaks, name, gates)]


def new_faults(variant: str, pairs: Mapping[str, tuple[DigestChunk, DigestChunk]], name: str, gates: Gates) -> Claim:
    """Return chunks faulty now and clean then, against the other way round: exact McNemar. Each new one is named."""
    judged = {k: p for k, p in pairs.items() if p[0].faulty is not None and p[1].faulty is not None}
    new = [key for key, (a, b) in judged.items() if a.faulty and not b.faulty]
    gone = sum(bool(b.faulty) and not a.faulty for a, b in judged.values())
    if not judged:
        return Claim("new-faults", variant, f"no chunk was judged both now and in {name}", None, count=0)
    p_value = stats.mcnemar(len(new), gone)
    worse = len(new) > gone and p_value < gates.new_faults_alpha
    shown = ", ".join(new[:5]) + (f" and {len(new) - 5} more" if len(new) > 5 else "")
    statement = (
        f"{len(new)} of {len(judged)} chunks are newly faulty against {name}, {gone} no longer (p {p_value:.2g})"
    )
    statement += f": {shown}" if new else ""
    details = {"new": new, "gone": gone, "p_value": p_value}
    alpha, count = gates.new_faults_alpha, len(judged)
    return Claim("new-faults", variant, statement, not worse, float(len(new)), None, alpha, count, details)


def fault_rate_difference(
    variant: str, pairs: Sequence[tuple[DigestChunk, DigestChunk]], name: str, gates: Gates
) -> Claim:
    """Return difference of the shares of faulty chunks, Newcombe's interval."""
    k, n = _share([a for a, _ in pairs])
    k0, n0 = _share([b for _, b in pairs])
    if not n or not n0:
        return Claim("fault-rate", variant, f"nothing was judged now or in {name}", None, count=0)
    interval = stats.rate_difference(k, n, k0, n0, gates.level)
    statement = f"{k} of {n} faulty against {k0} of {n0} in {name}: {_points(k / n - k0 / n0, interval)}"
    return _held("fault-rate", variant, statement, k / n - k0 / n0, interval, gates.fault_rate_excess, n)


def wer(variant: str, pairs: Sequence[tuple[DigestChunk, DigestChunk]], name: str, gates: Gates) -> Claim:
    """Return difference of corpus-level WER on the same chunks, paired bootstrap."""
    rows = [
        (a.errors, a.words, b.errors, b.words)
        for a, b in pairs
        if a.words and b.words and None not in (a.errors, b.errors)
    ]
    if len(rows) < 2:
        return Claim("wer", variant, f"{len(rows)} chunks have a WER now and in {name}", None, count=len(rows))
    estimate = stats.ratio_difference(*np.array(rows, np.float64).T, seed=_SEED, level=gates.level)
    statement = f"WER {_points(estimate.value, estimate.interval)} against {name}"
    return _held("wer", variant, statement, estimate.value, estimate.interval, gates.wer_excess, len(rows))


def speed_change(
    variant: str, pairs: Sequence[tuple[DigestChunk, DigestChunk]], name: str, gates: Gates, invalid: Sequence[str]
) -> Claim:
    """Return the median over chunks of the seconds of the request an audio second, now divided by then.

    Bootstrap interval.
    """
    if invalid:
        return Claim("speed", variant, f"not compared with {name}: {'; '.join(invalid)}", None)
    ratios = np.array([_cost(a) / _cost(b) for a, b in pairs if _cost(a) and _cost(b)])
    if ratios.size < _PAIRS_MIN:
        statement = f"only {ratios.size} chunks were timed both now and in {name}"
        return Claim("speed", variant, statement, None, count=int(ratios.size))
    rng = np.random.default_rng(_SEED)
    medians = np.median(rng.choice(ratios, (1000, ratios.size)), axis=1)
    low, high = (float(v) for v in np.quantile(medians, [(1 - gates.level) / 2, (1 + gates.level) / 2]))
    value = float(np.median(ratios))
    statement = f"{value - 1:+.1%} time an audio second ({low - 1:+.1%} to {high - 1:+.1%}) against {name}"
    return _held("speed", variant, statement, value - 1, (low - 1, high - 1), gates.slowdown, int(ratios.size))


def peak_memory_change(variant: str, peak: int | None, peak0: int | None, name: str, gates: Gates) -> Claim:
    """Return peak memory now against then. One value a run: there is no interval, and the statement says so."""
    if not peak or not peak0:
        return Claim("memory", variant, f"peak memory is not known now or in {name}", None)
    growth = peak / peak0 - 1
    statement = (
        f"peak memory {growth:+.1%} against {name} ({peak / 1e6:.0f} MB, then {peak0 / 1e6:.0f} MB; one value a run)"
    )
    return Claim("memory", variant, statement, growth <= gates.memory_growth, growth, None, gates.memory_growth, 1)


def _cost(heard: DigestChunk) -> float:
    return heard.wall_seconds / heard.duration if heard.wall_seconds and heard.duration else 0.0


def _share(rows: Sequence[DigestChunk]) -> tuple[int, int]:
    judged = [row.faulty for row in rows if row.faulty is not None]
    return sum(judged), len(judged)


def _points(value: float, interval: tuple[float, float]) -> str:
    return f"{100 * value:+.1f} pp ({100 * interval[0]:+.1f} to {100 * interval[1]:+.1f})"


def _held(
    name: str, variant: str, says: str, value: float, interval: tuple[float, float], margin: float, count: int
) -> Claim:
    passed = stats.at_most(interval, margin)
    end = {True: "within", False: "beyond", None: "too uncertain to hold against"}[passed]
    return Claim(name, variant, f"{says}, {end} the margin of {margin:.1%}", passed, value, interval, margin, count)
