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

Written by `python -m tools.sensitivity first-runs --work FOLDER`: it speaks what is missing, makes one run of each
engine's clips, holds copies of them against its other chunks (the path of the final verdicts), and goes on where it
stopped. The priors that judge a voice are fitted without its engine; every person counts as an engine. `deciding` and
`reporting` in that folder are made by `measure-voices`: healthy voices, each judged as a first run of its own.

Voices are split. On the deciding ones priors are fitted and rules were chosen, with their alarms looked at one by
one. The reporting ones took part in neither: other paces, pitches, speakers, languages and texts, of engines that are
left out of the priors. They were named before they were measured, and were judged six times: at first; after three
rules for recall on Piper (holes, the rate of a low voice, groups far apart); after `sample-rate` by three witnesses;
with signal scorer 3; and twice with a rule for short texts, which raised 5 alarms instead of 3 each time and was
taken back. The four others raised the same three alarms. Voices whose alarms led to a change are deciding ones since,
and others were named:

- 29 of 1,460 (2026-11-28): clicks where a soft sound begins out of silence, steps that keep time by chance, a text of
  14 words called robotic, and 18 in `festival ked`, whose samples overflow.
- 61 of 1,183 (2026-11-29): 48 in three voices whose samples overflow (`flite awb low slow`, Festival's Italian `lp`
  and `pc`: steps of up to 1.99 of full scale), Czech and German sentences without an s called muffled, gaps that keep
  time by chance, one word at a wrong rate.

What overflows is broken and named rightly; those four voices are neither healthy ones nor in the priors.

Rows of sound have 80 copies on Piper and hibari, 24 on the others; rows of words have 24, 12 where the table says so,
because a copy costs about 4 s of CPU: with 24 the lower bound of a full row is 0.86. The rules for `state-bleed` and
`loop` that were roughly heard, and the limit of `unintelligible` for long texts, were chosen on the copies of Piper,
f16 and hibari in these tables; Flite's and the other languages' came after. The rows of the sound of Piper, hibari,
Kokoro and Flite hold measurements of two versions: what signal scorer 3 changed was measured anew, the rest and the
shares are from before it.

Copies in which a fault does nothing audible are not made: a click within a hiss, a step without speech on both sides,
a float16 phase that has not gone wrong yet, fewer than five holes in speech. Short of what is wanted: `robotic` in a
low voice and short texts that are muffled or of another level (they get the room that short texts of healthy voices
need); another speaker of much the same sound (`shifted`) in short texts, most of all on Kokoro. Where 30% of the
chunks have one fault it is doubted in every class; a wrong rate and another speaker are a voice of their own then,
whose chunks are not judged. Shares were not measured on Kokoro and Flite.

eSpeak NG speaks the other languages but Japanese. Chinese is spoken by its voice `cmn-latn-pinyin`: version 1.51
reads the syllables as English words under `cmn`, by which this page was measured before. Whisper base misses 71% of
the letters of that voice in the median chunk, so that none of its words is judged, and the run says so. Short there:
holes in eSpeak NG's speech (2 of 9 in German, 2 of 8 in Russian), phases in Russian (none of 12), and words that
German of eSpeak NG, which base hears badly, loses or adds (12 of 42 clean chunks are accused, and its foreign seconds
are named otherwise); words in French and Russian were not measured again. German and Russian were measured on a run
that held 18 other sentences beside these.
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
