"""What a run is to do, decided before anything starts, and the fingerprint that lets it be resumed (layer 4)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

from harness.backends import ADAPTERS
from harness.errors import ConfigError, nearest
from harness.scorers import SCORERS
from harness.store.provenance import file_sha256
from harness.types import Chunk, Corpus, Variant

_SOURCE = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Confirmation:
    """How faulty chunks are replayed at the end."""

    enabled: bool = True
    new_seeds: int = 2
    most_chunks: int = 25  # a backend that fails on everything is not replayed for hours


@dataclass(frozen=True)
class Plan:
    """One run: variants x selected chunks of one corpus, with scorers, limits and margins."""

    suite: str
    corpus: Corpus
    variants: tuple[Variant, ...]
    selection: Mapping[str, tuple[str, ...]]  # variant name -> chunk ids, in corpus order
    reports: Path
    scorers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    reference: Variant | None = None  # judged against, whether it runs along or not
    margins: Mapping[str, Any] = field(default_factory=dict)
    experiment: Mapping[str, Any] = field(default_factory=dict)  # tables of an experiment's own, by its name
    confirmation: Confirmation = Confirmation()
    quiet_chunks: int = 5
    arguments: tuple[str, ...] = ()
    stop_early: bool = False  # by a sequential test of the fault rate
    adopt: Path | None = None  # a run whose sessions are taken over where they are the same as this one's

    def chunks(self, variant: Variant) -> tuple[Chunk, ...]:
        """The selected chunks of a variant, in corpus order."""
        wanted = set(self.selection.get(variant.name, ()))
        return tuple(chunk for chunk in self.corpus.chunks if chunk.id in wanted)

    @property
    def partial(self) -> bool:
        """Whether some chunks of the corpus are left out: a different session than the whole one."""
        return any(len(self.chunks(variant)) < len(self.corpus.chunks) for variant in self.variants)


def choose(variants: Sequence[Variant], names: Sequence[str], suite: str) -> tuple[Variant, ...]:
    """Return the variants with these names, in file order. Raises ConfigError with the nearest name."""
    known = {variant.name: variant for variant in variants if not variant.suites or suite in variant.suites}
    for name in names:
        if name not in known:
            raise ConfigError(f"unknown variant {name!r}{nearest(name, known)}")
    return tuple(variant for variant in known.values() if variant.name in names)


def check(variants: Sequence[Variant]) -> None:
    """Let every adapter look at its variant's settings. Raises ConfigError before anything has run."""
    for variant in variants:
        ADAPTERS.get(variant.adapter, f"{variant.source}: variants.{variant.name}.adapter").check(variant)


def fingerprint(plan: Plan) -> dict[str, Any]:
    """What must be unchanged for a run to be resumed: models, corpus, settings, limits, code (hashes or plain JSON)."""
    return {
        "suite": plan.suite,
        "corpus": {"name": plan.corpus.name, "sha256": plan.corpus.sha256},
        "selection": {name: _digest(list(ids)) for name, ids in plan.selection.items()},
        "models": {variant.name: model_hashes(variant) for variant in plan.variants},
        "settings": {variant.name: _settings(variant) for variant in plan.variants},
        "scorers": {name: dict(options) for name, options in plan.scorers.items()},
        "limits": json.loads(_json({**plan.margins, **plan.experiment})),
        "code": code_sha256(),
    }


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Name what differs between two fingerprints, e.g. ``models.q4_k_s.model``."""
    found: list[str] = []
    for key in sorted(set(before) | set(now)):
        old, new = before.get(key), now.get(key)
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            found += [f"{key}.{inner}" for inner in differences(old, new)]
        elif old != new:
            found.append(key)
    return found


def model_hashes(variant: Variant) -> dict[str, str]:
    """SHA-256 of every file that the variant's settings name."""
    paths = {key: Path(value) for key, value in variant.settings.items() if isinstance(value, str)}
    return {key: file_sha256(path) for key, path in sorted(paths.items()) if path.is_absolute() and path.is_file()}


def standard_keys(plan: Plan, reference: Variant) -> dict[str, str]:
    """What a profile and limits must have been made under to serve this plan: the reference's model, the scorers."""
    keys = {f"model.{name}": sha256 for name, sha256 in model_hashes(reference).items()} if reference.reference else {}
    for name, options in plan.scorers.items():
        made: Any = cast("type[Any]", SCORERS.get(name))(**options)
        keys[f"scorer.{name}"] = made.version
    return keys


def code_sha256() -> str:
    """Hash of the harness's own source files."""
    digest = hashlib.sha256()
    for path in sorted(_SOURCE.rglob("*.py")):
        digest.update(str(path.relative_to(_SOURCE)).encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _settings(variant: Variant) -> dict[str, Any]:
    plain = replace(variant, source="", profile=None, calibration=None)
    return {
        name: value if isinstance(value, str | int | float | bool | type(None)) else json.loads(_json(value))
        for name, value in ((slot, getattr(plain, slot)) for slot in plain.__slots__)
    }


def _json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=str)


def _digest(value: Any) -> str:
    return hashlib.sha256(_json(value).encode()).hexdigest()
