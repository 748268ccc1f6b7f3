"""Soaks with faults of known causes in them: a word, a word under some seeds, a word after an earlier chunk."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.core.records import Arm, Chunk
from harness.core.variants import load_variants
from harness.corpora import load_corpus, make_corpus
from harness.engine.engine import Engine
from harness.engine.plan import Confirmation, Plan
from harness.experiments.injection.triggers import spelled_words
from harness.store import Run

WORDS = 40  # of a chunk
FRACTION = 0.4  # of the seeds, for a fault of the seed
FAULTS = ("process-error", "silence", "empty-output", "nan-inf")  # seen in a single word, too


@dataclass(frozen=True)
class Planting:
    """One planted cause: the text and the chunks before it that a shrink has to come to."""

    kind: str  # text, seed or history
    chunk: str
    fault: str
    word: str
    earlier: tuple[str, ...] = ()


def texts(count: int, skip: int = 0) -> list[str]:
    """Return ``count`` stretches of 40 words of the built-in book."""
    words = " ".join(chunk.text for chunk in load_corpus("book").chunks).split()[skip * WORDS :]
    return [" ".join(words[n * WORDS : (n + 1) * WORDS]) for n in range(count)]


def own_words(chunks: Sequence[str]) -> list[str]:
    """Return for each text a word that stands in it once, in few others, and at another place in each."""
    counts = Counter(word for text in chunks for raw in text.split() for word in spelled_words(raw))
    chosen = []
    for number, text in enumerate(chunks):
        words = [word for raw in text.split() for word in sorted(spelled_words(raw))]
        turned = words[(7 * number) % WORDS :] + words[: (7 * number) % WORDS]
        once = [word for word in turned if word.isalpha() and words.count(word) == 1]
        chosen.append(min(once, key=lambda word: counts[word]))
    return chosen


def plant(kind: str, folder: Path, count: int) -> tuple[Path, list[Planting]]:
    """Soak chunks with faults of one kind in them; returns the run and what was planted and struck."""
    number = {"text": count, "seed": 4 * count, "history": 2 * count}[kind]
    spoken = texts(number, skip={"text": 0, "seed": count, "history": 6 * count}[kind])
    words, ids = own_words(spoken), [f"{kind}-{n:03d}" for n in range(number)]
    if kind == "history":  # what provokes it is one, five or nine chunks before
        pairs = [(n + 1, max(0, n - 4 * (n // 2 % 3))) for n in range(0, number, 2)]
        plantings = [
            Planting(kind, ids[late], FAULTS[late // 2 % len(FAULTS)], words[late], (ids[early],))
            for late, early in pairs
        ]
    else:
        plantings = [Planting(kind, ids[n], FAULTS[n % len(FAULTS)], words[n]) for n in range(number)]
    rules = [_rule(one, dict(zip(ids, words, strict=True))) for one in plantings]
    path = soak(folder, rules, [Chunk(key, text) for key, text in zip(ids, spoken, strict=True)])
    with Run.open(path) as run:
        struck = {(a.chunk_id, fault) for a in run.attempts(arm=Arm.SOAK) for fault in _faults(run, a.id or -1)}
    return path, [one for one in plantings if (one.chunk, one.fault) in struck][:count]


def _rule(one: Planting, words: dict[str, str]) -> str:
    more: dict[str, object] = {"fault": one.fault, "chunks": [one.chunk], "words": [one.word]}
    if one.kind == "seed":
        more["seed_fraction"] = FRACTION
    if one.earlier:
        more["after"] = [words[key] for key in one.earlier]
    return "{ " + ", ".join(f"{key} = {json.dumps(value)}" for key, value in more.items()) + " }"


def _faults(run: Run, attempt: int) -> set[str]:
    verdict = run.verdict(attempt)
    return {finding.fault for finding in verdict.findings} if verdict is not None else set()


def soak(folder: Path, rules: Sequence[str], chunks: Sequence[Chunk]) -> Path:
    """Speak chunks with the null backend and the rules of a plan; nothing is replayed."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "variants.toml"
    file.write_text(
        '[variants.planted]\nadapter = "faulty"\n[variants.planted.settings]\nmode = "speechlike"\n'
        'seconds_per_word = 0.4\n[variants.planted.settings.faulty]\nadapter = "null"\nplan = [\n  '
        + ",\n  ".join(rules)
        + "\n]\n",
        encoding="utf-8",
    )
    (variant,) = load_variants(file)
    corpus = make_corpus("planted", chunks, "book")
    plan = Plan(
        suite="stress",
        corpus=corpus,
        variants=(variant,),
        selection={variant.name: tuple(chunk.id for chunk in chunks)},
        reports=folder / "reports",
        scorers={"signal": {}},
        confirmation=Confirmation(enabled=False),
        quiet_chunks=0,
    )
    return Engine(plan).run()


def interleaved(plantings: Sequence[Sequence[Planting]]) -> Iterator[Planting]:
    """Yield the plantings of all kinds in turn, so that a measurement cut short is one of all kinds."""
    for number in range(max(map(len, plantings))):
        yield from (rows[number] for rows in plantings if number < len(rows))
