"""The run table: one attempt a row, every score a column. Whoever wants a run as rows takes them from here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

from harness.core.errors import need_packages
from harness.core.records import Arm, Attempt, Json, Measurement, Status, Verdict, VerdictWord
from harness.store.run import Run

if TYPE_CHECKING:
    import pandas as pd

_SKIPPED = {"embedding", "words", "alignment", "spans", "codebooks", "reference", "hypothesis"}  # not figures
_MOST_DEPTH = 3
_IDENTITY = {"session", "epoch", "sequence", "chunk_id", "variant", "arm", "take", "seed", "outcome", "id"}
_INNER = {"audio_sha256", "sample_rate", "tokens", "stderr_tail", "notes"}  # for whoever opens the run itself
_AS_STORED = tuple(one.name for one in fields(Attempt) if one.name not in _IDENTITY | _INNER)


def attempt_rows(run: Run, *, arms: tuple[str, ...] = (Arm.SOAK,)) -> Iterator[Json]:
    """Yield a row an attempt, in order of requests: identity, verdict, process, and ``scorer.key`` of every score.

    Values are plain JSON; what was not measured is None, with ``scorer.status`` and ``scorer.reason`` saying why.
    """
    chunks = {chunk.id: chunk for chunk in run.chunks}
    verdicts = run.verdicts()
    for attempt in run.attempts():
        if attempt.arm not in arms or attempt.id is None:
            continue
        chunk = chunks.get(attempt.chunk_id)
        row: Json = {
            "run_id": run.run_id,
            "variant": attempt.variant,
            "chunk_id": attempt.chunk_id,
            "arm": str(attempt.arm),
            "take": attempt.take,
            "sequence": attempt.sequence,
            "epoch": attempt.epoch,
            "seed": attempt.seed,
            **_judged(verdicts.get(attempt.id)),
            "outcome": attempt.outcome.value,
            **{name: getattr(attempt, name) for name in _AS_STORED},
            "text": chunk.text if chunk is not None else None,
            "expected": chunk.expected or None if chunk is not None else None,
        }
        for scorer, measurement in sorted(run.observations(attempt.id).items()):
            row.update(_scores(scorer, measurement))
        yield row


def run_table(path: Path, *, arms: tuple[str, ...] = (Arm.SOAK,)) -> pd.DataFrame:
    """Return the rows of a run as a table, a row an attempt; ``attrs["run"]`` is the path of the run.

    Raises StoreError where there is no run, or one that cannot be read.
    """
    import pandas as pd

    with Run.open(path) as run:
        table = pd.DataFrame(list(attempt_rows(run, arms=arms)))
    table.attrs["run"] = str(path)
    return table


def write_parquet(table: pd.DataFrame, path: Path) -> None:
    """Write a run table as Parquet. Raises MissingExtra without pyarrow; a cell that is mixed becomes text."""
    import pandas as pd

    need_packages("'tts-soak[parquet]'", "pyarrow")
    plain = table.copy()
    for name in plain.select_dtypes("object").columns:
        if pd.api.types.infer_dtype(plain[name], skipna=True) not in ("string", "boolean", "empty"):
            plain[name] = plain[name].map(lambda value: None if value is None else str(value))
    plain.attrs = {}
    plain.to_parquet(path, index=False)


def _judged(verdict: Verdict | None) -> Json:
    findings = [finding for finding in verdict.findings if finding.confirmed is not False] if verdict else []
    return {
        "verdict": (verdict.word if verdict is not None else VerdictWord.NOT_JUDGED).value,
        "faults": ";".join(dict.fromkeys(finding.fault for finding in findings)),
        "confirmed": any(finding.confirmed for finding in findings) if findings else None,
        "reason": verdict.reason if verdict is not None else "no verdict",
    }


def _scores(scorer: str, seen: Measurement) -> Json:
    row: Json = {f"{scorer}.status": seen.status.value}
    if seen.status is not Status.OK:
        row[f"{scorer}.reason"] = seen.reason
    for number, book in enumerate(seen.tokens.get("codebooks") or ()):
        row.update({f"{scorer}.codebook{number}.{key}": value for key, value in book.items()})
    row.update(_flat(seen.payload, scorer, 1))
    return row


def _flat(payload: Json, prefix: str, depth: int) -> dict[str, object]:
    row: dict[str, object] = {}
    for key, value in payload.items():
        name = f"{prefix}.{key}"
        if key in _SKIPPED:
            continue
        if isinstance(value, dict) and depth < _MOST_DEPTH:
            row.update(_flat(value, name, depth + 1))
        elif isinstance(value, list) and len(value) <= 2 and all(isinstance(v, int | float) for v in value):
            row.update({f"{name}.{index}": part for index, part in enumerate(value)})
        elif not isinstance(value, dict | list):
            row[name] = value
    return row
