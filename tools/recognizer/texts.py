"""Texts for training and for evaluation, apart from each other and from the project's corpora."""

from __future__ import annotations

import json
import random
import re
import zlib
from pathlib import Path

from tools.voice import text as source

CORPORA = Path(__file__).resolve().parents[2] / "corpora"
LOOSE = 0.15  # share of lines that are loose words and names: no language model helps there, only listening
HELD_OUT_ONE_IN = 60
OPENING = 3  # words that decide whether a clause is held out


def forbidden() -> set[str]:
    """Every sentence of the project's corpora, bare."""
    texts = []
    for path in sorted(CORPORA.glob("*.jsonl")):
        for line in path.read_text().splitlines():
            texts += [value for value in json.loads(line).values() if isinstance(value, str)]
    return source.forbidden_sentences(texts)


def plain(line: str) -> str:
    """The line without hyphens and dashes, which the teachers speak in ways of their own."""
    return re.sub(r"[-–—]", " ", line)


def held_out(line: str) -> bool:
    """Whether a clause of the line opens with words kept for evaluation."""
    clauses = (source.bare(clause).split() for clause in re.split(r"[,.;:?!]", line))
    return any(_kept(" ".join(words[:OPENING])) for words in clauses if len(words) >= OPENING)


def _kept(opening: str) -> bool:
    return zlib.crc32(opening.encode()) % HELD_OUT_ONE_IN == 0


def training_lines(hours: float, seed: int) -> list[str]:
    """About ``hours`` of lines to speak. None occurs in the corpora, no clause of one in ``evaluation_lines``."""
    made = source.build(source.Shares.of_hours(hours), seed, forbidden())
    rng = random.Random(seed)
    words = [w for w in source.WORDS.read_text().split() if re.fullmatch(r"[A-Za-z]?[a-z]{1,13}", w)]
    count = int(LOOSE * len(made))
    made += [" ".join(rng.choices(words, k=rng.randint(3, 9))).capitalize() + "." for _ in range(count)]
    rng.shuffle(made)
    return [plain(line) for line in made if not held_out(line)]


def evaluation_lines(count: int, seed: int) -> list[str]:
    """Held-out sentences of 5 to 24 words."""
    made = source.build(source.Shares(sentences=count * HELD_OUT_ONE_IN, passages=0, short=0), seed, forbidden())
    return [plain(line) for line in made if held_out(line) and 5 <= len(line.split()) <= 24][:count]
