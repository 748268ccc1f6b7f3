"""How often the determinism suite is right about variants whose answer is known.

Every repetition has a seed and texts of its own and carries out the suite's experiment on four variants of the embedded
voice: f16 and q4_k_s are healthy, ``q4_k_s_cached`` keeps a prompt cache (repeats differ, nothing is carried over), and
``q4_k_s_bleed`` leaves the previous chunk in the context.
"""

from __future__ import annotations

import json
import random
import tempfile
import time
from collections import Counter
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from harness.core.records import Chunk, Corpus, Json, Variant
from harness.core.suites import suite_of
from harness.core.variants import load_variants
from harness.corpora import load_corpus, make_corpus
from harness.engine.plan import Plan
from harness.engine.progress import Quiet
from harness.experiments.determinism.identity import DeterminismWord
from harness.stats import clopper_pearson
from harness.text.sentences import Border, border_after

HEALTHY, CACHED, BLEED = ("f16", "q4_k_s"), "q4_k_s_cached", "q4_k_s_bleed"
SETUP: Json = {"probes": 3, "arms": [], "alpha": 0.01}
TEXTS = 7  # a repetition
WORDS = (3, 5)


def sentences(low: int, high: int) -> list[str]:
    """Return sentences of the book of ``low`` to ``high`` words, in its order, without quotation marks."""
    words = [word for chunk in load_corpus("book", None).chunks for word in chunk.text.split()]
    ends = [i for i, pair in enumerate(pairwise(words), 1) if border_after(*pair) is Border.SENTENCE]
    runs = [words[a:b] for a, b in pairwise([0, *ends])]
    texts = [" ".join(run) for run in runs if low <= len(run) <= high]
    return list(dict.fromkeys(text for text in texts if '"' not in text and "'" not in text))


def corpus_of(repetition: int, texts: list[str]) -> Corpus:
    """Return a few texts of one repetition, drawn with its number as the seed."""
    drawn = random.Random(repetition).sample(texts, TEXTS)
    chunks = [Chunk(f"r{repetition:02d}-{i}", text) for i, text in enumerate(drawn)]
    return make_corpus(f"repetition {repetition}", chunks, "book")


def variants(path: Path, seed: int) -> tuple[Variant, ...]:
    """Return the four variants under one seed."""
    named = {variant.name: variant for variant in load_variants(path)}
    return tuple(replace(named[name], seed=seed) for name in (*HEALTHY, CACHED, BLEED))


def repeat(repetition: int, texts: list[str], file: Path, reports: Path) -> dict[str, Json]:
    """Carry out the suite's experiment once; the verdict, content and arms of each variant."""
    corpus, chosen = corpus_of(repetition, texts), variants(file, 1000 + repetition)
    ids = tuple(chunk.id for chunk in corpus.chunks)
    plan = Plan(
        "determinism",
        corpus,
        chosen,
        {variant.name: ids for variant in chosen},
        reports,
        scorers={"intelligibility": {}},
        experiment={"determinism": SETUP},
    )
    path = suite_of("determinism").carry_out()(plan, Quiet(), None)
    results: dict[str, Json] = json.loads((path / "results.json").read_text(encoding="utf-8"))
    return results


def content_bleed(row: Json) -> bool:
    """Return whether words of the previous text were claimed to be heard."""
    content = row["content"]
    return content is not None and content["p_value"] <= SETUP["alpha"]


def figures(rows: list[dict[str, Json]]) -> Json:
    """Return counts and exact intervals of what the issue asks for; ``reached`` says whether all of it holds."""

    def share(count: int) -> Json:
        low, high = clopper_pearson(count, len(rows))
        return {"count": count, "of": len(rows), "low": round(low, 4), "high": round(high, 4)}

    words = {name: Counter(row[name]["word"] for row in rows if name in row) for name in (*HEALTHY, CACHED, BLEED)}
    bled = {name: words[name][DeterminismWord.BLEED.value] for name in words}
    heard = sum(content_bleed(row[CACHED]) for row in rows if CACHED in row)
    table: Json = {
        "words": {name: dict(count) for name, count in words.items()},
        "named_state_bleed": {name: share(count) for name, count in bled.items()},
        "cached_called_content_bleed": share(heard),
    }
    complete = all(sum(count.values()) == len(rows) for count in words.values())
    table["reached"] = complete and bled[BLEED] == len(rows) and not heard and not any(bled[n] for n in HEALTHY)
    return table


def run(repetitions: int, file: Path, out: Path | None) -> Json:
    """Return all repetitions; prints a line each, writes rows and figures to ``out`` after every one."""
    texts, rows = sentences(*WORDS), []
    for repetition in range(repetitions):
        began = time.process_time()
        with tempfile.TemporaryDirectory(prefix="tts-soak-claims-") as reports:
            rows.append(repeat(repetition, texts, file, Path(reports)))
        print(_line(repetition, rows[-1]), f"({time.process_time() - began:.0f} s CPU here)", flush=True)
        if out is not None:
            report: dict[str, Any] = {"figures": figures(rows), "rows": rows}
            out.write_text(json.dumps(report, indent=1, allow_nan=False), encoding="utf-8")
    return figures(rows)


def _line(repetition: int, row: dict[str, Json]) -> str:
    return f"{repetition:3d}  " + "; ".join(f"{name}: {answer['word']}" for name, answer in row.items())
