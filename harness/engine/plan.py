"""What a run is to do, decided before anything starts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from harness.core.errors import ConfigError, nearest
from harness.core.records import Chunk, Corpus, ScorerOptions, Variant
from harness.engine.session import PATIENCE
from harness.scorers import chosen
from harness.scorers.asr import asr_of


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
    scorers: Mapping[str, ScorerOptions] = field(default_factory=dict)
    reference: Variant | None = None  # judged against, whether it runs along or not; None where there are several
    references: Mapping[str, Variant] = field(default_factory=dict)  # of each variant, where they differ
    margins: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    experiment: Mapping[str, Mapping[str, object]] = field(
        default_factory=dict
    )  # tables of an experiment's own, by its name
    confirmation: Confirmation = Confirmation()
    quiet_chunks: int = 5
    arguments: tuple[str, ...] = ()
    stop_early: bool = False  # by a sequential test of the fault rate
    left_out: tuple[str, ...] = ()  # scorers that were left out on purpose
    clients: int = 1  # that ask at once; more than one for servers only
    patience: float = PATIENCE  # s to wait for a backend that is away
    shards: int = 1  # sessions that each variant's chunks are cut into, consecutive ones
    ray: str | None = None  # address of the Ray cluster that speaks and scores; None: this machine
    jobs: int | None = None  # scoring processes; None: as many as synthesis leaves cores
    adopt: Path | None = None  # a run whose sessions are taken over where they are the same as this one's

    def chunks(self, variant: Variant) -> tuple[Chunk, ...]:
        """Return the selected chunks of a variant, in corpus order."""
        wanted = set(self.selection.get(variant.name, ()))
        return tuple(chunk for chunk in self.corpus.chunks if chunk.id in wanted)

    def reference_of(self, variant: Variant) -> Variant | None:
        """Return the variant that this one is judged against, or None."""
        return self.references.get(variant.name, self.reference)

    def beside_reference(self) -> Plan:
        """Return the plan with the reference first among its variants, over every chunk that any of them speaks.

        An experiment has claims of its own, so there are no margins of a soak in it.
        """
        if self.reference is None or not self.variants:
            return replace(self, margins={})
        every = tuple(dict.fromkeys(chunk for ids in self.selection.values() for chunk in ids))
        others = [variant for variant in self.variants if variant.name != self.reference.name]
        selection = {**self.selection, self.reference.name: every}
        return replace(self, variants=(self.reference, *others), selection=selection, margins={})

    @property
    def partial(self) -> bool:
        """Return whether some chunks of the corpus are left out: a different session than the whole one."""
        return any(len(self.chunks(variant)) < len(self.corpus.chunks) for variant in self.variants)


def choose_variants(variants: Sequence[Variant], names: Sequence[str], suite: str) -> tuple[Variant, ...]:
    """Return the variants with these names, in file order. Raises ConfigError with the nearest name."""
    by_name = {variant.name: variant for variant in variants if not variant.suites or suite in variant.suites}
    for name in names:
        if name not in by_name:
            raise ConfigError(f"unknown variant {name!r}{nearest(name, by_name)}")
    return tuple(variant for variant in by_name.values() if variant.name in names)


def scorers_for(
    variants: Iterable[Variant], names: Iterable[str], asr: str | None = None, device: str = "cpu"
) -> dict[str, ScorerOptions]:
    """Return the options of the named scorers: with the recognizer asked for, else the one that the variants name.

    ``device`` is where it runs. Raises ConfigError for an unknown scorer, and where variants name several recognizers.
    """
    return chosen(names, asr_of(variants, asr), device)
