"""The finding that is followed up: which chunk of which run, its class of fault, and all that it was judged by."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.core.errors import ConfigError, nearest
from harness.core.records import Arm, Attempt, Chunk, Computes, Finding, ScorerOptions, Variant, Verdict
from harness.core.variants import load_variants
from harness.detectors import catalogue
from harness.engine.assessor import SECOND_OPINION
from harness.store import Run, remember_secrets, secrets_in
from harness.store.manifest import check_whole
from harness.store.redact import MARK
from harness.verdicts import Limits

RECORDED = "recorded"


class NothingToFind(ConfigError):
    """The chunk shows no fault that could be followed up: it is clean, or its fault does not come back."""

    exit_code = 6


@dataclass(frozen=True)
class Earlier:
    """A request that the same process answered before the one that is followed up."""

    chunk: Chunk
    seed: int | None


@dataclass(frozen=True)
class CauseTarget:
    """One finding of a run, read from its store; ``verdict`` is the newest of the attempt."""

    run: Path
    run_id: str
    variant: str
    attempt: Attempt
    chunk: Chunk
    verdict: Verdict
    finding: Finding
    earlier: tuple[Earlier, ...]  # in order, of the same worker run
    limits: Limits  # as frozen in the run's manifest
    scorers: Mapping[str, ScorerOptions]

    @property
    def fault_scorers(self) -> Mapping[str, ScorerOptions]:
        """Return the scorers of the run that the fault rests on; the second recognizer too where it is one of words."""
        needed = set(catalogue()[self.finding.fault].observes)
        needed |= {SECOND_OPINION} if "intelligibility" in needed else set()
        return {name: options for name, options in self.scorers.items() if name in needed}


def chunks_of_run(run: Run) -> dict[str, Chunk]:
    """Return the texts of a run by id, as its manifest keeps them."""
    check_whole(run.path, run.manifest)
    return {chunk.id: chunk for chunk in run.chunks}


def find_target(path: Path, chunk_id: str, variant: str | None = None, fault: str | None = None) -> CauseTarget:
    """Return the finding of a chunk, the furthest beyond its limit unless ``fault`` names another class.

    ``chunk_id`` may have the name of its variant before it, as pytest prints it (``q4_k_s-book-0012``).
    Raises NothingToFind for a chunk without a finding, ConfigError for a chunk or variant that the run has not.
    """
    with Run.open(path) as run:
        texts = chunks_of_run(run)
        name, chunk = _chunk_of(run, texts, chunk_id, variant)
        attempt = next(a for a in run.attempts(variant=name, arm=Arm.SOAK) if a.chunk_id == chunk.id)
        assert attempt.id is not None
        verdict = run.verdict(attempt.id)
        if verdict is None:
            raise ConfigError(f"{run.run_id}: chunk {chunk.id!r} of {name} was not judged (go on: pytest --resume)")
        finding = _finding_of(run, verdict, chunk, name, fault)
        return CauseTarget(
            run=run.path,
            run_id=run.run_id,
            variant=name,
            attempt=attempt,
            chunk=chunk,
            verdict=verdict,
            finding=finding,
            earlier=_earlier(run, attempt, texts),
            limits=Limits.from_json(run.manifest["limits"][name], f"{path}: limits.{name}"),
            scorers=run.manifest.get("scorers", {}),
        )


def _chunk_of(run: Run, texts: Mapping[str, Chunk], given: str, variant: str | None) -> tuple[str, Chunk]:
    """Return the variant and the chunk that are meant. Raises ConfigError with the nearest names."""
    names = run.variant_names
    if variant is not None and variant not in names:
        raise ConfigError(f"{run.run_id}: no variant {variant!r}{nearest(variant, names)}")
    spoken = {(a.variant, a.chunk_id): a for a in run.attempts(arm=Arm.SOAK)}
    for name in names:
        chunk_id = given.removeprefix(f"{name}-")
        if given not in texts and chunk_id in texts and variant in (None, name):
            given, variant = chunk_id, name
    if given not in texts:
        raise ConfigError(f"{run.run_id}: no chunk {given!r}{nearest(given, texts)}")
    speakers = [name for name in names if (name, given) in spoken and variant in (None, name)]
    if not speakers:
        raise ConfigError(f"{run.run_id}: chunk {given!r} was never spoken{f' by {variant}' if variant else ''}")
    if len(speakers) > 1:
        verdicts = run.verdicts(arm=Arm.SOAK)
        faulty = [name for name in speakers if _has_finding(verdicts.get(spoken[name, given].id or -1))]
        if len(faulty) > 1:
            raise ConfigError(f"{run.run_id}: chunk {given!r} is faulty in {', '.join(faulty)}: choose with --variant")
        speakers = faulty or speakers
    return speakers[0], texts[given]


def _has_finding(verdict: Verdict | None) -> bool:
    return verdict is not None and any(finding.confirmed is not False for finding in verdict.findings)


def _finding_of(run: Run, verdict: Verdict, chunk: Chunk, name: str, fault: str | None) -> Finding:
    """Return the finding to follow. Raises NothingToFind for a chunk that has none."""
    findings = [finding for finding in verdict.findings if finding.confirmed is not False]
    if not findings:
        word = f"not judged ({verdict.reason})" if verdict.word.value == "not judged" else verdict.word.value
        raise NothingToFind(f"{run.run_id}: chunk {chunk.id!r} of {name} is {word}: nothing to find")
    chosen = [finding for finding in findings if fault in (None, finding.fault)]
    if not chosen:
        names = [finding.fault for finding in findings]
        raise ConfigError(
            f"{run.run_id}: chunk {chunk.id!r} of {name} has no finding {fault!r}{nearest(fault or '', names)}"
        )
    return chosen[0]


def _earlier(run: Run, attempt: Attempt, texts: Mapping[str, Chunk]) -> tuple[Earlier, ...]:
    """Return what the same process spoke before, in order, without retries and without texts that were redacted."""
    before = [
        one
        for one in run.attempts(session=attempt.session)
        if one.epoch == attempt.epoch
        and one.sequence < attempt.sequence
        and one.arm == Arm.SOAK
        and one.chunk_id in texts
        and MARK not in texts[one.chunk_id].text
    ]
    return tuple(Earlier(texts[one.chunk_id], one.seed) for one in before)


def living_variant(target: CauseTarget, file: Path | None = None) -> Variant:
    """Return the variant as it can be spoken with now, from the file that declared it (or ``file``).

    Raises ConfigError where it cannot be asked again: a recording, a variant that is gone, a text that was redacted.
    """
    with Run.open(target.run) as run:
        row = next(row for row in run.manifest["variants"] if row["name"] == target.variant)
        computes = [epoch.capabilities.get("computes") for epoch in run.epochs(target.attempt.session)]
    if row.get("adapter") == RECORDED or Computes.NOWHERE in computes:
        raise ConfigError(f"{target.run_id}: {target.variant} is a recording, which cannot be spoken again")
    if MARK in target.chunk.text:
        raise ConfigError(
            f"{target.run_id}: the text of {target.chunk.id!r} was redacted in the record: nothing to speak"
        )
    source = file or Path(str(row.get("source", "")))
    if not source.is_file():
        raise ConfigError(f"{source}: the variants file of {target.run_id} is gone; name it with --variants")
    by_name = {one.name: one for one in load_variants(source)}
    if target.variant not in by_name:
        raise ConfigError(f"{source}: no variant {target.variant!r} any more{nearest(target.variant, by_name)}")
    return by_name[target.variant]


def remember_secrets_of(target: CauseTarget) -> None:
    """Have the values of the variant's secrets taken out of what is written, where its file is still there."""
    with Run.open(target.run) as run:
        row = next(row for row in run.manifest["variants"] if row["name"] == target.variant)
    source = Path(str(row.get("source", "")))
    with contextlib.suppress(ConfigError):
        for variant in load_variants(source) if source.is_file() else ():
            remember_secrets(secrets_in(variant.settings))
