"""What the determinism suite claims of each arm, and the whole of it on variants that are wrong on purpose."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.backends.llama_codec import LlamaCodec
from harness.core.errors import ConfigError
from harness.core.records import Chunk, Claim, Variant
from harness.core.suites import suite_of
from harness.corpora import load_corpus, make_corpus
from harness.engine.plan import Plan
from harness.engine.progress import Quiet
from harness.experiments.determinism.arms import COMPARED, FRESH_AGAIN, LONGER, Setup, choose_probes
from harness.experiments.determinism.claims import DeterminismResult, arm_figures, determinism_claims
from harness.experiments.determinism.identity import ArmComparison, DeterminismData, DeterminismWord, decide_determinism
from harness.store import Run
from tests._places import ROOT

MODEL = ROOT / "voices" / "duo" / "q4_k_s.gguf"
needs_weights = pytest.mark.skipif(not MODEL.is_file(), reason=f"the weights {MODEL} are not there")
SAME = ArmComparison("x", "a", True, None, True)
MOVED = ArmComparison("x", "a", False, 7, False, shift=0.6)
TIED = ArmComparison("x", "a", False, 7, False, shift=0.004)


def claimed(**arms: list[ArmComparison]) -> dict[str, Claim]:
    compared = {arm: arms.get(arm.replace("-", "_"), [SAME]) for arm in COMPARED}
    data = DeterminismData(compared[FRESH_AGAIN], compared[LONGER], None, texts=3)
    word, why = decide_determinism(data)
    missing = {"companions": "no parallel slots"}
    figures = {arm: arm_figures(comparisons) for arm, comparisons in compared.items()}
    result = DeterminismResult(word.value, why, figures, missing, None, reload_every=2)
    compared["companions"] = []
    return {claim.name: claim for claim in determinism_claims("v", word, why, data, compared, result)}


def test_reloading_is_said_to_cure_only_what_was_measured_to_be_cured() -> None:
    cured = claimed(after_longer=[MOVED, SAME])["reload"]
    assert cured.passed is True and "reloading cures it" in cured.statement
    assert "without a reload 4 of 5 have them" in cured.statement and "2 other texts before it" in cured.statement
    kept = claimed(after_longer=[MOVED], after_reload=[MOVED])["reload"]
    assert kept.passed is False and "reloading does not cure it" in kept.statement
    assert "nothing for a reload to cure" in claimed()["reload"].statement


def test_an_arm_that_the_adapter_cannot_speak_is_not_available_with_its_reason() -> None:
    claim = claimed()["companions"]
    assert claim.passed is None and "not available: no parallel slots" in claim.statement


def test_where_fresh_processes_differ_no_arm_is_judged_by_identity() -> None:
    claims = claimed(fresh_again=[MOVED], after_longer=[MOVED])
    assert claims["fresh-agree"].passed is False
    assert claims["repeat"].passed is None and "between fresh processes" in claims["repeat"].statement


def test_an_arm_says_whether_its_difference_is_more_than_a_tie() -> None:
    assert "no more than a tie" in claimed(threads=[TIED])["threads"].statement
    assert ", more than a tie" in claimed(threads=[MOVED])["threads"].statement


def test_figures_that_are_not_known_stay_unknown() -> None:
    figures = arm_figures([ArmComparison("x", "a", None, None, False)])
    assert figures.same_tokens is None and figures.largest_shift is None and figures.log_mel_db is None


def test_without_the_long_session_its_checkpoints_are_no_probes() -> None:
    chunks = load_corpus("generated:seed=3,chunks=12", None).chunks
    probes, session = choose_probes(chunks, Setup(probes=3, arms=()))
    shortest = sorted(len(chunk.text) for chunk in chunks)[1:4]
    assert session == [] and sorted(len(probe.chunk.text) for probe in probes) == shortest
    probes, session = choose_probes(chunks, Setup(probes=3, checkpoints=(1, 5), arms=("long",)))
    assert len(session) == 5 and {chunks[0], chunks[4]} <= {probe.chunk for probe in probes}
    with pytest.raises(ConfigError, match="did you mean 'reload'"):
        Setup.read({"arms": ["relaod"]})


def test_between_two_renditions_a_longer_and_a_shorter_text_are_spoken() -> None:
    probes, _ = choose_probes(load_corpus("generated:seed=3,chunks=12", None).chunks, Setup(probes=4, arms=()))
    for probe in probes:
        assert len(probe.shorter.text) < len(probe.chunk.text) < len(probe.longer.text)
    assert len({probe.longer.id for probe in probes}) == 4, "other texts before each, or no shuffling tells bleed"


# ------------------------------------------------------------------------------------------- the whole of it
SHORT = ("The lock was stiff.", "It was not silent.", "The horse breathed loudly.", "She went home early that day.",
         "Nobody had seen the old ferry leave.", "They waited until the lamps were lit again.")  # fmt: skip


def carried_out(tmp_path: Path, *variants: Variant, **table: Any) -> tuple[dict[str, Any], list[Claim]]:
    corpus = make_corpus("short", [Chunk(f"s{i}", text) for i, text in enumerate(SHORT)], "this file")
    ids = tuple(chunk.id for chunk in corpus.chunks)
    plan = Plan(
        "determinism",
        corpus,
        variants,
        {variant.name: ids for variant in variants},
        tmp_path / "reports",
        experiment={"determinism": table},
    )
    path = suite_of("determinism").carry_out()(plan, Quiet(), None)
    with Run.open(path) as run:
        return json.loads((path / "results.json").read_text()), run.claims()


def test_the_same_bytes_for_different_texts_are_found_in_any_arm(tmp_path: Path) -> None:
    silent = Variant("silent", "null", {"mode": "silence", "seconds_per_word": 0.001})
    results, by_variant = carried_out(tmp_path, silent, probes=2, arms=[])
    assert results["silent"]["word"] == DeterminismWord.SAME_BYTES.value
    assert next(claim for claim in by_variant if claim.name == "distinct-texts").passed is False


@needs_weights
def test_a_carried_context_is_named_state_bleed_and_its_healthy_twin_is_not(tmp_path: Path) -> None:
    healthy = Variant(
        "q4_k_s", "llama_codec", {"model": str(MODEL), "voice_dir": str(MODEL.parent), "segment_phones": 60}, seed=7
    )
    bleeding = replace(healthy, name="bleed", settings={**healthy.settings, "carry_context": True})
    results, by_variant = carried_out(tmp_path, healthy, bleeding, probes=2, arms=["reload", "companions"])
    assert results["q4_k_s"]["word"] in (DeterminismWord.BIT.value, DeterminismWord.TOKEN.value)
    assert results["bleed"]["word"] == DeterminismWord.BLEED.value
    told = {(claim.variant, claim.name): claim for claim in by_variant}
    assert "reloading cures it" in told["bleed", "reload"].statement
    assert told["q4_k_s", "companions"].count == 2
    assert told["q4_k_s", "threads"].passed is None


@needs_weights
def test_companions_need_parallel_slots() -> None:
    settings = {"model": str(MODEL), "voice_dir": str(MODEL.parent), "companions": 1, "engine": "llama-cpp-python"}
    with pytest.raises(ConfigError, match="no parallel slots"):
        LlamaCodec.check(Variant("v", "llama_codec", settings))
