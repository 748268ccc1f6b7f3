"""Does the harness still find what is wrong? Known faults planted in a living session of the real voice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from harness.core.errors import ConfigError, SoakError, nearest
from harness.core.records import Arm, Attempt, Chunk, Claim, Variant, Verdict, VerdictWord
from harness.detectors import catalogue
from harness.engine.plan import Plan
from harness.engine.progress import Progress
from harness.experiments.injection import InjectionRule, faulty
from harness.experiments.limits import suite_limits
from harness.experiments.stage import ExperimentRun, markdown_table, write_results
from harness.stats import Proportion, proportion
from harness.store import Run
from harness.text import count_words

_NO_REFERENCE = "no reference"  # in the reason of a class that needs one


@dataclass(frozen=True, slots=True)
class CanarySettings:
    """What to plant, and in chunks of how many words, from ``[canary]`` of the limits file."""

    faults: list[str] = field(default_factory=list)
    words_min: int = 6


@dataclass(frozen=True, slots=True)
class CanaryResult:
    """What became of the planted faults, and how many of the chunks between them look faulty."""

    planted: Sequence[Planted]
    healthy: Proportion


@dataclass(frozen=True, slots=True)
class Planted:
    """What became of one fault. ``done`` is False where the wrapper could not plant it; ``seen``: classes found.

    ``asked`` is False for a class that needs a reference and has none here: it is listed, and not counted.
    """

    fault: str
    chunk_id: str
    done: bool
    found: bool
    seen: tuple[str, ...]
    why: str = ""
    asked: bool = True


def run_canary(plan: Plan, progress: Progress, resume: Path | None) -> Path:
    """Speak each variant with the faults of the table ``[canary]`` planted; returns the run directory.

    Raises ConfigError for an unknown fault class, and where there are fewer chunks than faults.
    """
    settings = _checked(suite_limits(CanarySettings, plan.experiment, "canary"))
    wrapped = {}
    for variant in plan.variants:
        hits = places(plan.chunks(variant), settings)
        entries = [InjectionRule(fault=fault, chunks=[chunk_id]) for fault, chunk_id in hits]
        wrapped[variant.name] = (faulty(variant, entries, name=variant.name), hits)
    whole = replace(plan, variants=tuple(variant for variant, _ in wrapped.values()), margins={})
    with ExperimentRun(whole, progress, resume) as stage:
        claims: list[Claim] = []
        results: dict[str, CanaryResult] = {}
        for name, (variant, hits) in wrapped.items():
            soak = stage.soak(variant)
            try:
                soak.speak()
            except SoakError as error:
                stage.lost(variant, error)
                continue
            planted = outcome(stage.run, variant, hits, alone=soak.profile is None)
            others = _others(stage.run, variant, hits)
            claims.append(_claim(name, planted, others))
            results[name] = CanaryResult(planted, others)
        write_results(stage.run, claims, results, _markdown(results))
        return stage.run.path


def _checked(settings: CanarySettings) -> CanarySettings:
    detectors = catalogue()
    if not settings.faults:
        raise ConfigError("limits: canary.faults: must list the fault classes to plant")
    for name in settings.faults:
        if name not in detectors:
            raise ConfigError(f"limits: canary.faults: unknown fault class {name!r}{nearest(name, detectors)}")
    return settings


def places(chunks: Sequence[Chunk], settings: CanarySettings) -> list[tuple[str, str]]:
    """Return (fault, chunk id): every second chunk of enough words, so that a healthy one lies between."""
    long = [chunk.id for chunk in chunks if count_words(chunk.expected_text) >= settings.words_min]
    free = long[1::2] if len(long[1::2]) >= len(settings.faults) else long
    if len(free) < len(settings.faults):
        need = f"{len(settings.faults)} faults need as many chunks of {settings.words_min} words or more"
        raise ConfigError(f"canary: {need}, there are {len(free)}")
    return list(zip(settings.faults, free, strict=False))


def outcome(run: Run, variant: Variant, hits: Sequence[tuple[str, str]], *, alone: bool = False) -> list[Planted]:
    """Return each planted fault: found if the class itself has a finding there, or one that explains it.

    ``alone``: the voice has no profile, so that classes which only a reference can decide are not asked.
    """
    attempts = {attempt.chunk_id: attempt for attempt in run.attempts(variant=variant.name, arm=Arm.SOAK)}
    verdicts = run.verdicts(variant=variant.name, arm=Arm.SOAK)
    planted = [_one(fault, chunk_id, attempts.get(chunk_id), verdicts) for fault, chunk_id in hits]
    return [_excused(run, one, attempts.get(one.chunk_id)) if alone and not one.found else one for one in planted]


def _excused(run: Run, one: Planted, attempt: Attempt | None) -> Planted:
    """Return the fault as not asked for, where its class has nothing to hold a value against without a reference."""
    if attempt is None or attempt.id is None:
        return one
    kind, detection = catalogue()[one.fault], run.evidence(attempt.id).get(one.fault)
    if detection is None:
        return one
    if detection.value is None:  # a class that could not look for any other reason is the blindness that is looked for
        alone = _NO_REFERENCE in detection.reason
    else:
        alone = kind.default_limit is None and kind.physical_limit is None
    if not alone:
        return one
    return replace(one, asked=False, why="needs a reference: record a profile of this voice (tts-soak profile)")


def _one(fault: str, chunk_id: str, attempt: Attempt | None, verdicts: Mapping[int, Verdict]) -> Planted:
    if attempt is None or attempt.id is None:
        return Planted(fault, chunk_id, False, False, (), "the chunk was never spoken")
    verdict = verdicts.get(attempt.id)
    names = tuple(dict.fromkeys(f.fault for f in verdict.findings)) if verdict is not None else ()
    detectors = catalogue()
    caught = any(name == fault or fault in detectors[name].explains for name in names if name in detectors)
    notes = [note for note in attempt.noted.get("injected", []) if note.get("fault") == fault]
    why = next((str(note["reason"]) for note in notes if note.get("reason")), "")
    # a backend that died says nothing of what was done to it: its death is the evidence
    done = caught or (bool(notes) and not why) or attempt.audio is None
    if not caught and not why:
        word = verdict.word.value if verdict is not None else "not judged"
        why = f"the chunk was called {', '.join(names) if names else word}"
        if verdict is not None and verdict.word is VerdictWord.NOT_JUDGED:
            why += f": {verdict.reason}"
    return Planted(fault, chunk_id, done, caught, names, "" if caught else why)


def _others(run: Run, variant: Variant, hits: Sequence[tuple[str, str]]) -> Proportion:
    """Return the chunks between: how many of those judged look faulty."""
    spoiled = {chunk_id for _, chunk_id in hits}
    ids = {a.id for a in run.attempts(variant=variant.name, arm=Arm.SOAK) if a.chunk_id not in spoiled}
    verdicts = [v for number, v in run.verdicts(variant=variant.name, arm=Arm.SOAK).items() if number in ids]
    judged = [verdict for verdict in verdicts if verdict.word.judged]
    return proportion(sum(verdict.word is VerdictWord.FAULTY for verdict in judged), len(judged))


def _claim(name: str, found: Sequence[Planted], others: Proportion) -> Claim:
    counted = [one for one in found if one.asked]
    left = [one.fault for one in found if not one.asked]
    missed = [one for one in counted if not one.found]
    count = sum(one.found for one in counted)
    statement = f"{count} of {len(counted)} planted faults were found"
    if left:
        statement += f"; {', '.join(left)} not asked: without a profile of this voice they cannot be seen"
    if missed:
        told = [f"{one.fault} in {one.chunk_id} ({'' if one.done else 'not planted: '}{one.why})" for one in missed]
        statement += f"; NOT FOUND: {'; '.join(told)}"
    statement += f"; of {others.total} judged chunks between them {others.count} look faulty"
    share = proportion(count, len(counted))
    enough = 2 * len(counted) >= len(found)  # a harness that looks at nothing must not excuse itself
    passed = not missed and bool(counted) and enough
    return Claim("planted-faults", name, statement, passed, share.value, (share.low, share.high), 1.0, len(counted))


def _markdown(results: Mapping[str, CanaryResult]) -> str:
    parts = []
    for name, result in results.items():
        rows = [
            [
                one.fault,
                one.chunk_id,
                ("yes" if one.found else "**NO**") if one.asked else "not asked",
                ", ".join(one.seen) or "-",
                one.why or "-",
            ]
            for one in result.planted
        ]
        heads = ["planted", "in chunk", "found", "classes seen", "why not"]
        parts.append(f"**{name}**\n\n{markdown_table(heads, rows)}\n")
    return "\n".join(parts)
