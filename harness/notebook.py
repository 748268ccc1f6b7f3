"""The stress suite as one function, for notebooks and scripts: from variants to the run table."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from harness.core.errors import ConfigError
from harness.core.paths import SUITES, default_reports, default_variants
from harness.core.records import Variant

if TYPE_CHECKING:
    import pandas as pd

    from harness.engine.plan import Plan


def soak(
    file: str | Path | None = None,
    *,
    variants: Sequence[str] | None = None,
    corpus: str = "book",
    chunks: int | None = None,
    scorers: Sequence[str] | None = None,
    asr: str | None = None,
    confirm: bool = True,
    reports: str | Path | None = None,
) -> pd.DataFrame:
    """Soak the named variants of a variants file as ``pytest suites/stress`` does, and return the run table.

    ``file`` defaults to ./variants.toml, else the embedded voice; ``variants`` to all of it; ``scorers`` to those of
    the suite. The table has a row an attempt; columns are those of ``tts-soak table``. ``attrs["run"]`` is the run's
    directory, with report.html in it. Progress goes to standard error. Raises SoakError, one line, for what cannot
    work: a ConfigError before anything is spoken, a StoreError where the run cannot be written.
    """
    from harness.engine.engine import Engine
    from harness.report import write
    from harness.store.table import run_table
    from harness.terminal import Line

    here = Path.cwd()
    path = Path(file) if file is not None else default_variants(here)
    where = Path(reports) if reports is not None else default_reports(here)
    plan = _stress_plan(path, variants, corpus, chunks, scorers, asr, confirm, where)
    run = Engine(plan, Line(sys.stderr)).run()
    write(run)
    return run_table(run)


def _stress_plan(
    file: Path,
    names: Sequence[str] | None,
    spec: str,
    chunks: int | None,
    scorers: Sequence[str] | None,
    asr: str | None,
    confirm: bool,
    reports: Path,
) -> Plan:
    from harness.core.suites import suite_of
    from harness.core.toml import read_tables
    from harness.corpora import head, load_corpus
    from harness.engine.plan import Confirmation, Plan, scorers_for
    from harness.scorers import default_scorers

    if isinstance(names, str):
        raise ConfigError(f"variants={names!r}: must be a list of names, [{names!r}]")
    if chunks is not None and chunks < 1:
        raise ConfigError(f"chunks={chunks}: must be 1 or more")
    spoken, references = _variants(file, names)
    texts = head(load_corpus(spec), chunks)
    measured = default_scorers(suite_of("stress")) if scorers is None else tuple(scorers)
    distinct = {one.name: one for one in references.values()}
    return Plan(
        suite="stress",
        corpus=texts,
        variants=spoken,
        selection={variant.name: tuple(chunk.id for chunk in texts.chunks) for variant in spoken},
        reports=reports,
        scorers=scorers_for(spoken, measured, asr),
        reference=next(iter(distinct.values())) if len(distinct) == 1 else None,
        references=references if len(distinct) > 1 else {},
        margins=read_tables(SUITES / "stress" / "limits.toml", "limits file"),
        confirmation=Confirmation(enabled=confirm),
    )


def _variants(file: Path, names: Sequence[str] | None) -> tuple[tuple[Variant, ...], dict[str, Variant]]:
    """Return what is spoken, references first, and the reference of each variant that has one."""
    from harness.core.variants import load_variants
    from harness.engine.plan import choose_variants
    from harness.store import remember_secrets, secrets_in

    every = load_variants(file)
    for variant in every:
        remember_secrets(secrets_in(variant.settings))
    suited = [variant.name for variant in every if not variant.suites or "stress" in variant.suites]
    spoken = choose_variants(every, suited if names is None else list(names), "stress")
    by_name = {variant.name: variant for variant in every}
    references = {one.name: by_name[one.against] for one in spoken if one.against in by_name}
    own = {one.name: one for one in spoken if one.reference and one.name not in references}
    return tuple(sorted(spoken, key=lambda variant: not variant.reference)), {**references, **own}
