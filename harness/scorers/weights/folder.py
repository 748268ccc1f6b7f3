"""The verified folder of a model, from the first place that has it."""

from __future__ import annotations

import hashlib
from functools import partial
from pathlib import Path

from harness.core.durable import sync
from harness.core.errors import ConfigError
from harness.scorers.weights import sources
from harness.scorers.weights.cache import put_once
from harness.scorers.weights.catalogue import KnownModel, PinnedFile, known_model
from harness.scorers.weights.foreign import foreign_folder, is_path
from harness.scorers.weights.hub import absent, fetch, is_offline

_BLOCK = 1 << 20


def model_folder(name: str, *, offline: bool | None = None, path: Path | None = None) -> Path:
    """Return a folder with the CTranslate2 files of a model, every file checked against the catalogue's hash.

    Looked for in this order: ``path``; the installed packages that carry it; the project's cache; the hub's cache; the
    hub, unless ``offline`` (None: as ``HF_HUB_OFFLINE`` says). ``name`` may also be the path of a folder with any
    CTranslate2 Whisper model, whose format is checked. Raises ConfigError, one line with what to do.
    """
    without_hub = is_offline() if offline is None else offline
    if is_path(name):
        return foreign_folder(Path(name), without_hub)
    return locate(known_model(name), without_hub, path).folder


def locate(model: KnownModel, offline: bool, path: Path | None = None) -> sources.ModelPlace:
    """Return the first place that has the model, its files checked. Raises ConfigError."""
    place = sources.given(model, path) if path is not None else _here(model)
    if place is None:
        if offline:
            raise ConfigError(absent(model, "the network is not to be used"))
        place = fetch(model)
    place.check(model)
    return place


def keep_copy(model: KnownModel, place: sources.ModelPlace) -> sources.ModelPlace:
    """Copy the files of a checked place into the project's cache, and return that place. Raises ConfigError."""
    return _assembled(model, {file: [place.folder / file.name] for file in model.files}, place.remedy)


def _here(model: KnownModel) -> sources.ModelPlace | None:
    carrier = sources.carrier(model)
    if carrier is not None:
        in_place = carrier.in_place()
        if in_place is not None:
            return in_place
    cached = sources.cached(model)
    if cached.folder.is_dir():
        return cached
    if carrier is not None:
        carrier.check()
        return _assembled(model, {f: [carrier.paths[p] for p in f.parts] for f in model.files}, "install it again")
    return sources.hub_cached(model)


def _assembled(model: KnownModel, paths: dict[PinnedFile, list[Path]], remedy: str) -> sources.ModelPlace:
    """Bring the files of a model together in the project's cache."""
    place = sources.cached(model)
    put_once(place.folder, model.size, Path.is_dir, partial(_join_all, paths, remedy))
    return place


def _join_all(paths: dict[PinnedFile, list[Path]], remedy: str, folder: Path) -> None:
    for file, parts in paths.items():
        _join(parts, folder / file.name, file, remedy)


def _join(parts: list[Path], target: Path, expected: PinnedFile, remedy: str) -> None:
    """Write ``parts`` one after the other to ``target``; the hash is that of the bytes which were written."""
    digest = hashlib.sha256()
    with target.open("xb") as output:
        for part in parts:
            with part.open("rb") as file:
                while block := file.read(_BLOCK):
                    digest.update(block)
                    output.write(block)
        output.flush()
        sync(output.fileno())
    if digest.hexdigest() != expected.sha256:
        joined = " + ".join(map(str, parts))
        raise ConfigError(f"{joined}: expected sha256 {expected.sha256}, got {digest.hexdigest()}; {remedy}")
