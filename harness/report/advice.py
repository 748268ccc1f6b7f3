"""What to do next, in a few lines on top of the page: from the verdicts and counts alone."""

from __future__ import annotations

import math
from collections.abc import Mapping

from harness.detectors import catalogue
from harness.detectors.base import Family
from harness.report.headline import Headline, VariantWord
from harness.report.summary import RunSummary
from harness.verdicts.this_run import LEAST_CHUNKS, MOST_FAULTY

MOST = 5
_SHARED_BY = 3  # chunks with the same fault, at least, to ask whether it is the voice's nature
_BOUND = {
    "load": "came under several clients and not alone: run again without --clients, and with fewer",
    "history": "came only after other chunks: suites/determinism tells whether state survives between requests",
    "seed": "came with one seed and not with others: the same text can be spoken again with another seed",
    "text": "came with every seed: look at the text (numbers, names, length) and at the text front end",
}


def advice(summary: RunSummary, words: Mapping[str, Headline]) -> list[str]:
    """Return at most ``MOST`` sentences, the most urgent first."""
    said = [*_not_spoken(summary, words), *_nature(summary), *_faulty(summary), *_small(summary, words)]
    if not said and any(headline.word is VariantWord.PASSES for headline in words.values()):
        said.append(f"Keep this run as what later runs are held against: tts-soak baseline set {summary.run_id}.")
    return said[:MOST]


def _not_spoken(summary: RunSummary, words: Mapping[str, Headline]) -> list[str]:
    said = []
    for name, row in summary.variants.items():
        away = [reason for reason in row.not_judged_because if reason.startswith("backend away")]
        if away:
            count = row.not_judged_because[away[0]]
            go_on = f"pytest suites/{summary.suite} ... --resume {summary.run_id}"
            said.append(f"{name}: {count} chunks were not spoken ({away[0]}). Bring it back, then go on: {go_on}.")
        elif words[name].word is VariantWord.LOST:
            said.append(
                f"{name} did not start. Its log is in logs/ beside this page; the reason is in the table below."
            )
        elif words[name].word is VariantWord.BLIND:
            said.append(f"{name}: nothing was judged, so this run says nothing about it: {words[name].why}.")
    return said


def _nature(summary: RunSummary) -> list[str]:
    """Say what many chunks of a run share that is too small to be its own reference: perhaps it is how the voice is."""
    classes = catalogue()
    said = []
    for name, row in summary.variants.items():
        if row.judged >= LEAST_CHUNKS or row.reference is not None or row.against is not None:
            continue
        shared = [
            f"{fault} ({count} of {row.judged} chunks)"
            for fault, count in row.faults.items()
            if count >= max(_SHARED_BY, math.ceil(MOST_FAULTY * row.judged))
            and fault in classes
            and classes[fault].family not in (Family.PROCESS, Family.TRANSCRIPT)
        ]
        if shared:
            said.append(
                f"{name}: {', '.join(shared)} may be how this voice is rather than a fault: fewer than {LEAST_CHUNKS} "
                "chunks are held against other voices only. More chunks, or a reference, tell the two apart."
            )
    return said


def _faulty(summary: RunSummary) -> list[str]:
    rows = {name: row for name, row in summary.variants.items() if row.faulty}
    if not rows:
        return []
    count = sum(row.faulty for row in rows.values())
    chunks = "chunk" if count == 1 else "chunks"
    said = [
        f"Listen to the {count} faulty {chunks} below (j, Space), mark each (r: real, f: false alarm), save with d, "
        "and read what the marks say: tts-soak marks FILE."
    ]
    faults: dict[str, int] = {}
    bound: dict[str, int] = {}
    for row in rows.values():
        for fault, number in row.faults.items():
            faults[fault] = faults.get(fault, 0) + number
        for what, number in row.bound_to.items():
            bound[what] = bound.get(what, 0) + number
    most = max(faults, key=lambda fault: faults[fault])
    said.append(f"Most often: {most} ({faults[most]} of {count}); tts-soak faults {most} says what causes it.")
    if bound:
        what = max(bound, key=lambda key: bound[key])
        said.append(f"{bound[what]} of the findings {_BOUND[what]}.")
    return said


def _small(summary: RunSummary, words: Mapping[str, Headline]) -> list[str]:
    """How many chunks would settle an open fault rate, if as few of them were faulty as could be."""
    for name, row in summary.variants.items():
        claim = next((claim for claim in row.claims if claim.name == "fault-rate"), None)
        if words[name].word is not VariantWord.OPEN or claim is None or claim.passed is not None or not claim.margin:
            continue
        need = math.ceil(math.log(0.025) / math.log1p(-claim.margin))
        if need > row.chunks:
            return [
                f"{row.chunks} chunks are too few to settle the fault rate; {need} without a fault would "
                f"(margin {claim.margin:.1%}): run again without --chunks, or with a longer corpus."
            ]
    return []
