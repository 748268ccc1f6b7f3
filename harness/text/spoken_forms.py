"""How signs, numbers and abbreviations are said in each language: the table ``harness/data/spoken_forms.toml``."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import TypedDict, cast

from harness.core.paths import DATA
from harness.text.scripts import ANOTHER_TAG, primary

_TABLE = DATA / "spoken_forms.toml"
_SIGNS = {"&": "and", "@": "at", "+": "plus", "=": "equals", ".": "dot", "–": "to", "-": "minus", "×": "times",
          "#": "hash", "*": "asterisk", "/": "slash", "%": "percent", "<": "less", ">": "greater", "≤": "at_most",
          "≥": "at_least", "≠": "unequal", "≈": "about", "~": "about", "±": "plus_minus", "♥": "heart", "→": "arrow",
          "‐": "dash", ":": "ratio"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class SpokenForms:
    """The table of one language; empty where it has none. ``signs``: sign -> its names.

    ``short_forms``: abbreviation in lower case without full stops -> what it stands for.
    ``fractions``: ``1/2`` -> its names. ``units``: symbol without full stops -> what it stands for, where CLDR has no
    such symbol. ``digits``: a digit -> further names that it has in telephone numbers. ``clock`` and ``full_hour`` are
    shapes with ``{h}`` and ``{m}``. ``ordinal_ending`` is a regular expression.
    """

    signs: dict[str, tuple[str, ...]] = field(default_factory=dict)
    short_forms: dict[str, tuple[str, ...]] = field(default_factory=dict)
    fractions: dict[str, tuple[str, ...]] = field(default_factory=dict)
    units: dict[str, tuple[str, ...]] = field(default_factory=dict)
    digits: dict[str, tuple[str, ...]] = field(default_factory=dict)
    clock: tuple[str, ...] = ("{h} {m}",)
    full_hour: tuple[str, ...] = ()
    ordinal_ending: str = "(?!)"


class _Table(TypedDict, total=False):
    """The table of one language as it is written; a sign may also have a key of its own (``_SIGNS``)."""

    signs: dict[str, list[str]]
    short_forms: dict[str, list[str]]
    fractions: dict[str, list[str]]
    units: dict[str, list[str]]
    digits: dict[str, list[str]]
    clock: list[str]
    full_hour: list[str]
    ordinal_ending: str


@cache
def _all() -> dict[str, _Table]:
    return tomllib.loads(_TABLE.read_text(encoding="utf-8"))


@cache
def spoken_forms(language: str) -> SpokenForms:
    """Return the table of a language by its BCP-47 tag."""
    short = primary(language)
    given: _Table = _all().get({**ANOTHER_TAG, "nb": "no"}.get(short, short), {})
    own = cast(Mapping[str, list[str]], given)
    return SpokenForms(
        signs={
            **{sign: tuple(own[key]) for sign, key in _SIGNS.items() if key in own},
            **{sign: tuple(names) for sign, names in given.get("signs", {}).items()},
        },
        short_forms={name: tuple(names) for name, names in given.get("short_forms", {}).items()},
        fractions={name: tuple(names) for name, names in given.get("fractions", {}).items()},
        units={name: tuple(names) for name, names in given.get("units", {}).items()},
        digits={name: tuple(names) for name, names in given.get("digits", {}).items()},
        clock=tuple(given.get("clock", ["{h} {m}"])),
        full_hour=tuple(given.get("full_hour", [])),
        ordinal_ending=given.get("ordinal_ending", "(?!)"),
    )
