"""Seeded simulations of every test and interval: false alarms at most nominal, power, and the sequential test."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from harness import stats
from harness.stats import paired, series
from tools.claims.simulation import ALARMS, COUNTS, false_alarms, found, stopped

ROUNDS = {100: 300, 400: 150}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fewer resamples: levels hold, only coarser."""
    monkeypatch.setattr(series, "REPEATS", 299)
    monkeypatch.setattr(paired, "RESAMPLES", 299)


def most(rounds: int, rate: float) -> float:
    """Alarms that a test of this error rate exceeds in one of 200 simulations."""
    return float(binom.ppf(0.995, rounds, rate))


@pytest.mark.parametrize("rho", [0.0, 0.2, 0.4])
@pytest.mark.parametrize("n", [100, 400])
@pytest.mark.parametrize("name", [name for name in ALARMS if name not in COUNTS])
def test_series_and_pairs_keep_their_error_rate_with_autocorrelation(name: str, n: int, rho: float) -> None:
    for alpha in (0.05, 0.01):
        assert false_alarms(name, n, rho, ROUNDS[n], alpha) <= most(ROUNDS[n], alpha)


@pytest.mark.parametrize("n", [100, 400])
@pytest.mark.parametrize("name", sorted(COUNTS))
def test_counts_keep_their_error_rate_where_chunks_are_independent(name: str, n: int) -> None:
    assert false_alarms(name, n, 0.0, ROUNDS[n]) <= most(ROUNDS[n], 0.05)


@pytest.mark.parametrize("name", sorted(COUNTS))
def test_counts_with_bursts_of_faults_err_no_more_than_twice_as_often(name: str) -> None:
    """They take chunks as independent, which docs/claims.md says; the claim tells where faults lie together."""
    assert false_alarms(name, 100, 0.4, 300) <= most(300, 0.10)


def test_a_drift_of_one_deviation_over_200_chunks_is_found() -> None:
    rounds = 400
    assert found("drift", 200, 1.0, rounds) >= binom.ppf(0.005, rounds, 0.9)


def test_power_grows_with_the_effect_and_with_the_number_of_chunks() -> None:
    shares = {(n, effect): found("drift", n, effect, 60) for n in (100, 400) for effect in (0.0, 0.5, 2.0)}
    assert shares[100, 0.0] <= 4 and shares[400, 0.0] <= 4
    assert shares[100, 0.5] < shares[400, 0.5] < shares[400, 2.0]
    assert shares[100, 2.0] >= 54
    assert found("step", 200, 1.0, 60) >= 54 and found("jump", 200, 16.0, 60) >= 54


def test_the_test_for_bursts_keeps_its_error_rate() -> None:
    rng = np.random.default_rng(9)
    alarms = sum(stats.bursts(list(rng.random(200) < 0.05), seed=i, repeats=199) <= 0.05 for i in range(200))
    assert alarms <= most(200, 0.05)


def test_the_sequential_test_keeps_its_error_rates_and_stops_early() -> None:
    rng = np.random.default_rng(3)
    test, rounds = stats.Sprt(good=0.01, bad=0.05), 200
    good = [stopped(test, rng.random(2000) < 0.01) for _ in range(rounds)]
    bad = [stopped(test, rng.random(2000) < 0.05) for _ in range(rounds)]
    assert sum(answer is stats.Stop.BAD for answer, _ in good) <= most(rounds, 0.06)  # Wald's bounds are approximate
    assert sum(answer is stats.Stop.GOOD for answer, _ in bad) <= most(rounds, 0.06)
    assert np.mean([chunks for _, chunks in bad]) < 150


@pytest.mark.parametrize("n", [100, 400])
def test_power_of_the_wer_interval(n: int) -> None:
    """A doubled WER of uneven chunks: the interval leaves 0 out more often with more chunks."""
    rng = np.random.default_rng(n)
    looks = 0
    for seed in range(40):
        words = rng.integers(8, 60, n)
        rates = [np.clip(level * np.exp(0.9 * rng.standard_normal(n) - 0.405), 0, 0.95) for level in (0.1, 0.05)]
        low, _ = stats.ratio_difference(rng.binomial(words, rates[0]), words, rng.binomial(words, rates[1]), words,
                                        seed=seed).interval  # fmt: skip
        looks += low > 0
    assert looks >= {100: 24, 400: 38}[n]
