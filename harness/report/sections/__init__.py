"""A section for what a suite asked: its question, the answer in one sentence, a picture, and its tables (layer 4).

Tables are those that the experiment wrote (``results.md``), so that a new suite has a section of its own from the first
day; a picture is drawn where this room knows what the figures of the suite mean.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.core.documents import read_json
from harness.core.errors import ConfigError
from harness.core.records import Claim, Json
from harness.report.sections import figures, matrices
from harness.report.sections.tables import Block, blocks
from harness.store import Run

QUESTIONS: Mapping[str, str] = {
    "canary": "Would a fault have been seen?",
    "determinism": "Does the same text with the same seed always give the same speech?",
    "isolation": "In which part does the fault sit?",
    "ladder": "From what length on does it break?",
    "parity": "Do two implementations compute the same?",
    "quantization": "What did the quantization cost?",
    "sensitivity": "How weak a fault would have been seen?",
    "sentences": "What did the quantization cost on single sentences?",
    "sweep": "At which settings is it safe?",
}
_DRAWINGS: Mapping[str, Callable[[Json, Sequence[Claim]], list[tuple[str, str]]]] = {
    "canary": matrices.found,
    "determinism": matrices.shares,
    "isolation": matrices.holds,
    "ladder": figures.plot_lengths,
    "parity": figures.plot_stages,
    "quantization": figures.cost,
    "sensitivity": figures.recall,
    "sentences": figures.cost,
    "sweep": matrices.grid,
}


@dataclass(frozen=True)
class Section:
    """What the page shows of an experiment. ``drawings``: (title, SVG element)."""

    question: str
    answer: str
    drawings: Sequence[tuple[str, str]] = ()
    blocks: Sequence[Block] = field(default_factory=tuple)


def section(run: Run) -> Section | None:
    """The section of the run's suite; None for a soak, which the rest of the page is about."""
    suite = str(run.manifest["suite"])
    claims = run.claims()
    results, table = _results(run), run.path / "results.md"
    if suite not in QUESTIONS and not table.is_file():
        return None
    draw = _DRAWINGS.get(suite)
    text = table.read_text(encoding="utf-8", errors="replace") if table.is_file() else ""
    return Section(
        QUESTIONS.get(suite, suite.replace("-", " ").capitalize()),
        answer(claims),
        draw(results, claims) if draw is not None else [],
        blocks(text),
    )


def answer(claims: Sequence[Claim]) -> str:
    """One sentence: what does not hold, with its figures, then what holds and what could not be said."""
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
    """What the experiment wrote beside the journal; empty where it is not there (any more)."""
    try:
        data: Any = read_json(run.path / "results.json", "results")
    except ConfigError:
        return {}
    return data if isinstance(data, dict) else {}


__all__ = ["QUESTIONS", "Section", "answer", "section"]
