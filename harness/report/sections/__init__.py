"""A section for what a suite asked: its question, the answer in one sentence, a picture, and its tables.

Tables are those that the experiment wrote (``results.md``), so that a new suite has a section of its own from the first
day; its question and its picture are what the suite declares.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from harness.core.documents import read_json
from harness.core.errors import ConfigError
from harness.core.records import Claim, Json
from harness.core.suites import suite_of
from harness.report.sections.tables import Block, blocks
from harness.store import Run


@dataclass(frozen=True)
class Section:
    """What the page shows of an experiment. ``drawings``: (title, SVG element)."""

    question: str
    answer: str
    drawings: Sequence[tuple[str, str]] = ()
    blocks: Sequence[Block] = field(default_factory=tuple)


def section(run: Run) -> Section | None:
    """Return the section of the run's suite; None for a soak, which the rest of the page is about."""
    suite = run.suite
    claims = run.claims()
    results, table = _results(run), run.path / "results.md"
    declared = suite_of(suite)
    if declared.is_soak and not table.is_file():
        return None
    text = table.read_text(encoding="utf-8", errors="replace") if table.is_file() else ""
    return Section(
        declared.question or suite.replace("-", " ").capitalize(),
        answer(claims),
        declared.draw(results, claims),
        blocks(text),
    )


def answer(claims: Sequence[Claim]) -> str:
    """Return one sentence: what does not hold, with its figures, then what holds and what could not be said."""
    if not claims:
        return "The run came to no claim."
    names = list(dict.fromkeys(claim.variant for claim in claims))
    failed = [claim for claim in claims if claim.passed is False]
    bad = list(dict.fromkeys(claim.variant for claim in failed))
    fine = [n for n in names if n not in bad and any(c.passed for c in claims if c.variant == n)]
    silent = [name for name in names if name not in bad and name not in fine]
    parts = []
    for name in bad[:4]:
        mine = [claim for claim in failed if claim.variant == name]
        more = f" (and {len(mine) - 1} more)" if len(mine) > 1 else ""
        parts.append(f"{name} fails: {mine[0].statement}{more}")
    if len(bad) > 4:
        parts.append(f"{', '.join(bad[4:])} fail too")
    if fine:
        lead = next(claim for claim in claims if claim.variant == fine[0] and claim.passed)
        told = f": {lead.statement}" if len(fine) == 1 and not bad else ""
        parts.append(f"every claim that could be decided holds for {', '.join(fine)}{told}")
    if silent:
        parts.append(f"nothing could be decided for {', '.join(silent)}")
    text = "; ".join(parts)
    return f"{text if bad else text[:1].upper() + text[1:]}."


def _results(run: Run) -> Json:
    """Return what the experiment wrote beside the journal; empty where it is not there (any more)."""
    try:
        data: object = read_json(run.path / "results.json", "results")
    except ConfigError:
        return {}
    return data if isinstance(data, dict) else {}


__all__ = ["Section", "answer", "section"]
