"""All that a bundle holds of one finding, read from the run's store; nothing of the run's other chunks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.causes.runs import FOLDER, runs_of_suite
from harness.causes.shrink.outcome import ShrinkOutcome
from harness.causes.standard import RunStandard
from harness.causes.target import CauseTarget
from harness.core.documents import parse_model, read_json
from harness.core.records import Arm, Attempt, Json, Payloads, Samples, VerdictWord
from harness.core.records.answered import StoredCapabilities
from harness.core.records.payloads import TranscriptPayload
from harness.report.material import ReportRow
from harness.report.review import sound
from harness.report.scores import Score, judged_scores
from harness.store import Run
from harness.store.manifest import Manifest, Provenance, StoredVariant, fingerprint_part
from harness.verdicts.this_run import OwnBound

_REPLAYS = {Arm.REPLAY_SAME_SEED: "replay, same seed", Arm.REPLAY_NEW_SEED: "replay, new seed"}


@dataclass(frozen=True)
class BundledTake:
    """One rendition of the chunk. ``file``: its audio in the bundle; ``shows``: None where it was not judged."""

    label: str
    attempt: Attempt
    word: str
    shows: bool | None
    heard: str | None
    file: str | None
    audio: tuple[Samples, int] | None


@dataclass(frozen=True)
class BundleMaterial:
    """What is known of a finding, before it is written down."""

    target: CauseTarget
    takes: Sequence[BundledTake]  # as found, its replays, the reference
    hearing: TranscriptPayload  # payload of the recognizer, empty where nobody listened
    second: str | None  # what the second recognizer heard
    scores: Sequence[Score]
    own: Mapping[str, OwnBound]  # what the run's other chunks allowed this one
    of_run: tuple[int, int]  # chunks with this class of fault, chunks judged
    variant: StoredVariant  # as the manifest describes it
    capabilities: StoredCapabilities
    models: Mapping[str, object]  # name -> SHA-256
    provenance: Provenance
    run: Json  # id, suite, created_utc, harness, corpus
    reference: str | None
    shrink: tuple[Path, ShrinkOutcome] | None
    bisects: Sequence[tuple[str, str]]  # run id, table in Markdown

    @property
    def as_found(self) -> BundledTake:
        """Return the rendition that was found faulty."""
        return self.takes[0]

    @property
    def compared(self) -> BundledTake | None:
        """Return what its tokens are set against: the reference's, else a replay's with the same seed."""
        others = [one for one in self.takes[1:] if one.attempt.tokens is not None]
        references = [one for one in others if one.attempt.variant != self.target.variant]
        return next(iter([*references, *others]), None)


def gather(target: CauseTarget, reports: Path) -> BundleMaterial:
    """Read everything of a finding. Raises StoreError for a damaged run."""
    own = RunStandard(target, None).allowed(target.attempt.id)
    with Run.open(target.run) as run:
        manifest = run.manifest
        attempt, name = target.attempt, target.variant
        assert attempt.id is not None
        measurements = run.observations(attempt.id)
        row = ReportRow(target.chunk.position, attempt, target.verdict)
        epochs = [one for one in run.epochs(attempt.session) if one.epoch == attempt.epoch]
        return BundleMaterial(
            target=target,
            takes=_takes(run, target),
            hearing=Payloads(measurements).or_empty("intelligibility"),
            second=Payloads(measurements).or_empty("second_opinion").get("text"),
            scores=judged_scores(run, target.limits, row, target.chunk.expected_text),
            own=own,
            of_run=_of_run(run, target),
            variant=next(one for one in manifest["variants"] if one["name"] == name),
            capabilities=epochs[0].capabilities if epochs else {},
            models=fingerprint_part(manifest.get("fingerprint"), "models").get(name, {}),
            provenance=manifest["provenance"],
            run={key: manifest.get(key) for key in ("run_id", "suite", "created_utc", "harness")},
            reference=_reference(run, name),
            shrink=_shrunk(target, reports),
            bisects=_bisected(target, reports),
        )


def _reference(run: Run, variant: str) -> str | None:
    name = run.manifest.get("references", {}).get(variant) or run.manifest.get("reference")
    return str(name) if name and name != variant else None


def _takes(run: Run, target: CauseTarget) -> list[BundledTake]:
    """Return the chunk as found, its replays, and the reference on the same text where it ran along."""
    labelled = [("as found", target.attempt)]
    sessions = {row.id for row in run.sessions() if row.details.get("of") == target.attempt.id}
    replays = [a for a in run.attempts(variant=target.variant) if a.session in sessions and a.arm in _REPLAYS]
    labelled += [(_label(number, one), one) for number, one in enumerate(replays)]
    reference = _reference(run, target.variant)
    if reference is not None:
        others = run.attempts(variant=reference, arm=Arm.SOAK)
        labelled += [(f"reference {reference}", one) for one in others if one.chunk_id == target.chunk.id]
    return [_take(run, target, number, *one) for number, one in enumerate(labelled)]


def _label(number: int, attempt: Attempt) -> str:
    return f"{_REPLAYS[Arm(attempt.arm)]}{f' {number}' if attempt.arm == Arm.REPLAY_NEW_SEED else ''}"


def _take(run: Run, target: CauseTarget, number: int, label: str, attempt: Attempt) -> BundledTake:
    assert attempt.id is not None
    verdict, heard = run.verdict(attempt.id), sound(run, attempt)
    judged = verdict is not None and verdict.word is not VerdictWord.NOT_JUDGED
    classes = {finding.fault for finding in verdict.findings} if verdict is not None else set()
    name = f"audio/{number:02d}-{'-'.join(label.replace(',', '').split())}.wav"
    return BundledTake(
        label=label,
        attempt=attempt,
        word=verdict.word.value if verdict is not None else "not judged",
        shows=target.finding.fault in classes if judged else None,
        heard=Payloads(run.observations(attempt.id)).or_empty("intelligibility").get("text"),
        file=name if heard is not None else None,
        audio=heard,
    )


def _of_run(run: Run, target: CauseTarget) -> tuple[int, int]:
    verdicts = [v for v in run.verdicts(variant=target.variant, arm=Arm.SOAK).values() if v.word.judged]
    classes = [{f.fault for f in verdict.findings if f.confirmed is not False} for verdict in verdicts]
    return sum(target.finding.fault in names for names in classes), len(verdicts)


def _shrunk(target: CauseTarget, reports: Path) -> tuple[Path, ShrinkOutcome] | None:
    """Return the newest shrink of this finding, if there is one."""
    for path, manifest in _others(reports, "shrink"):
        asked, file = manifest.get("experiment", {}).get("shrink", {}), path / "results.json"
        finding = {"run": target.run_id, "chunk": target.chunk.id, "fault": target.finding.fault}
        same = all(asked.get(key) == value for key, value in finding.items())
        if same and manifest["variants"][0]["name"] == target.variant and file.is_file():
            data = read_json(file, "results")
            if "smallest" in data:
                return path, parse_model(ShrinkOutcome, data, str(file))
    return None


def _bisected(target: CauseTarget, reports: Path) -> list[tuple[str, str]]:
    """Return the newest bisection of the variant, as its table."""
    for path, manifest in _others(reports, "bisect"):
        named = any(one["name"] == target.variant for one in manifest["variants"])
        if named and (path / "results.md").is_file():
            return [(path.name, (path / "results.md").read_text(encoding="utf-8", errors="replace"))]
    return []


def _others(reports: Path, suite: str) -> Iterator[tuple[Path, Manifest]]:
    for folder in (reports / FOLDER, reports):
        yield from runs_of_suite(folder, suite)
