"""Secrets are taken out before anything is written: commands, stderr tails, environments, messages."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from functools import lru_cache
from itertools import pairwise
from typing import Any

MARK = "[redacted]"

# Names are compared word by word, so that MAX_TOKENS, TOKENIZERS_PARALLELISM and KEYBOARD_LAYOUT stay readable.
_SECRET = frozenset(
    {"apikey", "secret", "password", "passwd", "passphrase", "credential", "credentials", "authorization", "cookie"}
)
# Here stop_token and limits_key are ordinary settings: these words count in the name of a variable (upper case) or
# after a word that makes them a credential.
_AMBIGUOUS = frozenset({"key", "token", "pass", "pwd", "auth"})
_QUALIFIER = frozenset(
    {"api", "access", "auth", "secret", "private", "refresh", "bearer", "hf", "github", "gitlab", "session", "signing"}
    | {"client", "service", "account", "openai", "azure", "aws", "encryption", "license"}
)
_PUBLIC_NAMES = frozenset({"PWD", "OLDPWD", "SSH_AUTH_SOCK"})
_SHORTEST_VALUE = 8  # a shorter value of a variable is too likely an ordinary word elsewhere in the text

_RANDOM = re.compile(r"(?=.*[A-Za-z])(?=.*[0-9])[A-Za-z0-9_+/=.-]{16,}")
# Each pattern with the words (lower case) without one of which it cannot match: looking for them first takes a tenth
# of the time on the usual log text.
_PATTERNS = tuple(
    (tuple(needles.split()), re.compile(pattern), replacement)
    for needles, pattern, replacement in (
        ("private", r"(?s)-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", MARK),
        (
            "authorization cookie x-api-key",
            r"(?i)\b((?:proxy-)?authorization|(?:set-)?cookie|x-api-key)([\"']?\s*[:=]\s*[\"']?)[^\r\n\"']+",
            rf"\1\2{MARK}",
        ),
        (
            "bearer basic",
            r"(?i)\b(bearer|basic)\s+(?=[A-Za-z0-9._~+/=-]*[0-9=])[A-Za-z0-9._~+/=-]{8,}",
            rf"\1 {MARK}",
        ),
        ("://", r"\b([a-z][a-z0-9+.-]{1,20}://[^\s/@:]{0,200}):[^\s/@]{1,200}@", rf"\1:{MARK}@"),
        ("eyj", r"\beyJ[A-Za-z0-9_-]{6,}\.[A-Za-z0-9_-]{6,}(?:\.[A-Za-z0-9_-]*)?", MARK),
        ("sk pk rk", r"\b(?:sk|pk|rk)[-_](?=[A-Za-z0-9_-]*[0-9])[A-Za-z0-9_-]{16,}", MARK),
        (
            "hf gh glpat xox npm pypi gsk r8",
            r"\b(?:hf|gh[pousr]|glpat|xox[abprs]|npm|pypi|gsk|r8)[-_](?=[A-Za-z0-9_-]*[0-9A-Z])[A-Za-z0-9_-]{16,}",
            MARK,
        ),
        ("github_pat_", r"\bgithub_pat_[A-Za-z0-9_]{16,}", MARK),
        ("akia asia", r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b", MARK),
        ("aiza", r"\bAIza[A-Za-z0-9_-]{30,}", MARK),
    )
)
# name=value, name: value, --name value; the name may be quoted as in JSON. Only names that could be secret match, so
# that "error: password=x" is seen at the password.
_NAME = re.compile(
    r"(?<![A-Za-z0-9_])(?P<dash>--?)?(?P<name>(?=[A-Za-z0-9_-]{0,60}(?i:key|token|secret|pass|pwd|cred|auth|cookie))"
    r"[A-Za-z][A-Za-z0-9_-]{1,60})(?:[\"']?\s{0,3}[:=]\s{0,3}|(?P<space>\s{1,3}))[\"']?"
)
_VALUE = re.compile(r"[^\s\"',;&]{4,}")


def looks_secret(name: str, value: str = "") -> bool:
    """True when a variable, option or key of this name is likely to hold a secret (``value`` helps to decide)."""
    if name in _PUBLIC_NAMES:
        return False
    spaced = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name)
    words = [word for word in re.split(r"[^a-z0-9]+", spaced.lower()) if word]
    if not _SECRET.isdisjoint(words):
        return True
    if _AMBIGUOUS.isdisjoint(words) or value.isdecimal():  # "token = 128258" is speech
        return False
    qualified = any(a in _QUALIFIER and b in _AMBIGUOUS for a, b in pairwise(words))
    return qualified or name.isupper() or (len(words) == 1 and _RANDOM.fullmatch(value) is not None)


def _redact_named(text: str) -> str:
    done: list[str] = []
    start = 0
    for match in _NAME.finditer(text):
        value = _VALUE.match(text, match.end())
        # "--api-key VALUE" and "api_key=VALUE" are secrets; "the key difference" is prose.
        if match.start() < start or value is None or (match["space"] and not match["dash"]):
            continue
        if not value.group().startswith(MARK) and looks_secret(match["name"], value.group()):
            done += [text[start : match.end()], MARK]
            start = value.end()
    return "".join([*done, text[start:]])


@lru_cache(maxsize=8)
def _from_environment(environment: tuple[tuple[str, str], ...]) -> re.Pattern[str] | None:
    values = {value for name, value in environment if looks_secret(name) and len(value.strip()) >= _SHORTEST_VALUE}
    longest_first = sorted(values, key=len, reverse=True)
    return re.compile("|".join(re.escape(value) for value in longest_first)) if longest_first else None


def redact(text: str, environment: Mapping[str, str] | None = None) -> str:
    """``text`` with API keys, tokens, passwords and the values of secret-looking variables replaced by a mark.

    ``environment`` defaults to the process's own. Text without a secret comes back unchanged.
    """
    if len(text) < 6:
        return text
    known = _from_environment(tuple((os.environ if environment is None else environment).items()))
    if known is not None:
        text = known.sub(MARK, text)
    lower = text.lower()
    for needles, pattern, replacement in _PATTERNS:
        if any(needle in lower for needle in needles):
            text = pattern.sub(replacement, text)
    if any(word in lower for word in (*_SECRET, *_AMBIGUOUS)):
        text = _redact_named(text)
    return text


def redact_json(value: Any, environment: Mapping[str, str] | None = None) -> Any:
    """Every string inside a JSON-like value redacted; the value of a secret-looking key is replaced whole."""
    if isinstance(value, str):
        return redact(value, environment)
    if isinstance(value, Mapping):
        return {key: _item(key, item, environment) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [redact_json(item, environment) for item in value]
    return value


def _item(key: Any, item: Any, environment: Mapping[str, str] | None) -> Any:
    if isinstance(key, str) and isinstance(item, str) and item and looks_secret(key, item):
        return MARK
    return redact_json(item, environment)
