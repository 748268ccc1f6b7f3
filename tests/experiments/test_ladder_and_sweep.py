"""Ladder and sweep: first lengths, how time and memory grow, and at which settings a backend is safe."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from harness.core.records import Chunk, Claim, Verdict, VerdictWord
from harness.experiments.ladder.claims import (
    GrowthExponents,
    LadderMargins,
    LengthStep,
    degraded,
    growth,
    length_claims,
)
from harness.experiments.sweep.run import (
    SAFE,
    UNDECIDED,
    UNSAFE,
    SettingMetrics,
    SweepSettings,
    _claims,
    compare_words,
    region,
    setting_metrics,
)
from harness.stats import proportion
from harness.verdicts.claims import ChunkResult


def steps(**changes: dict[int, Any]) -> list[LengthStep]:
    """Lengths 1 to 512, two clean attempts each; ``changes``: key -> {words: value}."""
    altered = []
    for words in (1, 2, 4, 8, 16, 32, 64, 128, 256, 512):
        row = LengthStep(
            words, attempts=2, spoken=2, crash=0, hang=0, silent=0, said="", cut=0, faulty=proportion(0, 2), classes=(),
            tokens=None, seconds=None, cpu_seconds=0.1 + 0.02 * words, memory=60_000_000.0, rtfx=None,
        )  # fmt: skip
        altered.append(replace(row, **{key: values[words] for key, values in changes.items() if words in values}))
    return altered


def claimed(rows: list[LengthStep], **fits: Any) -> dict[str, Claim]:
    return {claim.name: claim for claim in length_claims("v", rows, GrowthExponents(**fits), LadderMargins())}


# ------------------------------------------------------------------------------------------- ladder
def test_each_way_of_going_wrong_has_its_own_first_length() -> None:
    rows = steps(crash={64: 1, 512: 2}, hang={256: 1}, cut={128: 1}, silent={512: 1}, said={64: "signal 11 (SIGSEGV)"})
    claims = claimed(rows)
    assert claims["survives"].passed is False and claims["survives"].value == 64
    assert "crash first at 64 words, hang first at 256 words" in claims["survives"].statement
    assert "signal 11 (SIGSEGV)" in claims["survives"].statement
    assert claims["not-cut-off"].value == 128 and claims["gives-speech"].value == 512
    assert all(claim.passed is not False for claim in claimed(steps()).values())


def test_one_bad_length_between_good_ones_is_no_degradation() -> None:
    assert degraded(steps(faulty={32: proportion(2, 2)})) is None
    assert degraded(steps(faulty={n: proportion(2, 2) for n in (128, 256, 512)})) == 128


def test_a_few_clean_short_takes_do_not_prove_that_short_texts_are_safe() -> None:
    few = claimed(steps())["short-texts"]
    assert few.passed is None and "0 of 4 is compatible with a fault rate up to 60%" in few.statement
    many = claimed(steps(faulty={1: proportion(0, 24), 2: proportion(0, 18)}))["short-texts"]
    assert many.passed is True
    assert claimed(steps(faulty={1: proportion(9, 24)}))["short-texts"].passed is False


def test_a_square_law_shows_in_what_memory_grows_by_and_not_in_its_total() -> None:
    square = steps(memory={n: 1e9 + 400.0 * n**2 for n in (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)})
    fit = growth(square, 8, 1e6)
    assert fit is not None and fit.value == pytest.approx(2.0, abs=0.05)
    claim = claimed(square, memory_growth=fit)["memory"]
    assert claim.passed is False and "power of 2.0" in claim.statement
    assert growth(steps(), 8, 1e6) is None
    assert claimed(steps())["memory"].passed is True
    assert claimed(steps(memory=dict.fromkeys((1, 2, 4, 8, 16, 32, 64))))["memory"].passed is None


# ------------------------------------------------------------------------------------------- sweep
CLEAN, FAULTY = Verdict(VerdictWord.CLEAN), Verdict(VerdictWord.FAULTY)


def rows(faulty: int, errors: int, n: int = 40) -> list[ChunkResult]:
    """``faulty`` of ``n`` chunks of 20 words, each with about ``errors`` errors, more in some and fewer in others."""
    return [
        ChunkResult(i, Chunk(f"c{i}", "word " * 20), FAULTY if i < faulty else CLEAN, 0, errors + i % 3, 20)
        for i in range(n)
    ]


def swept(**given: list[ChunkResult]) -> tuple[dict[str, SettingMetrics], dict[str, Claim]]:
    metrics = {label: setting_metrics(each, 0.25, 0.99, 1) for label, each in given.items()}
    best = compare_words(given, metrics, 0.99, 1)
    settings = {label: {"temperature": label[0], "top_p": label[1]} for label in given}
    claims = _claims("v", metrics, region(settings, metrics), best, SweepSettings())
    return metrics, {claim.name: claim for claim in claims}


def test_the_safe_region_is_named_by_the_values_that_are_safe_whatever_the_rest() -> None:
    metrics, told = swept(a1=rows(0, 1), a2=rows(1, 1), b1=rows(0, 1), b2=rows(30, 1))
    assert [metrics[label].word for label in ("a1", "a2", "b1", "b2")] == [SAFE, SAFE, SAFE, UNSAFE]
    assert told["safe-region"].passed is True
    assert "safe whatever the other settings are: temperature a; top_p 1" in told["safe-region"].statement


def test_settings_with_few_chunks_are_undecided_and_say_what_is_still_possible() -> None:
    metrics, told = swept(a1=rows(0, 1, n=8))
    assert metrics["a1"].word == UNDECIDED and told["safe-region"].passed is None
    assert "0 of 8 is compatible with a fault rate up to 37%" in told["safe-region"].statement


def test_word_errors_are_compared_on_the_same_chunks() -> None:
    metrics, told = swept(a1=rows(0, 1), b1=rows(0, 6))
    assert told["words"].passed is False and "worse on the same chunks: b1" in told["words"].statement
    assert metrics["b1"].wer is not None and metrics["b1"].wer.low < metrics["b1"].wer.value < metrics["b1"].wer.high
    assert swept(a1=rows(0, 1), b1=rows(0, 1))[1]["words"].passed is True


def test_no_error_heard_is_not_no_error_possible() -> None:
    clean = [ChunkResult(i, Chunk(f"c{i}", "word " * 20), CLEAN, 0, 0, 20) for i in range(10)]
    assert (wer := setting_metrics(clean, 0.25, 0.95, 1).wer) is not None and wer.high > 0.01
