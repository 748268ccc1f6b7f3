"""Texts with a secret in each, as programs, servers and people write them; none may be readable after redaction."""

from __future__ import annotations

import json
import random
import string
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

CANARY = "canary7Hq2ZpX9w4Lm"
BODY = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQDB7Hq2ZpX9w4Lm"  # a line of a key
SECOND = "zQ8vT3nRk1LpYw6H"
_HERE = Path(__file__).parent
SECRET_TEXTS: tuple[str, ...] = tuple(map(json.loads, (_HERE / "secret_texts.jsonl").read_text("utf-8").splitlines()))
_LOTS = {"a": string.ascii_lowercase, "A": string.ascii_uppercase, "9": string.digits, "x": "0123456789abcdef"}
_WINDOW = 8  # so many characters of a secret in a row are too many


@lru_cache(maxsize=1)
def drawn_secrets(seed: int = 1) -> tuple[tuple[str, str], ...]:
    """Return texts of ``secret_shapes.tsv``, each with a secret of its shape drawn by lot, and that secret.

    A line of the file is a text as JSON, with a mark where the secret stands, and the secret's shape: a small letter, a
    capital, a digit, a hexadecimal digit, or the sign itself.
    """
    lots = random.Random(seed)
    lines = (_HERE / "secret_shapes.tsv").read_text(encoding="utf-8").splitlines()

    def pairs() -> Iterator[tuple[str, str]]:
        for text, shape in (line.split("\t") for line in lines):
            secret = "".join(lots.choice(_LOTS[sign]) if sign in _LOTS else sign for sign in shape)
            yield json.loads(text).replace("\u00a7", secret), secret

    return tuple(pairs())


def part_left(out: str, secret: str) -> str:
    """Return a part of ``secret`` that can be read in ``out``, or nothing."""
    width = min(_WINDOW, len(secret))
    parts = (secret[at : at + width] for at in range(len(secret) - width + 1))
    return next((part for part in parts if part in out), "")


def readable(text: str) -> str:
    """Return the part of a secret that can still be read in ``text``, or nothing."""
    left = (CANARY, SECOND, CANARY.upper(), CANARY.lower(), CANARY[::-1], BODY, "A1A1A1A1", "a1a1a1a1", "0a1b0a1b")
    return next((word for word in left if word in text), "")
