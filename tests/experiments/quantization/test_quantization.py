"""The figures of a quantization against its reference, and what they support."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from harness.core.errors import ConfigError
from harness.core.records import Chunk
from harness.experiments.ladder.run import exponent, length_in_words
from harness.experiments.limits import suite_limits
from harness.experiments.quantization.claims import QuantizationMargins, quantization_claims
from harness.experiments.quantization.metrics import QuantizationRow, quantization_metrics
from harness.experiments.sweep.run import SweepSettings, combinations
from harness.stats import proportion

MARGINS = QuantizationMargins()


def spoken(count=100, **changes):
    rows = [
        QuantizationRow(
            f"c{i}", True, tokens=400 + i, cap_hit=False, unique=(40, 50), entropy=(5.0, 4.5), errors=1, words=20,
            faulty=False, duration=10.0, wall_seconds=1.0, similarity=0.95, mel_db=3.0, mos=3.1,
        )
        for i in range(count)
    ]  # fmt: skip
    return [replace(row, **changes) for row in rows]


def by_name(made):
    return {claim.name: claim for claim in made}


def test_the_reference_against_itself_passes_every_claim():
    reference = spoken()
    metrics = quantization_metrics(reference, reference, reference, seed=1)
    claims = by_name(quantization_claims("q", metrics, metrics, MARGINS))
    assert all(claim.passed for claim in claims.values())
    assert metrics.token_ratio.median == metrics.duration_ratio.median == 1.0
    assert metrics.wer_difference.low == metrics.wer_difference.high == 0.0
    assert metrics.identical == 100
    assert metrics.rtfx == 10.0


def test_each_loss_fails_its_own_claim_alone():
    reference = spoken()
    null = quantization_metrics(reference, reference, seed=1)
    losses = {
        "token-count": [replace(row, tokens=int((row.tokens or 0) * 0.8)) for row in reference],
        "cap-hits": [replace(row, cap_hit=i % 4 == 0) for i, row in enumerate(reference)],
        "faults": [replace(row, faulty=i % 4 == 0) for i, row in enumerate(reference)],
        "wer": [replace(row, errors=4) for row in reference],
        "same-voice": [replace(row, similarity=0.7) for row in reference],
        "mos": [replace(row, mos=2.7) for row in reference],
    }
    for name, rows in losses.items():
        claims = by_name(
            quantization_claims("q", quantization_metrics(rows, reference, reference, seed=1), null, MARGINS)
        )
        assert [claim.name for claim in claims.values() if claim.passed is False] == [name]


def test_a_chunk_that_gave_no_speech_is_near_empty_and_not_left_out():
    reference = spoken(40)
    rows = [replace(row, ok=False, tokens=None) if i < 20 else row for i, row in enumerate(reference)]
    metrics = quantization_metrics(rows, reference, seed=1)
    assert metrics.near_empty.count == 20
    assert metrics.near_empty.total == 40
    claims = by_name(quantization_claims("q", metrics, quantization_metrics(reference, reference, seed=1), MARGINS))
    assert claims["near-empty"].passed is False


def test_a_small_run_says_that_it_is_too_small():
    few = spoken(4)
    metrics = quantization_metrics(few, few, seed=1)
    claims = by_name(quantization_claims("q", metrics, metrics, MARGINS))
    assert claims["cap-hits"].passed is None
    assert "too small to say" in claims["cap-hits"].statement


def test_unknown_stays_unknown():
    mute = [QuantizationRow(f"c{i}", True) for i in range(10)]
    metrics = quantization_metrics(mute, mute, seed=1)
    assert metrics.token_ratio is None
    assert metrics.wer.rate is None
    assert metrics.similarity is None
    assert metrics.cap_hits.value is None
    assert metrics.similarity_loss is metrics.log_mel_excess_db is metrics.mos_difference is None
    assert {claim.passed for claim in quantization_claims("q", metrics, metrics, MARGINS)} == {None}
    assert proportion(0, 0).high == 1.0


def test_the_spread_of_a_few_truncations_is_seen_where_the_mean_hides_it():
    reference = spoken()
    rows = [replace(row, tokens=100 if i == 7 else row.tokens) for i, row in enumerate(reference)]
    metrics = quantization_metrics(rows, reference, seed=1)
    assert metrics.token_ratio.min == pytest.approx(100 / 407)
    assert metrics.near_empty.count == 1


def test_a_loss_is_against_what_other_seeds_lose_on_the_same_chunks():
    """Similarity of 0.7 is no loss where the reference's own seeds are no more alike than that."""
    rng = np.random.default_rng(3)
    texts = rng.uniform(0.5, 0.9, 60)
    reference = spoken(60)
    null = [replace(row, similarity=float(x), mel_db=float(4 * x)) for row, x in zip(reference, texts, strict=True)]
    rows = [replace(row, similarity=row.similarity - 0.01, mel_db=row.mel_db + 1) for row in null]
    metrics = quantization_metrics(rows, reference, null, seed=1)
    chance = quantization_metrics(null, reference, seed=1)
    assert metrics.similarity_loss.value == pytest.approx(0.01)
    assert metrics.log_mel_excess_db.value == pytest.approx(1.0)
    claim = by_name(quantization_claims("q", metrics, chance, MARGINS))["same-voice"]
    assert claim.passed is True and claim.interval is not None and claim.interval[1] < 0.03
    loud = [
        replace(row, similarity=row.similarity - float(x))
        for row, x in zip(null, rng.normal(0.03, 0.1, 60), strict=True)
    ]
    unsure = by_name(quantization_claims("q", quantization_metrics(loud, reference, null, seed=1), chance, MARGINS))[
        "same-voice"
    ]
    assert unsure.passed is None and "too small to say" in unsure.statement


def test_every_difference_is_told_beside_that_of_other_seeds():
    reference = spoken(60)
    null = [replace(row, errors=2, mos=3.0, tokens=(row.tokens or 0) + 4) for row in reference]
    claims = by_name(
        quantization_claims(
            "q",
            quantization_metrics(reference, reference, null, seed=1),
            quantization_metrics(null, reference, seed=1),
            MARGINS,
        )
    )
    assert "between the reference's own seeds +0.050" in claims["wer"].statement
    assert "between the reference's own seeds -0.100" in claims["mos"].statement
    assert "other seeds of the reference: 1.009 on average" in claims["token-count"].statement


def test_without_dnsmos_the_claim_says_how_to_get_it():
    rows = spoken(20, mos=None)
    claim = by_name(
        quantization_claims(
            "q", quantization_metrics(rows, rows, seed=1), quantization_metrics(rows, rows, seed=1), MARGINS
        )
    )["mos"]
    assert claim.passed is None
    assert "not judged" in claim.statement and "--mos" in claim.statement


def test_the_use_of_each_codebook_is_compared_chunk_by_chunk():
    reference = spoken(30)
    rows = [replace(row, entropy=(row.entropy[0] - 1.0, row.entropy[1])) for row in reference]
    first, second = quantization_metrics(rows, reference, seed=1).entropy_difference
    assert first.value == pytest.approx(-1.0) and first.high < 0
    assert second.value == 0.0


# ------------------------------------------------------------------------------------------- sweep and ladder
def test_a_grid_is_every_combination_and_a_list_is_added_once():
    points = [{"temperature": 0.0}, {"temperature": 0.0}]
    assert combinations(SweepSettings(grid={"temperature": [0.3, 0.6], "top_p": [0.9]}, list=points)) == [
        {"temperature": 0.3, "top_p": 0.9},
        {"temperature": 0.6, "top_p": 0.9},
        {"temperature": 0.0},
    ]
    with pytest.raises(ConfigError, match="no setting to try"):
        combinations(SweepSettings())
    with pytest.raises(ConfigError, match=r"sweep: grid\.top_p"):
        suite_limits(SweepSettings, {"sweep": {"grid": {"top_p": 0.9}}}, "sweep")


def test_the_exponent_of_growth_is_found():
    points = [(2**k, 0.1 * (2**k) ** 1.5) for k in range(10)]
    fit = exponent(points, 8)
    assert fit is not None and fit.value == pytest.approx(1.5) and fit.n == 7
    assert exponent(points[:5], 8) is None


def test_a_rung_is_known_by_its_tag():
    assert length_in_words(Chunk("a", "One two three.", tags=("ladder", "words-4"))) == 4
    assert length_in_words(Chunk("a", "One two three.")) == 3
