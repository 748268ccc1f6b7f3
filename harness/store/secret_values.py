"""Secrets known by their value: what secret-looking variables hold, in every spelling in which they may come back."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from urllib.parse import quote, quote_plus

from harness.store.secret_names import looks_secret

_SHORTEST = 6  # a shorter value is too likely an ordinary word elsewhere in the text
_SHORTEST_OF_ENVIRONMENT = 8
_SHORTEST_CORE = 8  # of base64: what is left of a value when both ends depend on its neighbours
_remembered: set[str] = set()


def remember_secrets(values: Iterable[str]) -> None:
    """Take these values out of everything that this process writes or prints from now on."""
    _remembered.update(value for value in values if len(value.strip()) >= _SHORTEST)


def secrets_in(settings: object, name: str = "") -> set[str]:
    """Return the values of secret-looking keys in a variant's settings, its own environment among them."""
    if isinstance(settings, Mapping):
        return {value for key, item in settings.items() for value in secrets_in(item, str(key))}
    if isinstance(settings, list | tuple):
        return {value for item in settings for value in secrets_in(item, name)}
    return {settings} if isinstance(settings, str) and name and looks_secret(name, settings) else set()


def known_values(environment: Mapping[str, str]) -> re.Pattern[str] | None:
    """Return a pattern of all known secrets in all spellings; None where there is none."""
    return _pattern(frozenset(_remembered), _secret_variables(tuple(environment.items())))


@lru_cache(maxsize=8)
def _secret_variables(environment: tuple[tuple[str, str], ...]) -> frozenset[str]:
    return frozenset(
        value
        for name, value in environment
        if looks_secret(name) and len(value.strip()) >= _SHORTEST_OF_ENVIRONMENT and "/" not in value[:1]
    )


@lru_cache(maxsize=16)
def _pattern(remembered: frozenset[str], variables: frozenset[str]) -> re.Pattern[str] | None:
    spellings = {spelling for value in remembered | variables for spelling in _spellings(value)}
    longest_first = sorted(spellings, key=lambda spelling: (-len(spelling), spelling))
    return re.compile("|".join(map(re.escape, longest_first)), re.IGNORECASE) if longest_first else None


def _spellings(value: str) -> set[str]:
    raw = value.encode("utf-8", "surrogatepass")
    spellings = {value, value.strip(), quote(raw), quote(raw, safe=""), quote_plus(raw), raw.hex(), value[::-1]}
    spellings |= {json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1], repr(value)[1:-1]}
    spellings |= _base64_cores(raw)
    return {spelling for spelling in spellings if len(spelling) >= _SHORTEST}


def _base64_cores(raw: bytes) -> set[str]:
    """Return the middle of the base64 of a text that holds ``raw``, at each of the three places where it may begin."""
    cores = set()
    for shift in range(3):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            text = encode(b"\0" * shift + raw).decode().rstrip("=")
            whole = (shift + len(raw)) % 3 == 0
            core = text[(0, 2, 3)[shift] : len(text) if whole else -1]
            if len(core) >= _SHORTEST_CORE:
                cores.add(core)
    return cores
