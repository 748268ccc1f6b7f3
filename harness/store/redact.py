"""Secrets are taken out before anything is written or printed: commands, logs, environments, messages.

Three things give a secret away: the name it stands behind (``secret_names``), its shape (``secret_shapes``), and its
value, where that is known (``secret_values``).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from harness.store.secret_names import certain, looks_secret
from harness.store.secret_pairs import redact_named
from harness.store.secret_shapes import MARK, redact_shapes
from harness.store.secret_values import known_values, remember_secrets, secrets_in


def redact(text: str, environment: Mapping[str, str] | None = None) -> str:
    """Return ``text`` with API keys, tokens, passwords and the values of secret-looking variables replaced by a mark.

    ``environment`` defaults to the process's own. Text without a secret comes back unchanged.
    """
    if len(text) < 6:
        return text
    values = known_values(os.environ if environment is None else environment)
    for _ in range(3):  # what one rule took out may bring another to bear; it settles at once nearly always
        before = text
        if values is not None:
            text = values.sub(MARK, text)
        text = redact_shapes(redact_named(text))
        if text == before:
            break
    return text


def redact_json(value: Any, environment: Mapping[str, str] | None = None) -> Any:
    """Return a JSON-like value with its strings redacted; the value of a secret-looking key is replaced whole."""
    if isinstance(value, str):
        return redact(value, environment)
    if isinstance(value, Mapping):
        return {_key(key, environment): _item(key, item, environment) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [redact_json(item, environment) for item in value]
    return value


def shortened(text: str, limit: int) -> str:
    """Return at most ``limit`` characters of a text that is redacted already: a cut may tear what shows a secret."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _key(key: Any, environment: Mapping[str, str] | None) -> Any:
    return redact(key, environment) if isinstance(key, str) and len(key) > 20 else key


def _item(key: Any, item: Any, environment: Mapping[str, str] | None) -> Any:
    if isinstance(key, str) and isinstance(item, str) and item and looks_secret(key, item):
        return MARK
    if isinstance(key, str) and isinstance(item, list | tuple) and certain(key):
        return [MARK if isinstance(one, str) and one else redact_json(one, environment) for one in item]
    if isinstance(key, str) and isinstance(item, int | float) and not isinstance(item, bool) and certain(key):
        return MARK
    return redact_json(item, environment)


__all__ = ["MARK", "looks_secret", "redact", "redact_json", "remember_secrets", "secrets_in", "shortened"]
