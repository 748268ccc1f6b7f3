"""The part of docs/sensitivity.md about first runs: no reference, no calibration, the run as its own reference."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from harness import stats
from harness.core.records import Json
from harness.experiments.sensitivity.figures import from_json
from harness.experiments.sensitivity.table import recall_table

BEGIN, END = "<!-- first runs: begin -->", "<!-- first runs: end -->"
LEVEL = 0.95
INTRODUCTION = """## First runs: no reference, no calibration

Written by `python -m tools.sensitivity first-runs` from `own` (an engine's clips as one run, copies of them held
against its other chunks: the path of the final verdicts) and `held-out` (every healthy voice as a first run of its
own). The priors were fitted without the engine in question.

Not reached yet: 4 false alarms in 1,000 on held-out voices; `robotic` in a voice that is rough by nature (Piper joe).
Not measured here: classes that rest on words, tokens or the speaker, other engines, faulty shares on real clips.
"""


def place(docs: Path, own: Sequence[Path], held_out: Path | None) -> None:
    """Put the part into the page, in the place of the one before, else at its end."""
    text = docs.read_text(encoding="utf-8")
    parts = [INTRODUCTION, *(_alarms(_load(path)) for path in [held_out] if path is not None)]
    parts += [_engine(_load(path)) for path in own]
    made = f"{BEGIN}\n" + "\n".join(parts).rstrip() + f"\n{END}\n"
    before, found, rest = text.partition(BEGIN)
    after = rest.partition(END)[2].lstrip("\n") if found else ""
    docs.write_text(before.rstrip() + "\n\n" + made + ("\n" + after if after else ""), encoding="utf-8")


def kept(docs: Path) -> str:
    """Return the part as it stands in the page, empty where there is none."""
    text = docs.read_text(encoding="utf-8") if docs.is_file() else ""
    _, found, rest = text.partition(BEGIN)
    return f"{BEGIN}{rest.partition(END)[0]}{END}\n" if found else ""


def _load(path: Path) -> Json:
    loaded: Json = json.loads(path.read_text(encoding="utf-8"))
    return loaded


def _alarms(found: Json) -> str:
    rate = f"{1000 * found['alarmed'] / found['chunks']:.1f}"
    interval = f"{1000 * found['low']:.1f} to {1000 * found['high']:.1f}"
    lines = [
        "### False alarms on healthy voices",
        "",
        f"{found['date']}: {found['alarmed']} of {found['chunks']} chunks of {len(found['voices'])} voices raise an "
        f"alarm, {rate} in 1,000 (95% interval {interval}). Waveform, pace and speaker; no words.",
        "",
        "| voice | chunks | with an alarm |",
        "| --- | --- | --- |",
        *(f"| {name.replace('_', ' ')} | {v['chunks']} | {v['alarmed']} |" for name, v in found["voices"].items()),
        "",
        *(f"- {one['voice'].replace('_', ' ')}, `{one['chunk']}`: {'; '.join(one['why'])}" for one in found["listed"]),
        "",
    ]
    return "\n".join(lines)


def _engine(found: Json) -> str:
    low, high = stats.clopper_pearson(found["alarmed"], found["chunks"], LEVEL)
    heard = found["scorers"].get("intelligibility", {}).get("asr")
    lines = [
        f"### {found['engine']}",
        "",
        f"{found['date']}, seed {found['seed']}: a run of {found['chunks']} chunks ({found['language']}), priors of "
        f"{found['prior_voices']} other voices; scorers {', '.join(sorted(found['scorers']))}"
        f"{f', words heard by {heard}' if heard else ''}. "
        f"{found['alarmed']} of {found['chunks']} healthy chunks raise an alarm ({low:.1%} to {high:.1%}).",
        "",
        *(f"- `{one['chunk']}`: {'; '.join(one['why'])}" for one in found["listed"]),
        *([""] if found["listed"] else []),
        *recall_table(from_json(found["rows"])),
        "",
        *(_shares(found["shares"]) if found["shares"] else []),
    ]
    return "\n".join(lines)


def _shares(rows: Sequence[Json]) -> list[str]:
    """One line a class: found of those struck, at each share of faulty chunks in the run."""
    shares = sorted({row["share"] for row in rows})
    heads = ["class", "made by", *(f"{share:.0%} faulty" for share in shares)]
    lines = [
        "Copies in the place of a share of the chunks, the run fitted with them in it: found / struck; alarms on the "
        "other chunks; `?` where the run says that it cannot tell what is healthy.",
        "",
        "| " + " | ".join(heads) + " |",
        "| " + " | ".join(["---"] * len(heads)) + " |",
    ]
    for name, injector in dict.fromkeys((row["fault"], row["injector"]) for row in rows):
        cells = {row["share"]: row for row in rows if (row["fault"], row["injector"]) == (name, injector)}
        shown = [_share(cells[share]) if share in cells else "-" for share in shares]
        lines.append("| " + " | ".join([name, "" if injector == name else injector, *shown]) + " |")
    return [*lines, ""]


def _share(row: Json) -> str:
    told = "" if row["can_tell"] else " ?"
    return f"{row['named']}/{row['struck']}; {row['alarmed']}{told}"
