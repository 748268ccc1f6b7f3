"""Renders the figures of ``evaluation.json`` as the table of the model card."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

COLUMNS = ("utterances", "wer", "cap_hits", "misaligned", "times_real_time")


def _cell(value: Any) -> str:
    return "not measured" if value is None else f"{value:.3f}" if isinstance(value, float) and value < 1 else str(value)


def table(evaluation: Path) -> str:
    """Return a Markdown table: a row for each model, speaker and set of texts."""
    evaluated = json.loads(evaluation.read_text(encoding="utf-8"))
    lines = ["| model | texts | " + " | ".join(COLUMNS) + " |", "|---" * (len(COLUMNS) + 2) + "|"]
    for model, sets in evaluated.items():
        for name, figures in sets.items():
            lines.append(f"| {model} | {name} | " + " | ".join(_cell(figures[c]) for c in COLUMNS) + " |")
    return "\n".join(lines) + "\n"


def write(out: Path) -> None:
    """Write ``CARD.md`` beside the voice: provenance, licence, figures."""
    voice = json.loads((out / "voice.json").read_text(encoding="utf-8"))
    head = f"# Voice {voice['name']}\n\n{voice['licence']}\n\nMade by: {voice['provenance']}\n\n"
    note = "WER is Whisper tiny.en's on held-out texts; times real time counts CPU time with front end and decoder.\n\n"
    (out / "CARD.md").write_text(head + note + table(out / "evaluation.json"), encoding="utf-8")
