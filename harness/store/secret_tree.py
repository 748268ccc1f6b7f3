"""Secrets in what was read from JSON: behind a key, beside it in a pair, in the words of a command."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from itertools import pairwise

from harness.store.secret_names import certain, looks_secret
from harness.store.secret_shapes import MARK

_NAMES = frozenset({"name", "key", "variable", "header", "field", "env"})
_VALUES = frozenset({"value", "values", "val", "content", "data"})
_CHUNK = frozenset({"id", "text"})  # what is spoken is not redacted
_OPTIONS = frozenset({"token", "auth", "pass", "pw"})
_LONGEST_SETTING = 20  # longer keys are addresses and sentences


def redact_tree(value: object, clean: Callable[[str], str]) -> object:
    """Return a JSON-like value with its strings redacted by ``clean``; what a secret-looking key holds goes whole."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, Mapping):
        return _mapping(value, clean)
    if isinstance(value, list | tuple):
        return _sequence(list(value), clean)
    return value


def _mapping(value: Mapping[object, object], clean: Callable[[str], str]) -> dict[object, object]:
    chunk = value.keys() >= _CHUNK
    named = any(
        isinstance(key, str) and key.lower() in _NAMES and isinstance(item, str) and looks_secret(item, _shown(value))
        for key, item in value.items()
    )
    out: dict[object, object] = {}
    for key, item in value.items():
        if isinstance(key, str):
            if chunk and key in _CHUNK:
                out[key] = item
                continue
            if named and key.lower() in _VALUES:
                out[key] = _whole(item)
                continue
        out[_key(key, clean)] = _item(key, item, clean)
    return out


def _key(key: object, clean: Callable[[str], str]) -> object:
    return clean(key) if isinstance(key, str) and len(key) > _LONGEST_SETTING else key


def _item(key: object, item: object, clean: Callable[[str], str]) -> object:
    if not isinstance(key, str):
        return redact_tree(item, clean)
    if isinstance(item, str) and item and looks_secret(key, item):
        return MARK
    if certain(key):
        return _whole(item)
    if isinstance(item, list | tuple):  # {"token": ["..."]}
        return [MARK if isinstance(one, str) and looks_secret(key, one) else redact_tree(one, clean) for one in item]
    return redact_tree(item, clean)


def _whole(item: object) -> object:
    """Everything below a key that can mean nothing but a secret."""
    if isinstance(item, str):
        return MARK if item else item
    if isinstance(item, Mapping):
        return {key: _whole(one) for key, one in item.items()}
    if isinstance(item, list | tuple):
        return [_whole(one) for one in item]
    return MARK if isinstance(item, int | float) and not isinstance(item, bool) else item


def _shown(value: Mapping[object, object]) -> str:
    return next((item for key, item in value.items() if str(key).lower() in _VALUES and isinstance(item, str)), "")


def _takes_secret(option: str, word: str) -> bool:
    return option in _OPTIONS or looks_secret(option, word)


def _sequence(items: list[object], clean: Callable[[str], str]) -> list[object]:
    words = [item for item in items if isinstance(item, str)]
    if len(words) == len(items) and any(word.startswith("-") for word in words):
        return [*redact_command(words, clean)]
    if len(words) == len(items) == 2 and words[1] and looks_secret(words[0], words[1]):
        return [words[0], MARK]  # a header, an item of a table
    return [redact_tree(item, clean) for item in items]


def redact_command(words: list[str], clean: Callable[[str], str]) -> list[str]:
    """Return the words of a command, as many as there were; an option and its value are looked at together."""
    try:
        together = shlex.split(clean(shlex.join(words)))
    except ValueError:  # the mark fell on a quote
        together = []
    out = together if len(together) == len(words) else [clean(word) for word in words]
    for place, (option, word) in enumerate(pairwise(words), 1):
        if option.startswith("-") and "=" not in option and _takes_secret(option.lstrip("-"), word):
            out[place] = MARK
    return out
