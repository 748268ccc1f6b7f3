"""Seeded simulations of the paired tests and intervals: false alarms at most nominal; power as a table."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from harness import stats

ROUNDS = 200


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fewer resamples: levels hold, only coarser."""
    monkeypatch.setattr(stats, "REPEATS", 399)


def at_most(alarms: int, alpha: float) -> bool:
    return alarms <= binom.ppf(0.995, ROUNDS, alpha)


@pytest.mark.parametrize("n", [100, 400])
def test_sign_flips_and_mcnemar_keep_their_level(n: int) -> None:
    rng = np.random.default_rng(n)
    flips = sum(stats.sign_flip(rng.standard_t(4, n), seed=i) <= 0.05 for i in range(ROUNDS))
    pairs = [(int(rng.binomial(n, 0.03)), int(rng.binomial(n, 0.03))) for _ in range(ROUNDS)]
    assert at_most(flips, 0.05)
    assert at_most(sum(stats.mcnemar(*pair) <= 0.05 for pair in pairs), 0.05)


@pytest.mark.parametrize("n", [100, 400])
def test_intervals_miss_no_more_often_than_they_say(n: int) -> None:
    rng = np.random.default_rng(n + 1)
    exact = difference = paired = 0
    for i in range(ROUNDS):
        rate = 0.04
        k, k0 = int(rng.binomial(n, rate)), int(rng.binomial(n, rate))
        low, high = stats.clopper_pearson(k, n)
        exact += not low <= rate <= high
        low, high = stats.rate_difference(k, n, k0, n)
        difference += not low <= 0 <= high
        words = rng.integers(8, 60, n)
        errors, errors0 = rng.binomial(words, 0.1), rng.binomial(words, 0.1)
        low, high = stats.ratio_difference(errors, words, errors0, words, seed=i).interval
        paired += not low <= 0 <= high
    assert at_most(exact, 0.05)
    assert at_most(difference, 0.05)
    assert at_most(paired, 0.06)  # a percentile bootstrap of 100 chunks is a little narrow


def test_power_grows_with_the_effect_and_with_the_number_of_chunks(capsys: pytest.CaptureFixture[str]) -> None:
    """Share of 60 runs in which the trend test finds a drift at 1%: rows are chunks, columns deviations end to end."""
    rng = np.random.default_rng(7)
    effects, sizes, rounds = (0.0, 0.5, 1.0, 2.0), (100, 200, 400), 60
    table = [
        [
            sum(
                stats.trend_test(rng.standard_normal(n) + np.linspace(0, effect, n), seed=i).p_value <= 0.01
                for i in range(rounds)
            )
            / rounds
            for effect in effects
        ]
        for n in sizes
    ]
    with capsys.disabled():
        print(f"\ndrift found at 1%: {'  '.join(f'{e:g} sd' for e in effects)}")
        for n, row in zip(sizes, table, strict=True):
            print(f"{n:>5} chunks          {'  '.join(f'{share:4.2f}' for share in row)}")
    assert all(row[0] <= 0.1 and row[-1] >= 0.9 for row in table)
    assert table[2][1] > table[0][1]
    assert table[1][2] >= binom.ppf(0.005, rounds, 0.9) / rounds
