"""TOML files that a user writes: a misspelled key is refused, with file, key and nearest key, before any speech."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from harness.core.errors import ConfigError
from harness.core.paths import SUITES
from harness.core.project import project_defaults
from harness.core.suites import suite_of
from harness.core.variants import load_variants
from harness.engine.night import NightPlan
from harness.engine.preflight import refuse
from harness.engine.progress import Quiet
from harness.plugin.selection import limits_named, load_margins
from harness.report.gates import Gates
from tools.attacks.damage import plan_in

# suite -> a table of its limits file with a misspelled key, the key, and the one that was meant
LIMITS = {
    "stress": ("[drift]\nalpa = 0.01\n", "alpa", "alpha"),
    "canary": ("[canary]\nword_min = 6\n", "word_min", "words_min"),
    "determinism": ("[determinism]\nprobs = 8\n", "probs", "probes"),
    "isolation": ("[isolation]\nmel_mx = 3.0\n", "mel_mx", "mel_max"),
    "ladder": ("[ladder]\ntakes_shrt = 3\n", "takes_shrt", "takes_short"),
    "parity": ("[parity.stage]\ncosin_min = 0.9\n", "cosin_min", "cosine_min"),
    "quantization": ("[quantization]\nwer_mx = 0.05\n", "wer_mx", "wer_max"),
    "sensitivity": ("[sensitivity]\nminuts = 0\n", "minuts", "minutes"),
    "sweep": ("[sweep.gird]\ntemperature = [0.5]\n", "gird", "grid"),
}


def _project(path: Path) -> object:
    return project_defaults(path.parent)


OTHERS: dict[str, tuple[Callable[[Path], object], str, str, str]] = {
    "variants.toml": (load_variants, '[variants.a]\nadapter = "null"\nlangage = "en"\n', "langage", "language"),
    "tables.toml": (load_variants, '[variant.a]\nadapter = "null"\n', "variant", "variants"),
    "plan.toml": (NightPlan.load, "[suites]\nstress = { chunk = 3 }\n", "chunk", "chunks"),
    "top-of-plan.toml": (NightPlan.load, 'variant = ["a"]\n[suites]\nstress = {}\n', "variant", "variants"),
    "gates.toml": (Gates.load, "[gates]\nslowdwn = 0.1\n", "slowdwn", "slowdown"),
    "pyproject.toml": (_project, '[tool.tts-soak]\ncorpsu = "book"\n', "corpsu", "corpus"),
}


def test_every_suite_with_a_limits_file_stands_in_the_table() -> None:
    assert {file.parent.name for file in SUITES.glob("*/limits.toml")} == {*LIMITS, "nightly"}  # nightly: gates.toml


@pytest.mark.parametrize("suite", LIMITS)
def test_a_misspelled_key_of_a_limits_file_costs_a_second_not_a_run(tmp_path: Path, suite: str) -> None:
    text, key, meant = LIMITS[suite]
    file = tmp_path / "limits.toml"
    file.write_text(text)
    plan = plan_in(tmp_path / "night", chunks=1)
    tables, declared = load_margins(file), suite_of(suite)
    with pytest.raises(ConfigError) as refused, limits_named(file):
        if declared.is_soak:
            refuse(replace(plan, margins=tables))
        else:
            declared.carry_out()(replace(plan, suite=suite, margins={}, experiment=tables), Quiet(), None)
    assert_told(refused, file, key, meant)
    assert not plan.reports.exists() or not list(plan.reports.iterdir())


@pytest.mark.parametrize("name", OTHERS)
def test_a_misspelled_key_of_any_other_file_is_told_with_the_nearest(tmp_path: Path, name: str) -> None:
    read, text, key, meant = OTHERS[name]
    file = tmp_path / name
    file.write_text(text)
    with pytest.raises(ConfigError) as refused:
        read(file)
    assert_told(refused, file, key, meant)


def test_a_misspelled_setting_of_an_adapter_is_told_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "variants.toml"
    file.write_text('[variants.a]\nadapter = "null"\n[variants.a.settings]\nsecond_per_word = 0.2\n')
    with pytest.raises(ConfigError) as refused:
        refuse(replace(plan_in(tmp_path / "night", chunks=1), variants=load_variants(file)))
    assert_told(refused, file, "second_per_word", "seconds_per_word")


def assert_told(refused: pytest.ExceptionInfo[ConfigError], file: Path, key: str, meant: str) -> None:
    told = str(refused.value)
    assert told.startswith(str(file)) and "\n" not in told
    assert key in told and f"did you mean {meant!r}?" in told
