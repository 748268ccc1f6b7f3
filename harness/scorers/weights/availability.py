"""Whether a known model is on this machine, from where, and whether its bytes are the right ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from harness.core.errors import ConfigError
from harness.scorers.weights import sources
from harness.scorers.weights.cache import remove_folder
from harness.scorers.weights.catalogue import KnownModel
from harness.scorers.weights.folder import keep_copy, locate
from harness.scorers.weights.hub import fetch


@dataclass(frozen=True, slots=True)
class Availability:
    """``source`` is where a model would be taken from, None where it is not here; ``problem`` why it cannot be used."""

    source: str | None
    problem: str | None = None


def availability(model: KnownModel) -> Availability:
    """Look for a model in the order of ``model_folder`` and check it; nothing is fetched, joined or written."""
    carrier = sources.carrier(model)
    place = carrier.in_place() if carrier is not None else None
    cached = sources.cached(model)
    if place is None and cached.folder.is_dir():
        place = cached
    if place is None and carrier is not None:
        return _checked(f"{carrier.source}, brought together in the cache at first use", carrier.check)
    place = place or sources.hub_cached(model)
    if place is None:
        return Availability(None)
    return _checked(place.source, partial(place.check, model))


def obtain(model: KnownModel, offline: bool, path: Path | None = None) -> sources.ModelPlace:
    """Make sure that a model is here, and return where. A damaged copy in a cache is replaced.

    With ``path``, a folder that has its files, these are copied into the project's cache. Raises ConfigError.
    """
    cached = sources.cached(model)
    if cached.folder.is_dir() and _is_damaged(cached, model):
        remove_folder(cached.folder)
    place = _fetched_again(model) if path is None and not offline else None
    place = place or locate(model, offline, path)
    return keep_copy(model, place) if path is not None else place


def _fetched_again(model: KnownModel) -> sources.ModelPlace | None:
    """Return the hub's copy, fetched again, where it would be used and is damaged; else None."""
    if sources.carrier(model) is not None or sources.cached(model).folder.is_dir():
        return None
    hub = sources.hub_cached(model)
    if hub is None or not _is_damaged(hub, model):
        return None
    place = fetch(model, again=True)
    place.check(model)
    return place


def _is_damaged(place: sources.ModelPlace, model: KnownModel) -> bool:
    return _checked(place.source, partial(place.check, model)).problem is not None


def _checked(source: str, check: Callable[[], None]) -> Availability:
    try:
        check()
    except ConfigError as error:
        return Availability(source, str(error))
    return Availability(source)
