"""Texts for training and for evaluation, apart from each other and from the project's corpora."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path

from tools.voice import text as source

CORPORA = Path(__file__).resolve().parents[2] / "corpora"
LOOSE = 0.15  # share of lines that are loose words and names: no language model helps there, only listening


def forbidden() -> set[str]:
    """Every sentence of the project's corpora, bare."""
    texts = []
    for path in sorted(CORPORA.glob("*.jsonl")):
        for line in path.read_text().splitlines():
            texts += [value for value in json.loads(line).values() if isinstance(value, str)]
    return source.forbidden_sentences(texts)


def lines(hours: float, seed: int, *, kept_out: set[str] | None = None) -> list[str]:
    """About ``hours`` of lines to speak; none occurs in the corpora or in ``kept_out`` (bare lines)."""
    made = source.build(source.Shares.of_hours(hours), seed, forbidden())
    rng = random.Random(seed)
    words = [w for w in source.WORDS.read_text().split() if re.fullmatch(r"[A-Za-z]?[a-z]{1,13}", w)]
    loose = [
        " ".join(rng.choices(words, k=rng.randint(3, 9))).capitalize() + "." for _ in range(int(LOOSE * len(made)))
    ]
    made += loose
    rng.shuffle(made)
    return [line for line in made if not kept_out or source.bare(line) not in kept_out]
