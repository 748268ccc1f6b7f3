"""The errors a user can see. Each prints as one line: what, where, the nearest valid choice."""

from __future__ import annotations

import difflib
import importlib.util
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import ValidationError

_LISTED = 12  # choices that a line names


def nearest(word: str, choices: Iterable[str]) -> str:
    """Return `` (did you mean 'x'?)`` for the closest choice, else the list of choices, else nothing."""
    names = sorted(choices)
    close = difflib.get_close_matches(word, names, n=1, cutoff=0.5)
    if close:
        return f" (did you mean {close[0]!r}?)"
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return f" (choose from: {', '.join(names[:_LISTED])}{more})" if names else ""


def refuse_unknown(where: str, given: Iterable[str], known: Iterable[str]) -> None:
    """Raise ConfigError, with the nearest choice, for the first key of ``given`` that is not ``known``."""
    names = set(known)
    for key in given:
        if key not in names:
            raise ConfigError(f"{where}: unknown key {key!r}{nearest(key, names)}")


def first_problem(error: ValidationError) -> str:
    """Return the first thing that a model does not accept, on one line: ``key.of.it: what is wrong``."""
    first = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(map(str, first["loc"]))
    message = "is missing" if first["type"] == "missing" else readable_problem(first["msg"])
    return f"{place}: {message}" if place else message


def readable_problem(message: str) -> str:
    """Return pydantic's message as the end of a line of ours."""
    told = " ".join(message.removeprefix("Value error, ").split())
    return f"{told[:1].lower()}{told[1:]}"


class SoakError(Exception):
    """Base of all errors that are the user's to mend; ``exit_code`` is what the process ends with."""

    exit_code = 4


class ConfigError(SoakError):
    """A variants file, limits file or option that cannot be used."""


class CorpusError(SoakError):
    """A corpus that cannot be used: absent, empty, duplicate ids, not text."""


class AudioError(SoakError):
    """Bytes that are not readable audio. Within a run this becomes an outcome, not an error."""


class NoFrames(AudioError):
    """An audio file that can be read and has nothing in it."""


class StoreError(SoakError):
    """A run directory that cannot be used, resumed or written; what was acknowledged is still there."""

    exit_code = 3


class CannotStore(StoreError):
    """One record holds something that the journal has no place for; the journal itself is well."""


class ResumeRefused(StoreError):
    """Model, corpus, settings or code changed since the run began."""

    exit_code = 4


class MissingExtra(SoakError):
    """An optional package is not installed; the message names the extra."""


def need_packages(install: str, *packages: str) -> None:
    """Raise MissingExtra, saying what pip is to ``install``, where one of these packages cannot be imported."""
    missing = [name for name in packages if importlib.util.find_spec(name) is None]
    if missing:
        raise MissingExtra(f"{' and '.join(missing)}: not installed; pip install {install}")
