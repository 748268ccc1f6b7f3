"""The part of docs/sensitivity.md about first runs: no reference, no calibration, the run as its own reference."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from harness import stats
from harness.core.records import Json
from harness.experiments.sensitivity.figures import RecallRow, from_json
from harness.experiments.sensitivity.table import recall_table, rows_by_injector
from tools.sensitivity.remake import FIRST_RUNS, figures_of, held_out_of

BEGIN, END = "<!-- first runs: begin -->", "<!-- first runs: end -->"
LEVEL = 0.95
WANTED = ((80, 0.95), (0, 0.85))  # copies, and the lower bound that such a row has to reach
LEAST_RECALL = 0.8
INTRODUCTION = """## First runs: no reference, no calibration

Written by `python -m tools.sensitivity first-runs` from `own` (an engine's clips as one run, copies of them held
against its other chunks: the path of the final verdicts) and `held-out` (every healthy voice as a first run of its
own). `measure-voices` speaks and scores the voices once, `priors` fits on those that it keeps. The priors that judge a
voice are fitted without its engine; every person counts as an engine.

Voices are split. On the deciding ones priors are fitted and rules were chosen, with their alarms looked at one by one.
The reporting ones took part in neither: other paces, pitches, speakers, languages and texts, of engines that are left
out of the priors. They were named before they were measured. After they were first judged three rules were changed for
recall on Piper (holes at a quarter of their places, half the rate of a low voice, groups far apart): the same three
alarms before and after. Voices whose alarms led to a change are deciding ones since, and others were named:

- 29 of 1,460 (2026-11-28): clicks where a soft sound begins out of silence, steps that keep time by chance, a text of
  14 words called robotic, and 18 in `festival ked`, whose samples overflow.
- 61 of 1,183 (2026-11-29): 48 in three voices whose samples overflow (`flite awb low slow`, Festival's Italian `lp`
  and `pc`: steps of up to 1.99 of full scale), Czech and German sentences without an s called muffled, gaps that keep
  time by chance, one word at a wrong rate.

What overflows is broken and named rightly; those four voices are neither healthy ones nor in the priors.

Short of what is wanted: `robotic` in a low voice (Piper joe), another speaker of much the same sound (`shifted`) in
short texts, short texts that are muffled or of another level, clicks within loud fricatives. Where 30% of the chunks
have one fault it is doubted in every class; a wrong rate and another speaker are a voice of their own then, whose
chunks are not judged. Limits that trust what a dozen short texts of the run show, instead of what short texts of
healthy voices need, found more and raised one alarm more on the deciding voices: they were left out, after they had
been tried on the reporting voices too (5 alarms instead of 3). `sample-rate` (by pace, pitch and spectrum) and
`wrong-speaker` (from 1.6 s of speech on) came after the first count; counted again with them, both tables stay as
they are. A run needs 40 chunks with 1.6 s of speech to know its speaker; the table of other languages was measured
when that was 3 s, so that `wrong-speaker` could not judge there. Runs of 8 and 12 chunks, by which words in other
languages are measured, cannot raise a limit to how a voice is heard; eSpeak NG is heard badly. What it speaks as
Chinese here is letters and digits read in English ("M ail 3"): each of its chunks is named for it, and their copies
count for nothing. The shipped f16 by this path (above, `f16-alone`: no profile) has 5 to 7 copies of each class of
words and tokens, made before its decoder got its postfilter; more than these small counts say nothing yet. Shares
were not measured on Kokoro and Flite.
"""


def place(docs: Path, work: Path) -> None:
    """Put the part into the page, in the place of the one before, else at its end; ``work``: see ``remake``."""
    text = docs.read_text(encoding="utf-8")
    healthy = held_out_of(work)
    measured = {run: [_load(path) for path in figures_of(work, run.name)] for run in FIRST_RUNS}
    own = [figures for run, figures in measured.items() if run.engine is not None and figures]
    abroad = [one for run, figures in measured.items() if run.language != "en" for one in figures]
    parts = [INTRODUCTION, *([_alarms(_load(healthy))] if healthy.is_file() else [])]
    parts += [*map(_engine, own), *([_abroad(abroad)] if abroad else [])]
    block = f"{BEGIN}\n" + "\n".join(parts).rstrip() + f"\n{END}\n"
    before, marker, rest = text.partition(BEGIN)
    after = rest.partition(END)[2].lstrip("\n") if marker else ""
    docs.write_text(before.rstrip() + "\n\n" + block + ("\n" + after if after else ""), encoding="utf-8")


def kept(docs: Path) -> str:
    """Return the part as it stands in the page, empty where there is none."""
    text = docs.read_text(encoding="utf-8") if docs.is_file() else ""
    _, marker, rest = text.partition(BEGIN)
    return f"{BEGIN}{rest.partition(END)[0]}{END}\n" if marker else ""


def _load(path: Path) -> Json:
    loaded: Json = json.loads(path.read_text(encoding="utf-8"))
    return loaded


def _alarms(held_out: Json) -> str:
    parts = [part for part in ("reporting", "deciding") if part in held_out]
    return "\n".join(_alarms_of(held_out[part], part, held_out["date"]) for part in parts)


def _alarms_of(group: Json, name: str, date: str) -> str:
    rate = f"{1000 * group['alarmed'] / group['chunks']:.1f}"
    interval = f"{1000 * group['low']:.1f} to {1000 * group['high']:.1f}"
    rows = group["voices"].items()
    lines = [
        f"### False alarms on healthy voices: the {name} ones",
        "",
        f"{date}: {group['alarmed']} of {group['chunks']} chunks of {len(rows)} voices raise an alarm, {rate} in 1,000 "
        f"(95% interval {interval}). What the waveform, the pitch and the pace show; no words.",
        "",
        "| voice | chunks | with an alarm |",
        "| --- | --- | --- |",
        *(f"| {voice.replace('_', ' ')} | {row['chunks']} | {row['alarmed']} |" for voice, row in rows),
        "",
        *(f"- {one['voice'].replace('_', ' ')}, `{one['chunk']}`: {'; '.join(one['why'])}" for one in group["listed"]),
        "",
    ]
    return "\n".join(lines)


def _engine(parts: Sequence[Json]) -> str:
    """Return one engine's section: its parts measured different classes of the same clips."""
    first = parts[0]
    rows = [row for part in parts for row in from_json(part["rows"])]
    listed = list(dict.fromkeys(f"- `{one['chunk']}`: {'; '.join(one['why'])}" for p in parts for one in p["listed"]))
    shares = [row for part in parts for row in part["shares"]]
    lines = [
        f"### {first['engine']}",
        "",
        f"{' and '.join(sorted({part['date'] for part in parts}))}, seed {first['seed']}: a run of {first['chunks']} "
        f"chunks ({first['language']}), priors of {first['prior_voices']} other voices. Healthy chunks that raise an "
        f"alarm: {'; '.join(map(_alarmed, parts))}.",
        "",
        *listed,
        *([""] if listed else []),
        *recall_table(rows),
        "",
        _reached(rows),
        "",
        *(_shares(shares) if shares else []),
    ]
    return "\n".join(lines)


def _alarmed(part: Json) -> str:
    low, high = stats.clopper_pearson(part["alarmed"], part["chunks"], LEVEL)
    return f"{part['alarmed']} of {part['chunks']} by {', '.join(sorted(part['scorers']))} ({low:.1%} to {high:.1%})"


def _reached(rows: Sequence[RecallRow]) -> str:
    """Say in how many rows the lower bound is what it should be, and name those where too little is found."""
    tried = [row for row in rows if row.count]
    wanted = {id(row): next(low for copies, low in WANTED if row.count >= copies) for row in tried}
    reached = sum(row.low >= wanted[id(row)] for row in tried)
    bounds = " or ".join(f"{low:g}" for low in sorted(set(wanted.values()), reverse=True))
    below = [f"{_name(row)} ({row.named} of {row.count})" for row in tried if row.named < LEAST_RECALL * row.count]
    return f"A lower bound of {bounds} is reached in {reached} of {len(tried)} rows. " + (
        f"Fewer than {LEAST_RECALL:.0%} are found of {', '.join(below)}."
        if below
        else f"At least {LEAST_RECALL:.0%} are found in every row."
    )


def _name(row: RecallRow) -> str:
    return row.fault if row.injector == row.fault else f"{row.fault} ({row.injector})"


def _counted(row: RecallRow) -> str:
    doubted = f" ({row.not_judged} not judged)" if row.not_judged else ""
    return f"{row.named} of {row.count}{doubted}" if row.count else "no room"


def _abroad(found: Sequence[Json]) -> str:
    """One column a voice, which may be measured in parts: what is found of each class at its preset dose."""
    voices = sorted({(one["language"], one["engine"]) for one in found})
    rows = [row for one in found for row in from_json(one["rows"])]
    cells = {
        (one["language"], one["engine"], _name(row)): _counted(row) for one in found for row in from_json(one["rows"])
    }
    clean: dict[tuple[str, str], list[str]] = {}
    for one in found:
        share = f"{one['alarmed']} of {one['chunks']} ({', '.join(sorted(one['scorers']))})"
        clean.setdefault((one["language"], one["engine"]), []).append(share)
    heads = ["class", *(f"{language}, {engine}" for language, engine in voices)]
    names = [_name(group[0]) for group in rows_by_injector(rows)]
    listed = [(one["engine"], alarm) for one in found for alarm in one["listed"]]
    lines = [
        "### Other languages",
        "",
        "Runs without a reference, as above; words heard by Whisper base. Found as such at the preset dose, of the "
        "copies made; last the alarms in the clips as they were spoken.",
        "",
        "| " + " | ".join(heads) + " |",
        "| " + " | ".join(["---"] * len(heads)) + " |",
        *("| " + " | ".join([name, *(cells.get((*voice, name), "-") for voice in voices)]) + " |" for name in names),
        "| alarms in clean clips | " + " | ".join("; ".join(clean[voice]) for voice in voices) + " |",
        "",
        *(f"- {engine}, `{alarm['chunk']}`: {'; '.join(alarm['why'])}" for engine, alarm in listed),
        "",
    ]
    return "\n".join(lines)


def _shares(rows: Sequence[Json]) -> list[str]:
    """One line a class: found of those struck, at each share of faulty chunks in the run."""
    shares = sorted({row["share"] for row in rows})
    heads = ["class", "made by", *(f"{share:.0%} faulty" for share in shares)]
    lines = [
        "Copies in the place of a share of the chunks, the run fitted with them in it: found as such / struck (and "
        "what became of the rest); alarms on the other chunks; `?` where the run says that it cannot tell what is "
        "healthy.",
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
    others = (("otherwise", "found otherwise"), ("not_judged", "not judged"), ("clean", "clean"))
    rest = ", ".join(f"{row[key]} {words}" for key, words in others if row[key])
    return f"{row['named']}/{row['struck']}{f' ({rest})' if rest else ''}; {row['alarmed']}{told}"
