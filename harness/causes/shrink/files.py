"""What a shrink leaves behind: the smallest corpus, the untouched original, frozen limits, the failing command."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Iterable, Mapping
from pathlib import Path

from harness.causes.shrink.outcome import ShrinkOutcome, SpokenText
from harness.core.durable import write_whole
from harness.core.paths import SUITES
from harness.core.records import ScorerOptions, SeedPolicy, Variant
from harness.verdicts import Limits

SMALLEST, ORIGINAL, LIMITS = "smallest.jsonl", "original.jsonl", "limits.json"


def write_inputs(folder: Path, outcome: ShrinkOutcome, limits: Limits) -> None:
    """Write both corpora and the limits into a folder. Raises OSError."""
    _write_corpus(folder / ORIGINAL, [outcome.original])
    _write_corpus(folder / SMALLEST, [*outcome.earlier, outcome.smallest])
    limits.save(folder / LIMITS)


def _write_corpus(path: Path, texts: Iterable[SpokenText]) -> None:
    write_whole(path, "".join(json.dumps(one.row(), ensure_ascii=False) + "\n" for one in texts))


def failing_command(
    folder: Path, outcome: ShrinkOutcome, variant: Variant, scorers: Mapping[str, ScorerOptions]
) -> str:
    """Return the pytest command that speaks the smallest corpus once, and judges it by the limits of the run."""
    places = (SUITES / "stress", Path(variant.source), folder / SMALLEST, folder / LIMITS)
    suite, variants, corpus, limits = map(_short, places)
    seeded = not outcome.earlier and variant.seed_policy is not SeedPolicy.NONE
    return stress_command(
        (suite, variants, corpus, limits), variant.name, scorers, outcome.smallest.seed if seeded else None
    )


def stress_command(
    places: tuple[str, str, str, str], variant: str, scorers: Mapping[str, ScorerOptions], seed: int | None
) -> str:
    """Return a command of the stress suite that asks once; ``places``: of the suite, variants, corpus and limits."""
    suite, variants, corpus, limits = places
    words = ["pytest", suite, "--variants", variants, "--variant", variant, "--corpus", corpus]
    words += ["--calibration", limits, "--scorers", ",".join(scorers) or "none"]
    heard = scorers.get("intelligibility") or scorers.get("edit_likelihood") or {}
    words += ["--asr", str(heard["asr"])] if heard.get("asr") else []
    words += ["--asr-device", str(heard["device"])] if heard.get("device") else []
    words += ["--speaker", str(scorers["speaker"]["encoder"])] if scorers.get("speaker", {}).get("encoder") else []
    words += ["--seed", str(seed)] if seed is not None else []
    return shlex.join([*words, "--no-confirm", "--quiet-chunks", "0"])


def _short(path: Path) -> str:
    """Return the path as it is written in a command: relative where it lies below the working folder."""
    whole, here = path.absolute(), Path.cwd()
    return os.path.relpath(whole, here) if whole.is_relative_to(here) else str(whole)
