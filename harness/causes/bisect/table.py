"""The tables of a bisect, and its results as plain JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping

from harness.causes.bisect.listening import HeardOutcome
from harness.causes.bisect.settings import SettingsReport, settings_statement
from harness.causes.bisect.verdict import BisectReport, megabytes, statement
from harness.core.records import Json
from harness.experiments.stage import markdown_table

_SHOWN = 20  # single parts in the table


def bisect_results(report: BisectReport) -> Json:
    """Return everything as plain JSON; what is not finite is None."""
    search = report.search
    return {
        "variant": report.variant,
        "reference": report.reference,
        "word": report.word.value,
        "statement": statement(report),
        "restored": sorted(report.restored or ()),
        "cost_bytes": sum(report.costs.get(name, 0) for name in report.restored or ()),
        "line": report.line,
        "hybrid": report.hybrid,
        "parts_are": report.terms.noun,
        "unit": report.terms.unit,
        "speech_tokens": report.speech_tokens,
        "before": _finite(search.before),
        "target": search.target,
        "after": _finite(search.after),
        "everything": _finite(search.everything),
        "complete": search.complete,
        "groups": {name: _finite(left) for name, left in search.groups.items()},
        "parts": {name: _finite(left) for name, left in search.parts.items()},
        "candidates": [{"restored": sorted(names), "left": _finite(left)} for names, left in search.candidates],
        "rules": [{"rule": one.rule, "restored": sorted(one.names), "left": _finite(one.left)} for one in report.rules],
        "problems": dict(report.problems),
        "metadata": list(report.metadata),
        "sizes": dict(report.sizes),
        "worse_p_value": report.worse,
        "heard": {name: one.to_json() for name, one in report.heard.items()},
        "tried": [{"restored": sorted(names), **one.to_json()} for names, one in report.tried],
        "verified": {name: one.to_json() for name, one in report.verified.items()},
        "unconfirmed": [
            {"restored": sorted(names), "heard": {name: one.to_json() for name, one in outcomes.items()}}
            for names, outcomes in report.unconfirmed
        ],
        "within_margin": report.verification,
    }


def bisect_table(report: BisectReport) -> str:
    """Return the verdict, the ranking and what was heard, as Markdown."""
    parts = [f"**{statement(report)}**\n"]
    if report.line and not report.search.nothing:
        parts.append(f"    {report.line}\n")
    if report.search.groups:
        parts.append(_ranking("group", report, report.search.groups))
    if report.search.parts:
        parts.append(_ranking(report.terms.noun[:-1], report, report.search.parts))
    if report.search.candidates:
        told = report.terms.told
        rows = [
            [report.terms.named(names, report.costs), str(len(names)), megabytes(_cost(report, names)), told(left)]
            for names, left in report.search.candidates
        ]
        for one in report.rules:
            rows.append([one.rule, str(len(one.names)), megabytes(_cost(report, one.names)), told(one.left)])
        parts.append(markdown_table(["set", report.terms.noun, "cost", "what stays"], rows) + "\n")
    tried = {f"{len(names)} restored": one for names, one in report.tried}
    parts += _heard_tables(report, "texts that failed in the search", tried)
    for names, outcomes in report.unconfirmed:
        parts.append(heard_table(f"not confirmed: {len(names)} restored, on texts of their own", outcomes))
    return "\n".join(parts)


def settings_table(report: SettingsReport) -> str:
    """Return the verdict and what was heard of every trial, as Markdown."""
    tried = {", ".join(keys): one for keys, one in report.tried}
    parts = _heard_tables(report, "put right, on the texts that failed", tried)
    return "\n".join([f"**{settings_statement(report)}**\n", *parts])


def _heard_tables(report: BisectReport | SettingsReport, head: str, tried: Mapping[str, HeardOutcome]) -> list[str]:
    """Return what was heard in the search, of what was tried under ``head``, and on new texts."""
    parts = [("texts of the search", report.heard), (head, tried), ("texts not used in the search", report.verified)]
    return [heard_table(name, outcomes) for name, outcomes in parts if outcomes]


def _ranking(what: str, report: BisectReport, left: Mapping[str, float]) -> str:
    ordered = sorted(left, key=lambda name: left[name])[:_SHOWN]
    gain, told = report.search.gain, report.terms.told
    rows = [[name, told(left[name]), f"{gain(left[name]):.1%}"] for name in ordered]
    return markdown_table([f"{what} restored alone", "what stays", "gone"], rows) + "\n"


def heard_table(head: str, outcomes: Mapping[str, HeardOutcome]) -> str:
    """Return faulty of judged with exact intervals, and WER, one voice a row."""
    rows = []
    for name, one in outcomes.items():
        row = one.to_json()
        wer = "-" if row["wer"] is None else f"{row['wer']:.3f} ({row['errors']}/{row['words']})"
        rows.append([name, f"{one.count}/{one.judged}", f"{row['low']:.1%} to {row['high']:.1%}", wer])
    return markdown_table([head, "faulty", "95%", "WER"], rows) + "\n"


def _cost(report: BisectReport, names: frozenset[str]) -> int:
    return sum(report.costs.get(name, 0) for name in names)


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
