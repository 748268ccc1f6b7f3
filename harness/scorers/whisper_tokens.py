"""Whisper's tokenizer from ``tokenizer.json``, with the merges that its file may lack.

The published file of the multilingual models has lost the first merge of OpenAI's, a space and a "t": " this" becomes
two tokens that no model has ever written. Merge k makes token k + 256, so what is missing shows, and is put back.
"""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    from tokenizers import Tokenizer

BYTES = 256  # tokens that no merge makes


class _TokenizerModel(TypedDict):
    """The part of ``tokenizer.json`` that says what is merged and how tokens are numbered."""

    merges: list[str | list[str]]
    vocab: dict[str, int]


class _TokenizerFile(TypedDict):
    model: _TokenizerModel


@lru_cache(maxsize=4)
def whole_tokenizer(file: Path) -> Tokenizer:
    """Return the tokenizer (of the library tokenizers) of a Whisper model, its merges completed."""
    from tokenizers import Tokenizer

    stored: _TokenizerFile = json.loads(file.read_text(encoding="utf-8"))
    model = stored["model"]
    model["merges"] = [*completed_merges(model["merges"], model["vocab"])]
    return Tokenizer.from_str(json.dumps(stored))


def completed_merges(merges: list[str | list[str]], vocabulary: dict[str, int]) -> list[list[str]]:
    """Return all merges in order; one is put back for each token between two others that no merge makes."""
    pairs = [merge.split(" ") if isinstance(merge, str) else list(merge) for merge in merges]
    merged = {left + right for left, right in pairs}
    by_id = {number: token for token, number in vocabulary.items()}
    complete: list[list[str]] = []
    for pair in pairs:
        while (token := by_id.get(BYTES + len(complete))) is not None and token not in merged and len(token) > 1:
            complete.append([token[:-1], token[-1]])
            merged.add(token)
        complete.append(pair)
    return complete
