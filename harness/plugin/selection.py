"""From options to test items, and from the items that were kept to a plan."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.core.errors import ConfigError, SoakError, nearest
from harness.core.records import Corpus, ScorerOptions, SeedPolicy, Variant
from harness.core.suites import DECLARED_SUITES, suite_of
from harness.core.toml import read_tables
from harness.core.variants import load_variants
from harness.plugin.options import SuiteOptions

if TYPE_CHECKING:
    from harness.engine.plan import Confirmation, Plan


@dataclass(frozen=True)
class SuiteCase:
    """One test item's question: this chunk of this variant."""

    variant: str
    chunk_id: str

    def __str__(self) -> str:
        return f"{self.variant}-{self.chunk_id}"


@dataclass(frozen=True)
class SuiteContext:
    """All that a suite can ask about: the variants it takes and the corpus it speaks."""

    suite: str
    folder: Path
    variants: tuple[Variant, ...]
    corpus: Corpus
    references: tuple[Variant, ...] = ()  # also where only others are asked about

    @classmethod
    def load(cls, asked: SuiteOptions, folder: Path) -> SuiteContext:
        """Read variants and corpus for the suite in ``folder``. Raises SoakError with one clear line."""
        from harness.corpora import head, load_corpus
        from harness.store import remember_secrets, secrets_in

        suite = folder.name
        declared = suite_of(suite)
        variants = load_variants(asked.getoption("variants"))
        for variant in variants:
            remember_secrets(secrets_in(variant.settings))
        taken = tuple(variant for variant in variants if not variant.suites or suite in variant.suites)
        references = tuple(_with(variant, asked.settings) for variant in taken if variant.reference)
        named = asked.getoption("variant") or asked.variants
        if named:
            taken = _named(taken, named, asked.getoption("variants"), suite)
        taken = tuple(_asked_of(_with(variant, asked.settings), asked) for variant in taken)
        spec = asked.getoption("corpus") or _manifest_of(taken) or declared.corpus
        corpus = load_corpus(spec, asked.getoption("language"))
        most = asked.getoption("chunks") or (None if asked.getoption("corpus") else declared.chunks)
        return cls(suite, folder, taken, head(corpus, most), references)

    def asks(self) -> list[SuiteCase]:
        """Return every chunk of every variant, variant by variant, in corpus order."""
        return [SuiteCase(variant.name, chunk.id) for variant in self.variants for chunk in self.corpus.chunks]


def _manifest_of(variants: tuple[Variant, ...]) -> str | None:
    """Return the one list that all variants are recordings of: it is the corpus, too."""
    lists = {str(v.settings.get("manifest")) if v.adapter == "recorded" else None for v in variants}
    return lists.pop() if len(lists) == 1 else None


def _with(variant: Variant, settings: Mapping[str, object]) -> Variant:
    return replace(variant, settings={**variant.settings, **settings})


def _asked_of(variant: Variant, asked: SuiteOptions) -> Variant:
    """Return the variant with the command line's seed and limits. Raises ConfigError for a file that is not there."""
    seed, calibration = asked.getoption("seed"), asked.getoption("calibration")
    if calibration is not None and not calibration.is_file():
        raise ConfigError(f"--calibration {calibration}: no such file")
    if seed is not None:
        if variant.seed_policy is SeedPolicy.NONE:
            raise ConfigError(f'--seed {seed}: variant {variant.name!r} takes no seed (seed_policy = "none")')
        variant = replace(variant, seed=seed, seed_policy=SeedPolicy.FIXED)
    return variant if calibration is None else replace(variant, calibration=calibration)


def _named(taken: tuple[Variant, ...], names: Iterable[str], file: Path, suite: str) -> tuple[Variant, ...]:
    by_name = {variant.name: variant for variant in taken}
    wrong = [
        f"{file}: {suite} has no variant {name!r}{nearest(name, by_name)}" for name in names if name not in by_name
    ]
    if wrong:
        raise ConfigError("\n".join(wrong))
    return tuple(variant for variant in taken if variant.name in set(names))


def other_problems(asked: SuiteOptions, folder: Path) -> list[str]:
    """Return what else is wrong where a scene could not be read: corpus, scorers, limits file, one line each."""
    from harness.corpora import load_corpus

    problems: list[str] = []
    for look in (
        lambda: load_corpus(asked.getoption("corpus"), asked.getoption("language")) if asked.getoption("corpus") else 0,
        lambda: _scorers(asked, (), asked.getoption("asr")),
        lambda: load_margins(limits_file(asked, folder)),
    ):
        try:
            look()
        except SoakError as error:
            problems += str(error).splitlines()
    return problems


def pairs_of(asked: SuiteOptions, folder: Path, name: str) -> list[str]:
    """Return every pair that the limits file names for the suite ``name``. Raises ConfigError."""
    suite, file = suite_of(name), limits_file(asked, folder)
    with limits_named(file):
        return suite.pair_names(load_margins(file).get(suite.name, {}))


def _confirmation(asked: SuiteOptions, soaks: bool) -> Confirmation:
    from harness.engine.plan import Confirmation

    enabled = soaks and not asked.getoption("no_confirm")
    return Confirmation(enabled, asked.getoption("replay_seeds"), asked.getoption("replay_most"))


def plan_for(asked: SuiteOptions, scene: SuiteContext, items: Iterable[pytest.Item], adopt: Path | None = None) -> Plan:
    """Return the plan that the kept items amount to: their variants and chunks, or whole variants for claims alone."""
    from harness.engine.plan import Plan, choose_variants
    from harness.scorers import default_scorers
    from harness.scorers.asr import asr_of

    wanted, pairs = _wanted(items)
    every = [chunk.id for chunk in scene.corpus.chunks]
    by_name = {variant.name: variant for variant in (*scene.variants, *scene.references)}
    if asked.getoption("with_reference"):
        _take_references(wanted, by_name, asked.getoption("variants"))
    variants = choose_variants(tuple(by_name.values()), list(wanted), scene.suite)
    references = {variant.name: by_name[variant.against] for variant in variants if variant.against in by_name}
    reference = _one_reference(scene, variants, references)
    tables, soaks = _tables(asked, scene, pairs), suite_of(scene.suite).is_soak
    ordered = tuple(sorted(variants, key=lambda variant: not variant.reference))
    return Plan(
        suite=scene.suite,
        corpus=scene.corpus,
        variants=ordered,
        selection={name: tuple(key for key in every if not ids or key in ids) for name, ids in wanted.items()},
        reports=asked.getoption("reports"),
        scorers=_scorers(asked, default_scorers(suite_of(scene.suite)), asr_of(ordered, asked.getoption("asr"))),
        reference=reference,
        references=references if reference is None else {},
        margins={name: table for name, table in tables.items() if name not in DECLARED_SUITES},
        experiment={name: table for name, table in tables.items() if name in DECLARED_SUITES},
        confirmation=_confirmation(asked, soaks),
        quiet_chunks=0 if asked.getoption("clients") > 1 else asked.getoption("quiet_chunks"),
        clients=asked.getoption("clients"),
        jobs=asked.getoption("jobs"),
        shards=asked.getoption("shards") if soaks else 1,
        ray=asked.getoption("ray"),
        arguments=asked.arguments,
        stop_early=asked.getoption("stop_early") and soaks,
        patience=asked.getoption("patience"),
        left_out=_left_out(asked, scene.suite),
        adopt=adopt,
    )


def _take_references(wanted: dict[str, set[str]], known: Mapping[str, Variant], file: Path) -> None:
    """Add to what is spoken the references of what is spoken, on the same chunks."""
    asked = {name: known[name].against or (name if known[name].reference else None) for name in wanted if name in known}
    if not any(asked.values()):
        raise ConfigError(f"{file}: --with-reference, but no variant has reference = true or is named as a reference")
    for name, reference in asked.items():
        if reference in known:
            wanted[str(reference)] = wanted.get(str(reference), set()) | wanted[name]


def _one_reference(scene: SuiteContext, found: Iterable[Variant], references: Mapping[str, Variant]) -> Variant | None:
    """Return the one reference of a run, None for none or several. Raises ConfigError where a suite takes only one."""
    distinct = {one.name: one for one in (*references.values(), *(v for v in found if v.reference))}
    if not distinct and len(scene.references) == 1:
        return scene.references[0]
    if len(distinct) > 1 and not suite_of(scene.suite).is_soak:
        names = " and ".join(distinct)
        raise ConfigError(f"{scene.suite} compares with one reference, here are {names}: choose one with --variant")
    return next(iter(distinct.values())) if len(distinct) == 1 else None


def _wanted(items: Iterable[pytest.Item]) -> tuple[dict[str, set[str]], set[str]]:
    """Chunk ids by variant (none: the whole variant, for its claims), and the pairs of a comparison."""
    wanted: dict[str, set[str]] = {}
    pairs: set[str] = set()
    for item in items:
        params = getattr(item, "callspec", None)
        given = params.params if params is not None else {}
        chunk, name = given.get("chunk"), given.get("variant")
        pairs |= {str(given["pair"])} if "pair" in given else set()
        if isinstance(chunk, SuiteCase):
            wanted.setdefault(chunk.variant, set()).add(chunk.chunk_id)
        elif isinstance(name, str):
            wanted.setdefault(name, set())
    return wanted, pairs


def _tables(asked: SuiteOptions, scene: SuiteContext, pairs: set[str]) -> dict[str, dict[str, object]]:
    """Margins and experiments of the suite's limits file, with what the command line changes."""
    tables = load_margins(limits_file(asked, scene.folder))
    if "pairs" in tables.get(scene.suite, {}):
        tables[scene.suite]["chosen"] = sorted(pairs)
    own = asked.margins if suite_of(scene.suite).is_soak else {scene.suite: asked.margins}
    for name, given in own.items():
        if not isinstance(given, Mapping):
            raise ConfigError(f"margins: {name} must be a table")
        tables[name] = {**tables.get(name, {}), **given}
    return tables


def limits_file(asked: SuiteOptions, folder: Path) -> Path:
    """Return the file of the margins: the one that was asked for, else the suite's own."""
    given = asked.getoption("limits")
    return Path(given) if given is not None else folder / "limits.toml"


@contextmanager
def limits_named(file: Path, margins: Mapping[str, object] | None = None) -> Iterator[None]:
    """Have errors about limits name their ``file``; ``margins`` are those that the plan of a night lays over it."""
    try:
        yield
    except ConfigError as error:
        place = f"{file}, with the plan's margins" if margins else str(file)
        named = "\n".join(re.sub("^limits: ", f"{place}: ", line) for line in str(error).split("\n"))
        if named == str(error):
            raise
        raise ConfigError(named) from None


def load_margins(path: Path) -> dict[str, dict[str, object]]:
    """Return margins of the suite's claims. Raises ConfigError naming file and line."""
    return read_tables(path, "limits file")


def _left_out(asked: SuiteOptions, suite: str) -> tuple[str, ...]:
    """Return what a choice of scorers leaves out; nothing where there was no choice, or none at all was chosen."""
    named = [name.strip() for name in (asked.getoption("scorers") or "").split(",") if name.strip()]
    if not named or "none" in named:
        return ()
    return tuple(name for name in suite_of(suite).scorers if name not in named)


def _scorers(asked: SuiteOptions, default: tuple[str, ...], asr: str | None) -> dict[str, ScorerOptions]:
    from harness.scorers import chosen
    from harness.scorers.speaker_encoders import speaker_encoder

    named = asked.getoption("scorers")
    names = default if named is None else tuple(name.strip() for name in named.split(",") if name.strip() != "none")
    options = chosen(names, asr, asked.getoption("asr_device"), asked.getoption("normaliser"))
    if (mos := asked.getoption("mos")) is not None:
        options[_mos(mos)] = {}
    if (encoder := asked.getoption("speaker")) is not None and "speaker" in options:
        speaker_encoder(encoder).setup()  # a file that is no encoder is refused before anything is spoken
        options["speaker"] = {"encoder": encoder}
    return options


def _mos(name: str) -> str:
    from harness.scorers import MOS_PREDICTORS

    if name not in MOS_PREDICTORS:
        raise ConfigError(
            f"--mos: unknown predictor {name!r}{nearest(name, MOS_PREDICTORS)}; --mos alone comes last or is written "
            f"--mos=dnsmos, what follows it is taken for its name"
        )
    return name
