"""Statistics: known figures. Error rates and power are in ``test_stats_simulated.py``."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom, theilslopes

from harness import stats
from harness.stats import series
from tools.claims.simulation import ar


def test_an_exact_interval_is_the_published_one() -> None:
    assert stats.clopper_pearson(0, 13)[1] == pytest.approx(1 - 0.025 ** (1 / 13))
    low, high = stats.clopper_pearson(73, 73, level=0.90)
    assert low == pytest.approx(0.05 ** (1 / 73)) and low > 0.95 and high == 1.0
    assert stats.clopper_pearson(4, 300) == pytest.approx((0.003642, 0.033786), abs=1e-5)
    assert stats.clopper_pearson(0, 0) == (0.0, 1.0)
    with pytest.raises(ValueError, match="no proportion"):
        stats.clopper_pearson(3, 2)


def test_a_small_run_says_what_it_still_allows() -> None:
    assert stats.compatible(0, 13) == "0 of 13 is compatible with a fault rate up to 25%"
    assert "nothing was judged" in stats.compatible(0, 0)


def test_difference_of_rates() -> None:
    low, high = stats.rate_difference(30, 300, 3, 900)
    assert low > 0.06 and high < 0.14
    low, high = stats.rate_difference(0, 300, 0, 900)
    assert low <= 0 <= high < 0.02
    assert stats.rate_difference(0, 0, 1, 9) == (-1.0, 1.0)


def test_mcnemar_needs_six_one_way_discordances() -> None:
    assert stats.mcnemar(3, 0) == pytest.approx(0.25)  # three bad chunks against none: no proof
    assert stats.mcnemar(5, 0) > 0.05 > stats.mcnemar(6, 0)
    assert stats.mcnemar(0, 0) == 1.0


def test_paired_bootstrap_of_wer_is_seeded_and_finds_a_difference() -> None:
    rng = np.random.default_rng(0)
    words = rng.integers(8, 60, 100)
    good, bad = rng.binomial(words, 0.05), rng.binomial(words, 0.12)
    interval = stats.ratio_difference(bad, words, good, words, seed=1)
    assert interval == stats.ratio_difference(bad, words, good, words, seed=1)
    assert interval.interval[0] > 0.03 and interval.value == pytest.approx((bad.sum() - good.sum()) / words.sum())
    same = stats.ratio_difference(good, words, good, words, seed=1)
    assert same.value == 0.0 and same.interval == (0.0, 0.0)
    with pytest.raises(ValueError, match="no words"):
        stats.ratio_difference([], [], [], [], seed=1)


def test_sign_flip() -> None:
    rng = np.random.default_rng(0)
    assert stats.sign_flip(rng.standard_normal(60) + 1.0, seed=1) < 0.001
    assert stats.sign_flip(rng.standard_normal(60), seed=1) > 0.05
    assert stats.sign_flip([], seed=1) == stats.sign_flip([0.0, 0.0], seed=1) == 1.0


def test_not_significant_is_not_equal() -> None:
    assert stats.equivalence((-0.01, 0.02), 0.03) is stats.Decision.EQUIVALENT
    assert stats.equivalence((-0.01, 0.2), 0.03) is stats.Decision.UNDECIDED
    assert stats.equivalence((0.05, 0.2), 0.03) is stats.Decision.DIFFERENT
    assert stats.equivalence((-0.2, -0.05), 0.03) is stats.Decision.DIFFERENT


def test_holm() -> None:
    assert stats.holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert stats.holm([]) == []


def test_theil_sen_stands_outliers() -> None:
    values = 2.0 * np.arange(60.0)
    values[[5, 20, 41]] = 1e6
    trend = stats.theil_sen(values)
    assert trend.value == pytest.approx(2.0) and trend.n == 60
    with pytest.raises(ValueError, match="no slope"):
        stats.theil_sen([1.0, 2.0])


def test_the_sequential_test_passes_after_326_clean_chunks() -> None:
    test = stats.Sprt(good=0.001, bad=0.01)
    assert test.decide(0, 325) is stats.Stop.GO_ON
    assert test.decide(0, 326) is stats.Stop.GOOD
    assert test.decide(2, 20) is stats.Stop.BAD
    with pytest.raises(ValueError, match="good < bad"):
        stats.Sprt(good=0.02, bad=0.01)


def test_the_sequential_test_keeps_its_error_rates() -> None:
    rng = np.random.default_rng(3)
    test = stats.Sprt(good=0.01, bad=0.05)

    def outcome(rate: float) -> stats.Stop:
        faulty = np.cumsum(rng.random(2000) < rate)
        for judged, k in enumerate(faulty, 1):
            if (answer := test.decide(int(k), judged)) is not stats.Stop.GO_ON:
                return answer
        return stats.Stop.GO_ON

    rounds = 200
    wrong = sum(outcome(0.01) is stats.Stop.BAD for _ in range(rounds))
    missed = sum(outcome(0.05) is stats.Stop.GOOD for _ in range(rounds))
    most = binom.ppf(0.999, rounds, 0.06)  # Wald's bounds hold approximately
    assert wrong <= most and missed <= most


# ------------------------------------------------------------------------------------------- series
def test_a_step_is_found_and_placed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(series, "REPEATS", 299)
    rng = np.random.default_rng(1)
    steps = [stats.step_test(rng.standard_normal(200) + (np.arange(200) >= 140), seed=i) for i in range(60)]
    assert sum(test.p_value <= 0.01 for test in steps) >= 55
    assert np.median([abs((test.where or 0) - 140) for test in steps]) <= 5


def test_a_jump_is_placed_and_a_gentle_series_has_none() -> None:
    rng = np.random.default_rng(1)
    values = rng.standard_normal(200)
    assert stats.jump_test(values).p_value > 0.05
    values[120:] += 40
    jump = stats.jump_test(values)
    assert jump.p_value < 0.01 and jump.where == 120 and jump.statistic == pytest.approx(40, abs=5)
    assert stats.jump_test(np.ones(40)).p_value == 1.0


def test_series_tests_are_seeded_and_refuse_what_they_cannot_test() -> None:
    values = np.random.default_rng(0).standard_normal(60)
    assert stats.trend_test(values, seed=4) == stats.trend_test(values, seed=4)
    assert stats.trend_test(np.ones(40), seed=0).p_value == 1.0
    for test in (stats.trend_test, stats.step_test, lambda values, seed: stats.jump_test(values)):
        with pytest.raises(ValueError, match="too few"):
            test([1.0, 2.0], seed=0)
        with pytest.raises(ValueError, match="not finite"):
            test([float("nan")] * 20, seed=0)


def test_autocorrelation_is_not_fooled_by_a_trend() -> None:
    rng = np.random.default_rng(5)
    assert stats.autocorrelation(np.arange(300) / 30 + rng.standard_normal(300)) < 0.15
    assert 0.3 < stats.autocorrelation(ar(rng, 400, 0.4)) < 0.5
    assert stats.autocorrelation(np.ones(50)) == 0.0


# ------------------------------------------------------------------------------------------- rates and bursts
def test_no_error_seen_is_not_no_error_possible() -> None:
    rate = stats.error_rate([0] * 20, [25] * 20, seed=1)
    assert rate.value == 0 and rate.interval == stats.clopper_pearson(0, 500)
    some = stats.error_rate([1] + [0] * 19, [25] * 20, seed=1)
    assert some.interval[0] == 0 and some.interval[1] > 1 / 500
    with pytest.raises(ValueError, match="no words"):
        stats.error_rate([], [], seed=1)


def test_faults_in_bursts_are_told_from_scattered_ones() -> None:
    scattered = [i % 20 == 0 for i in range(200)]
    together = [90 <= i < 100 for i in range(200)]
    assert stats.bursts(together, seed=1) < 0.01 < 0.5 < stats.bursts(scattered, seed=1)
    assert stats.bursts([True, *[False] * 30], seed=1) == 1.0


def test_the_slope_of_a_long_series_is_that_of_all_its_pairs_within_a_small_part_of_its_interval():
    noise = np.random.default_rng(5)
    values = 1e-4 * np.arange(2500) + noise.normal(size=2500)
    values[::40] += 30  # outliers, which the slope stands
    whole = theilslopes(values, np.arange(2500))
    slope = stats.theil_sen(values)
    assert slope.n == 2500
    assert abs(slope.value - whole.slope) < 0.25 * (whole.high_slope - whole.low_slope)
    assert slope.interval[0] < 1e-4 < slope.interval[1]
    assert slope.interval[1] - slope.interval[0] == pytest.approx(whole.high_slope - whole.low_slope, rel=0.25)
