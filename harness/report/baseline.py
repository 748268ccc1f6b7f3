"""Baselines: promoted runs kept as small files, and the comparison of a run with one and with the runs before it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TypedDict, cast

from harness.core.durable import write_whole
from harness.core.errors import ConfigError, StoreError, nearest
from harness.core.paths import SUITES, baseline_folders
from harness.core.records import Claim
from harness.report.compare import compare_runs, only, pool
from harness.report.digest import Digest, digest
from harness.report.gates import Gates
from harness.store import Run, list_runs

COMPARISON = "comparison.json"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def promote(run_path: Path, name: str, reports: Path) -> Path:
    """Write ``reports/baselines/NAME.json`` from a finished run. Raises ConfigError for what cannot be one."""
    if not _NAME.fullmatch(name):
        raise ConfigError(f"{name!r} cannot name a baseline: letters, digits, '.', '_' and '-', at most 64")
    with Run.open(run_path) as run:
        if run.status != "finished":
            raise ConfigError(f"{run_path.name}: is {run.status}, only a finished run can be a baseline")
        record = digest(run, name)
    if not record.judged:
        raise ConfigError(f"{run_path.name}: nothing was judged in it, so nothing can be compared with it")
    path = baseline_folders(reports)[0] / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(record.to_json(), separators=(",", ":"), allow_nan=False).replace('},"', '},\n"')
    write_whole(path, text + "\n")
    return path


def read_baseline(name: str, reports: Path) -> Digest:
    """Return a baseline by name: of ``reports``, else of the clone. Raises ConfigError with the nearest name."""
    folders = baseline_folders(reports)
    for path in (folder / f"{name}.json" for folder in folders if _NAME.fullmatch(name)):
        if path.is_file():
            return Digest.load(path)
    names = [file.stem for folder in folders for file in folder.glob("*.json")]
    raise ConfigError(f"{folders[0]}: no baseline {name!r}{nearest(name, names)}")


class ComparedClaim(TypedDict):
    """One claim of a comparison, as it is written."""

    name: str
    variant: str
    passed: bool | None
    statement: str
    value: float | None
    interval: list[float] | None
    margin: float | None
    count: int | None
    details: Mapping[str, object]


class Comparison(TypedDict):
    """A run beside a baseline and the runs before it, as it is written; ``claims`` by what it is compared with."""

    run_id: str
    gate: bool
    judged: int
    failed: bool
    claims: dict[str, list[ComparedClaim]]
    left_out: list[str]


def compare_with_baseline(
    run_path: Path, baseline: Digest | None, reports: Path, gates: Gates, *, asked: bool = True
) -> Comparison:
    """Compare a run with a baseline and with the last runs of its kind; write and return ``comparison.json``.

    Raises ConfigError where the baseline is of another suite or corpus; unless it was not ``asked`` for by name: then
    it is left out, and the result says so.
    """
    with Run.open(run_path) as run:
        now = digest(run)
    sets = []
    unlike = []
    if baseline is not None and (baseline.suite, baseline.corpus.sha256) != (now.suite, now.corpus.sha256):
        why = f"baseline {baseline.name!r} is of {_of(baseline)}, the run is of {_of(now)}: they cannot be compared"
        if asked:
            raise ConfigError(why)
        unlike.append(why)
    elif baseline is not None:
        sets.append(("baseline", baseline))
    before, problems = _before(now, reports, gates.last)
    claims = {kind: [_json(claim) for claim in compare_runs(now, other, gates)] for kind, other in sets}
    if before:
        claims["last runs"] = [_json(claim) for claim in _against_last(now, before, gates)]
    failed = [claim for compared in claims.values() for claim in compared if claim["passed"] is False]
    result: Comparison = {
        "run_id": now.run_id,
        "gate": gates.gate,
        "judged": now.judged,
        "failed": bool(gates.gate and failed) or not now.judged,
        "claims": claims,
        "left_out": [*unlike, *problems],
    }
    (run_path / COMPARISON).write_text(json.dumps(result, indent=1, allow_nan=False), encoding="utf-8")
    return result


def _of(one: Digest) -> str:
    return f"{one.suite} on {one.corpus.name} ({one.corpus.sha256[:12]})"


def _against_last(now: Digest, before: Mapping[str, Sequence[Digest]], gates: Gates) -> list[Claim]:
    """Each variant against the last runs that spoke it too."""
    claims: list[Claim] = []
    for variant, those in before.items():
        pooled = pool([only(one, variant) for one in those], f"the last {len(those)} runs")
        claims += compare_runs(only(now, variant), pooled, gates)
    return claims


def _before(now: Digest, reports: Path, last: int) -> tuple[dict[str, list[Digest]], list[str]]:
    """By variant, up to ``last`` finished runs before this one that can be compared with it, oldest first.

    They are of the same suite and corpus, have the variant, and were heard by the same recognizer.
    """
    earlier: dict[str, list[Digest]] = {name: [] for name in now.variants}
    problems: list[str] = []
    otherwise = 0
    for info in reversed(list_runs(reports)):
        if all(len(those) == last for those in earlier.values()):
            break
        if info.run_id == now.run_id or info.created_utc >= now.created_utc or info.status != "finished":
            continue
        try:
            one = _alike(info.path, now)
        except StoreError as error:
            problems.append(str(error))
            continue
        if one is None:
            continue
        if one.recognizer != now.recognizer:
            otherwise += 1
            continue
        for name, those in earlier.items():
            if name in one.variants and len(those) < last:
                those.insert(0, one)
    if otherwise:
        problems.append(f"{otherwise} earlier runs, which were not heard by {now.recognizer}")
    return {name: those for name, those in earlier.items() if those}, problems


def _alike(path: Path, now: Digest) -> Digest | None:
    """Return a run in little, if it is of the same suite and corpus and has one of the same variants."""
    with Run.open(path) as run:
        names = set(run.variant_names)
        same = (run.suite, run.manifest["corpus"]["sha256"]) == (now.suite, now.corpus.sha256)
        return digest(run) if same and names & set(now.variants) else None


def gates_of(limits: Path | None) -> Gates:
    """Return the margins of a named file, else of ``suites/nightly/limits.toml``, else the defaults."""
    usual = SUITES / "nightly" / "limits.toml"
    return Gates.load(limits if limits is not None else (usual if usual.is_file() else None))


def comparison_lines(result: Comparison) -> list[str]:
    """Return the comparison for a terminal: a line a claim, what fails first."""
    order = {False: 0, None: 1, True: 2}
    words = {False: "FAILS", None: "open", True: "ok"}
    text = []
    for kind, claims in result["claims"].items():
        text.append(f"against the {kind}:")
        for claim in sorted(claims, key=lambda claim: order[claim["passed"]]):
            text.append(f"  {words[claim['passed']]:<6}{claim['variant']}: {claim['name']}: {claim['statement']}")
    if not result["claims"]:
        text.append("there is no baseline and no earlier run of this suite and corpus to compare with")
    if not result["judged"]:
        text.append("NOTHING WAS JUDGED: this run says nothing about the backend")
    text += [f"left out: {problem}" for problem in result["left_out"]]
    if not result["gate"]:
        text.append("report only: nothing above fails the job (gates.gate = false)")
    return text


def _json(claim: Claim) -> ComparedClaim:
    interval = list(claim.interval) if claim.interval is not None else None
    return cast(ComparedClaim, {**asdict(claim), "interval": interval})
