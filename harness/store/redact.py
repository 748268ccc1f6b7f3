"""Secrets are taken out before anything is written or printed: commands, logs, environments, messages.

Four things give a secret away: the name it stands behind (``secret_names``), its shape (``secret_shapes``), that it
looks drawn by lot (``secret_random``), and its value, where that is known (``secret_values``). A second writing may
hide it from all of them (``secret_hidden``), and in JSON its name may stand beside it (``secret_tree``).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TypeVar, cast

from harness.store.secret_columns import redact_columns
from harness.store.secret_hidden import redact_encoded, redact_unseen
from harness.store.secret_names import looks_secret
from harness.store.secret_pairs import redact_named
from harness.store.secret_random import redact_random
from harness.store.secret_shapes import MARK, redact_shapes
from harness.store.secret_tree import redact_tree
from harness.store.secret_values import known_values, remember_secrets, secrets_in

T = TypeVar("T")
_SHORTEST = 6


def redact(text: str, environment: Mapping[str, str] | None = None) -> str:
    """Return ``text`` with API keys, tokens, passwords and the values of secret-looking variables replaced by a mark.

    ``environment`` defaults to the process's own. Text without a secret comes back unchanged.
    """
    if len(text) < _SHORTEST:
        return text
    values = known_values(os.environ if environment is None else environment)

    def settled(part: str) -> str:
        for _ in range(3):  # what one rule took out may bring another to bear; it settles at once nearly always
            before = part
            if values is not None:
                part = values.sub(MARK, part)
            part = redact_random(redact_shapes(redact_named(redact_columns(part))), MARK)
            if part == before:
                break
        return part

    return redact_encoded(settled(redact_unseen(text, settled)), settled)


def redact_json(value: T, environment: Mapping[str, str] | None = None) -> T:
    """Return a JSON-like value with its strings redacted; the value of a secret-looking key is replaced whole.

    Id and text of a chunk (a mapping that has both) stay: they are what is spoken.
    """
    return cast(T, redact_tree(value, lambda text: redact(text, environment)))


def shortened(text: str, limit: int) -> str:
    """Return at most ``limit`` characters of a text that is redacted already: a cut may tear what shows a secret."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


__all__ = ["MARK", "looks_secret", "redact", "redact_json", "remember_secrets", "secrets_in", "shortened"]
