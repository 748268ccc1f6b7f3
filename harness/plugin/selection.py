"""From options to test items, and from the items that were kept to a plan (layer 6)."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from harness.errors import ConfigError, nearest
from harness.experiments import EXPERIMENTS
from harness.scorers import SCORERS
from harness.types import Corpus, Variant
from harness.variants import load_variants

if TYPE_CHECKING:
    from harness.engine.plan import Plan

_DEFAULT_CORPUS = {"sentences": "sentences", "ladder": "ladder:words=512"}  # elsewhere the book
_DEFAULT_CHUNKS = {"quantization": 100, "sweep": 30}  # elsewhere the whole corpus
_SCORERS = ("signal", "pitch", "tokens", "forced_alignment", "intelligibility", "speaker", "second_opinion")
_DEFAULT_SCORERS = {"determinism": ("intelligibility",)}  # elsewhere all of them


@dataclass(frozen=True)
class Ask:
    """One test item's question: this chunk of this variant."""

    variant: str
    chunk_id: str

    def __str__(self) -> str:
        return f"{self.variant}-{self.chunk_id}"


@dataclass(frozen=True)
class Scene:
    """All that a suite can ask about: the variants it takes and the corpus it speaks."""

    suite: str
    folder: Path
    variants: tuple[Variant, ...]
    corpus: Corpus

    @classmethod
    def load(cls, config: pytest.Config, folder: Path) -> Scene:
        """Read variants and corpus for the suite in ``folder``. Raises SoakError with one clear line."""
        from harness.corpora import load_corpus

        suite = folder.name
        variants = load_variants(config.getoption("variants"))
        taken = tuple(variant for variant in variants if not variant.suites or suite in variant.suites)
        spec = config.getoption("corpus") or _DEFAULT_CORPUS.get(suite, "book")
        corpus = load_corpus(spec, config.getoption("language"))
        most = config.getoption("chunks") or (None if config.getoption("corpus") else _DEFAULT_CHUNKS.get(suite))
        if most is not None:
            corpus = Corpus(corpus.name, corpus.chunks[:most], corpus.sha256, corpus.source)
        return cls(suite, folder, taken, corpus)

    def asks(self) -> list[Ask]:
        """Every chunk of every variant, variant by variant, in corpus order."""
        return [Ask(variant.name, chunk.id) for variant in self.variants for chunk in self.corpus.chunks]


def plan_for(config: pytest.Config, scene: Scene, items: Iterable[pytest.Item]) -> Plan:
    """The plan that the kept items amount to: their variants and chunks, or whole variants for claims alone."""
    from harness.engine.plan import Confirmation, Plan, choose

    wanted: dict[str, set[str]] = {}
    for item in items:
        params = getattr(item, "callspec", None)
        ask = params.params.get("chunk") if params is not None else None
        name = params.params.get("variant") if params is not None else None
        if isinstance(ask, Ask):
            wanted.setdefault(ask.variant, set()).add(ask.chunk_id)
        elif isinstance(name, str):
            wanted.setdefault(name, set())
    every = [chunk.id for chunk in scene.corpus.chunks]
    reference = next((variant for variant in scene.variants if variant.reference), None)
    if config.getoption("with_reference"):
        if reference is None:
            raise ConfigError(f"{config.getoption('variants')}: --with-reference, but no variant has reference = true")
        union = set().union(*wanted.values()) if wanted else set()
        wanted[reference.name] = wanted.get(reference.name, set()) | union
    chosen = choose(scene.variants, list(wanted), scene.suite)
    tables = load_margins(config.getoption("limits") or scene.folder / "limits.toml")
    ordered = tuple(sorted(chosen, key=lambda variant: not variant.reference))
    return Plan(
        suite=scene.suite,
        corpus=scene.corpus,
        variants=ordered,
        selection={name: tuple(chunk for chunk in every if not ids or chunk in ids) for name, ids in wanted.items()},
        reports=config.getoption("reports"),
        scorers=_scorers(config, _default_scorers(scene.suite)),
        reference=reference,
        margins={name: table for name, table in tables.items() if name not in EXPERIMENTS},
        experiment={name: table for name, table in tables.items() if name in EXPERIMENTS},
        confirmation=Confirmation(
            enabled=not config.getoption("no_confirm") and scene.suite not in EXPERIMENTS,
            new_seeds=config.getoption("replay_seeds"),
            most_chunks=config.getoption("replay_most"),
        ),
        quiet_chunks=config.getoption("quiet_chunks"),
        arguments=tuple(str(argument) for argument in config.invocation_params.args),
    )


def load_margins(path: Path) -> dict[str, Any]:
    """Margins of the suite's claims. Raises ConfigError naming file and line."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot read the limits file ({error.strerror})") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: not valid TOML: {error}") from None


def _default_scorers(suite: str) -> tuple[str, ...]:
    """A second recognizer serves the confirmation of faults, which experiments leave out."""
    return _DEFAULT_SCORERS.get(suite, _SCORERS[:-1] if suite in EXPERIMENTS else _SCORERS)


def _scorers(config: pytest.Config, default: tuple[str, ...]) -> dict[str, dict[str, Any]]:
    named = config.getoption("scorers")
    names = default if named is None else tuple(name.strip() for name in named.split(",") if name.strip() != "none")
    for name in names:
        if name not in SCORERS:
            raise ConfigError(f"--scorers: unknown scorer {name!r}{nearest(name, SCORERS)}")
    chosen: dict[str, dict[str, Any]] = {name: {} for name in names}
    asr = config.getoption("asr")
    if asr is not None and "intelligibility" in chosen:
        chosen["intelligibility"] = {"asr": asr}
    if config.getoption("mos"):
        chosen["dnsmos"] = {}
    return chosen
