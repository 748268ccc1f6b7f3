"""Sum up a run in figures with counts and intervals, from the store alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from harness.core.records import Arm, Attempt, Claim, Finding, Measurement, Payloads, Verdict, VerdictWord
from harness.report.against import reference_comparison
from harness.report.hearing import by_language, character_errors, listener, looped, word_errors
from harness.report.material import selected
from harness.report.summary import (
    ClaimFigures,
    CorpusFigures,
    RunSummary,
    Share,
    SpeakerSimilarity,
    TokenFigures,
    VariantSummary,
    VerdictCounts,
)
from harness.report.timings import concurrent_throughput, rtfx_of_attempts, scoring_lag, streaming, timings
from harness.stats import proportion
from harness.store import Run
from harness.verdicts.claims.as_whole import URGENT

_LEVEL = 0.95
_DAMAGE_KEPT = 50  # problems of the record, of which the first
_DAMAGE_NOTED = 3  # problems of the record that stand in the notes


def run_summary(run: Run) -> RunSummary:
    """Sum up a run: the content of ``summary.json``; None stands for what was not measured."""
    names = run.variant_names
    damage = run.verify()
    rows = {name: _variant(run, name) for name in names}
    beside = {name: reference_comparison(run, name, rows) for name in names}
    return RunSummary(
        run_id=run.run_id,
        suite=run.suite,
        experiment=_experiment(run),
        reference=run.reference,
        status=run.status,
        provenance=run.manifest["provenance"],
        corpus=CorpusFigures.model_validate(
            {key: value for key, value in run.manifest["corpus"].items() if key != "texts"}
        ),
        recognizer=listener(run),
        created_utc=run.manifest.get("created_utc"),
        timings=timings(run),
        variants={name: row.model_copy(update={"against": beside[name]}) for name, row in rows.items()},
        other_claims=_others(run, names),
        notes=_notes(run, damage),
        damage=damage[:_DAMAGE_KEPT],
        disk_bytes=run.disk_bytes(),
    )


def _variant(run: Run, name: str) -> VariantSummary:
    everything = run.attempts(variant=name)
    soaked = [attempt for attempt in everything if attempt.arm == Arm.SOAK]
    ids = {attempt.id for attempt in soaked}
    heard = _measurements(run, name, "intelligibility", ids)
    return VariantSummary(
        **dict(_counts(run, name, soaked)),
        wer=word_errors(heard),
        cer=character_errors(heard),
        by_language=by_language(heard),
        looped=looped(run, name),
        speaker_similarity=_similarity(_measurements(run, name, "speaker", ids)),
        rtfx=rtfx_of_attempts(soaked, [attempt for attempt in everything if attempt.arm == Arm.QUIET]),
        streaming=streaming(soaked),
        scoring_lag=scoring_lag(run, name, soaked),
        load=concurrent_throughput(run, name, soaked),
        audio_seconds=float(sum(attempt.duration or 0.0 for attempt in soaked)),
        tokens=_tokens(soaked, _measurements(run, name, "tokens", ids)),
        peak_memory_bytes=max((a.peak_rss_bytes for a in soaked if a.peak_rss_bytes is not None), default=None),
        model_bytes=run.model_bytes(name),
        epochs=sum(len(run.epochs(row.id)) for row in run.sessions() if (row.variant, row.arm) == (name, Arm.SOAK)),
        recorded=run.is_recorded(name),
        retries=sum(attempt.arm == Arm.RETRY for attempt in everything),
        outcomes=dict(Counter(attempt.outcome.value for attempt in soaked)),
        reference=run.manifest["profiles"].get(name) or None,
        claims=[_claim(claim) for claim in run.claims() if claim.variant == name],
    )


def _counts(run: Run, name: str, soaked: Sequence[Attempt]) -> VerdictCounts:
    verdicts = run.verdicts(variant=name, arm=Arm.SOAK)
    words = Counter(_word(attempt, verdicts) for attempt in soaked)
    asked = any((row.variant, row.arm) == (name, Arm.SOAK) for row in run.sessions()) or not _experiment(run)
    expected = len(selected(run, name)) if asked else 0
    faulty = words[VerdictWord.FAULTY]
    judged = faulty + words[VerdictWord.CLEAN]
    return VerdictCounts(
        soaked=asked,
        chunks=expected,
        clean=words[VerdictWord.CLEAN],
        faulty=faulty,
        not_judged=expected - judged - words[VerdictWord.NOTHING_TO_SPEAK],
        nothing_to_speak=words[VerdictWord.NOTHING_TO_SPEAK],
        fault_rate=share(faulty, judged),
        faults=dict(Counter(_classes(verdicts.values())).most_common()),
        confirmed=sum(_has(verdict, True) for verdict in verdicts.values()),
        suspected=sum(_has(verdict, None) and not _has(verdict, True) for verdict in verdicts.values()),
        refuted=sum(_has(verdict, False) for verdict in verdicts.values()),
        bound_to=dict(Counter(f.bound_to for f in _findings(verdicts.values()) if f.bound_to).most_common()),
        not_judged_because=_reasons(soaked, verdicts, expected, _away(run, name)),
        could_not_look=dict(Counter(name for v in verdicts.values() for name in v.unjudged).most_common()),
    )


def _experiment(run: Run) -> bool:
    return bool(run.manifest.get("experiment")) or (run.path / "results.md").is_file()


def share(count: int, total: int) -> Share:
    """Return a proportion with its counts and exact interval (Clopper-Pearson, two-sided, 95%)."""
    exact = proportion(count, total, _LEVEL)
    low, high = (exact.low, exact.high) if total else (None, None)
    return Share(value=exact.value, low=low, high=high, count=count, total=total, level=_LEVEL)


def _word(attempt: Attempt, verdicts: Mapping[int, Verdict]) -> VerdictWord:
    verdict = verdicts.get(attempt.id) if attempt.id is not None else None
    return verdict.word if verdict is not None else VerdictWord.NOT_JUDGED


def _findings(verdicts: Iterable[Verdict]) -> list[Finding]:
    return [f for v in verdicts if v.word is VerdictWord.FAULTY for f in v.findings if f.confirmed is not False]


def _classes(verdicts: Iterable[Verdict]) -> list[str]:
    """Each class once a chunk."""
    faulty = (verdict for verdict in verdicts if verdict.word is VerdictWord.FAULTY)
    return [name for v in faulty for name in {f.fault for f in v.findings if f.confirmed is not False}]


def _has(verdict: Verdict, confirmed: bool | None) -> bool:
    return any(finding.confirmed is confirmed for finding in verdict.findings)


def _reasons(soaked: Sequence[Attempt], verdicts: Mapping[int, Verdict], expected: int, away: str) -> dict[str, int]:
    reasons = Counter(v.reason for v in verdicts.values() if v.word is VerdictWord.NOT_JUDGED)
    reasons["spoken, but the run ended before the verdict"] = sum(a.id not in verdicts for a in soaked)
    reasons[away or "never spoken"] = expected - len(soaked)
    return {reason: count for reason, count in reasons.most_common() if count}


def _away(run: Run, name: str) -> str:
    """Why the backend was given up as away; empty where it was not."""
    gone = [str(event.data["reason"]) for event in run.events("backend away") if event.data.get("variant") == name]
    return gone[-1] if gone else ""


def _measurements(run: Run, name: str, scorer: str, ids: set[int | None]) -> list[Measurement]:
    return [one for number, one in run.all_observations(scorer, name) if number in ids and one.payload]


def _similarity(measurements: Sequence[Measurement]) -> SpeakerSimilarity:
    payloads = [Payloads({"speaker": measurement}).or_empty("speaker") for measurement in measurements]
    values = [value for speaker in payloads if (value := speaker.get("similarity")) is not None]
    return SpeakerSimilarity(
        encoder=payloads[0].get("encoder") if payloads else None,
        mean=float(np.mean(values)) if values else None,
        p5=float(np.percentile(values, 5)) if values else None,
        chunks=len(values),
    )


def _tokens(soaked: Sequence[Attempt], measurements: Sequence[Measurement]) -> TokenFigures:
    counts = [attempt.token_count for attempt in soaked if attempt.token_count is not None]
    caps = [Payloads({"tokens": one}).or_empty("tokens").get("cap_hit") for one in measurements]
    present = [hit for hit in caps if hit is not None]
    return TokenFigures(
        mean=float(np.mean(counts)) if counts else None,
        p5=float(np.percentile(counts, 5)) if counts else None,
        p95=float(np.percentile(counts, 95)) if counts else None,
        cap_hits=sum(present) if counts and present else None,
        chunks=len(counts),
    )


def _others(run: Run, names: Sequence[str]) -> list[ClaimFigures]:
    """Claims about something that was not spoken under its own name: a sweep spoke the settings of it."""
    return [
        _claim(claim).model_copy(update={"variant": claim.variant})
        for claim in run.claims()
        if claim.variant not in names
    ]


def _claim(claim: Claim) -> ClaimFigures:
    return ClaimFigures(
        name=claim.name,
        passed=claim.passed,
        statement=claim.statement,
        value=claim.value,
        interval=claim.interval,
        margin=claim.margin,
        urgent=bool(claim.details.get(URGENT)),
        count=claim.count,
    )


def _notes(run: Run, damage: Sequence[str]) -> list[str]:
    notes = []
    if damage:
        left = len(damage) - _DAMAGE_NOTED
        more = f" and {left} more: tts-soak verify {run.run_id}" if left > 0 else ""
        notes.append(f"damaged record: {'; '.join(damage[:_DAMAGE_NOTED])}{more}")
    if run.manifest["corpus"].get("partial"):
        notes.append("partial selection: a different session than the whole corpus in order")
    shards = run.shards
    if shards > 1:
        notes.append(
            f"cut into {shards} shards of consecutive chunks: each is a session of its own that starts with a clean "
            "state, so what builds up over more chunks than a shard has is not seen"
        )
    lacking = run.manifest.get("left_out") or []
    if lacking:
        notes.append(f"judged without {', '.join(lacking)}, left out on purpose: clean is clean of the rest")
    notes += [f"{name}: {why}" for name, why in (run.manifest.get("refused") or {}).items()]
    for event in run.events():
        if event.kind == "another voice":
            whose = f"{event.data['variant']}: another voice than {event.data['reference']} ({event.data['reason']})"
            notes.append(
                f"{whose}: compared on words, broken samples and speed; level, timbre, pace and speaker were not held "
                "against it"
            )
        if event.kind == "backend away":
            notes.append(f"{event.data['variant']}: {event.data['reason']}")
        if event.kind in ("cannot be loaded", "gave up"):
            notes.append(f"{event.data['variant']}: {event.kind}: {event.data['reason']}")
    return notes
