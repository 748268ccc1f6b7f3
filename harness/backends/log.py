"""What a program's log tells: token counts, token ids, why it ended, and whatever else its patterns find."""

from __future__ import annotations

import re
from collections.abc import Iterable

import numpy as np

from harness.backends.base import BackendRefused
from harness.backends.outside import OutsideSettings
from harness.core.records import Synthesis


def read_log_line(log: str, settings: OutsideSettings) -> Synthesis:
    """Return what a log says: token count, tokens, finish reason; the rest as notes. No audio yet."""
    said = read_log(log, settings)
    synthesis = Synthesis()
    count, ids, reason = (said.pop(key, None) for key in ("token_count", "token_ids", "finish_reason"))
    if ids is not None:
        _take_tokens(str(ids), settings, synthesis, said)
    if isinstance(count, int):
        synthesis.token_count = count
    elif count is not None:
        said["token_count"] = count
    synthesis.finish_reason = str(reason) if reason is not None else None
    synthesis.notes = said
    return synthesis


def _take_tokens(ids: str, settings: OutsideSettings, made: Synthesis, said: dict[str, object]) -> None:
    try:
        flat = np.array([int(word) for word in re.findall(r"-?\d+", ids)], dtype=np.int32)
    except OverflowError:
        said["token_ids"] = "a token id is beyond 32 bits"
        return
    books = len(settings.tokens.codebook_sizes) if settings.tokens else 1
    made.token_count = len(flat)
    if len(flat) % books:
        said["token_ids"] = f"{len(flat)} ids do not fill frames of {books} codebooks; the last are left out"
    made.tokens = flat[: len(flat) // books * books].reshape(-1, books)


def refuse_if_said(log: str, patterns: Iterable[str], made: Synthesis) -> None:
    """Raise BackendRefused with the line of the log in which one of the patterns is found."""
    for pattern in patterns:
        match = re.search(pattern, log, re.M)
        if match:
            line = log[log.rfind("\n", 0, match.start()) + 1 :].split("\n", 1)[0].strip()
            raise BackendRefused(f"the log says: {line[:2000]}", made)


def read_log(log: str, settings: OutsideSettings) -> dict[str, object]:
    """Return what the ``log`` patterns find: the last match of each, numbers as numbers.

    A pattern with named groups fills a key a group; else its key gets the first group, or the whole match. A table
    for ``finish_reason`` gives the name of the pattern that matches last.
    """
    values: dict[str, object] = {}
    for key, pattern in settings.log.items():
        if isinstance(pattern, dict):
            ends = [(match.end(), word) for word, each in pattern.items() for match in re.finditer(each, log, re.M)]
            if ends:
                values[key] = max(ends)[1]
            continue
        matches = list(re.finditer(pattern, log, re.M))
        if not matches:
            continue
        last = matches[-1]
        if last.re.groupindex:
            values |= {name: _number(text) for name, text in last.groupdict().items() if text is not None}
        else:
            values[key] = _number(last.group(1) if last.re.groups and last.group(1) is not None else last.group(0))
    return values


def _number(text: str) -> int | float | str:
    text = text.strip()
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
