"""Series and counts without any effect, and with one: how often does each test of ``harness.stats`` alarm?

Everything is seeded. Continuous series are normal with variance 1, independent or AR(1); counts come from such a series
by a threshold, so that faults come in bursts as often as the autocorrelation says.
"""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from harness import stats

Series = NDArray[np.float64]
Alarm = Callable[[np.random.Generator, int, float, int, float], bool]  # generator, chunks, rho, seed, alpha
FAULT_RATE, WER = 0.04, 0.1


def ar(rng: np.random.Generator, n: int, rho: float) -> Series:
    """Return an AR(1) series of variance 1, shape (n,)."""
    from scipy.signal import lfilter

    noise = rng.standard_normal(n + 50) * sqrt(1 - rho**2)
    values: Series = lfilter([1.0], [1.0, -rho], noise)[50:]
    return values


def _trend(rng: np.random.Generator, n: int, rho: float, seed: int, alpha: float) -> bool:
    return stats.trend_test(ar(rng, n, rho), seed=seed).p_value <= alpha


def _step(rng: np.random.Generator, n: int, rho: float, seed: int, alpha: float) -> bool:
    return stats.step_test(ar(rng, n, rho), seed=seed).p_value <= alpha


def _jump(rng: np.random.Generator, n: int, rho: float, seed: int, alpha: float) -> bool:
    return stats.jump_test(ar(rng, n, rho)).p_value <= alpha


def _slope(rng: np.random.Generator, n: int, rho: float, seed: int, alpha: float) -> bool:
    low, high = stats.theil_sen(ar(rng, n, rho), level=1 - alpha).interval
    return not low <= 0 <= high


def _sign_flip(rng: np.random.Generator, n: int, rho: float, seed: int, alpha: float) -> bool:
    return stats.sign_flip(ar(rng, n, rho), seed=seed) <= alpha


def _wer(rng: np.random.Generator, n: int, rho: float, seed: int, alpha: float) -> bool:
    """Chunks of 8 to 60 words whose WER varies from chunk to chunk by a factor of about 2.5."""
    words = rng.integers(8, 60, n)

    def errors() -> NDArray[np.int64]:
        rates = np.clip(WER * np.exp(0.9 * ar(rng, n, rho) - 0.405), 0, 0.95)
        return rng.binomial(words, rates)

    low, high = stats.ratio_difference(errors(), words, errors(), words, seed=seed, level=1 - alpha).interval
    return not low <= 0 <= high


def _faults(rng: np.random.Generator, n: int, rho: float) -> NDArray[np.bool_]:
    faulty: NDArray[np.bool_] = ar(rng, n, rho) > norm.ppf(1 - FAULT_RATE)
    return faulty


def _mcnemar(rng: np.random.Generator, n: int, rho: float, seed: int, alpha: float) -> bool:
    a, b = _faults(rng, n, rho), _faults(rng, n, rho)
    return stats.mcnemar(int((a & ~b).sum()), int((b & ~a).sum())) <= alpha


def _clopper_pearson(rng: np.random.Generator, n: int, rho: float, seed: int, alpha: float) -> bool:
    low, high = stats.clopper_pearson(int(_faults(rng, n, rho).sum()), n, 1 - alpha)
    return not low <= FAULT_RATE <= high


def _newcombe(rng: np.random.Generator, n: int, rho: float, seed: int, alpha: float) -> bool:
    k, k0 = int(_faults(rng, n, rho).sum()), int(_faults(rng, n, rho).sum())
    low, high = stats.rate_difference(k, n, k0, n, 1 - alpha)
    return not low <= 0 <= high


def _sprt(rng: np.random.Generator, n: int, rho: float, seed: int, alpha: float) -> bool:
    test = stats.Sprt(good=FAULT_RATE, bad=3 * FAULT_RATE, alpha=alpha, beta=0.05)
    return stopped(test, _faults(rng, n, rho))[0] is stats.Stop.BAD


def stopped(test: stats.Sprt, faulty: NDArray[np.bool_]) -> tuple[stats.Stop, int]:
    """Return what the sequential test says at its first decision, and after how many chunks.

    Where it never decides, after all of them.
    """
    for judged, count in enumerate(np.cumsum(faulty), 1):
        if (answer := test.decide(int(count), judged)) is not stats.Stop.GO_ON:
            return answer, judged
    return stats.Stop.GO_ON, len(faulty)


COUNTS = {"fault rate (Clopper-Pearson)", "fault rates (Newcombe)", "paired faults (McNemar)", "early stop (SPRT)"}
ALARMS: dict[str, Alarm] = {
    "trend (block permutation)": _trend,
    "slope (Theil-Sen interval)": _slope,
    "step (largest CUSUM)": _step,
    "jump between neighbours": _jump,
    "mean difference (sign flips)": _sign_flip,
    "WER difference (paired bootstrap)": _wer,
    "fault rate (Clopper-Pearson)": _clopper_pearson,
    "fault rates (Newcombe)": _newcombe,
    "paired faults (McNemar)": _mcnemar,
    "early stop (SPRT)": _sprt,
}


def false_alarms(name: str, n: int, rho: float, rounds: int, alpha: float = 0.05) -> int:
    """Count, of ``rounds`` simulated runs of ``n`` chunks without any effect, those that alarm at ``alpha``."""
    rng = np.random.default_rng([n, round(100 * rho), *name.encode()])
    return sum(ALARMS[name](rng, n, rho, seed, alpha) for seed in range(rounds))


def found(kind: str, n: int, effect: float, rounds: int, alpha: float = 0.01) -> int:
    """Count, of ``rounds`` independent series with a change of ``effect`` deviations, those in which it is found.

    ``drift``: rising over the whole series; ``step``: in its middle; ``jump``: one value alone.
    """
    rng = np.random.default_rng([n, round(100 * effect), *kind.encode()])
    shape = {
        "drift": np.linspace(0, effect, n),
        "step": effect * (np.arange(n) >= n // 2),
        "jump": effect * (np.arange(n) == n // 3),
    }[kind]
    test: dict[str, Callable[[Series, int], stats.SeriesTest]] = {
        "drift": lambda values, seed: stats.trend_test(values, seed=seed),
        "step": lambda values, seed: stats.step_test(values, seed=seed),
        "jump": lambda values, seed: stats.jump_test(values),
    }
    return sum(test[kind](rng.standard_normal(n) + shape, seed).p_value <= alpha for seed in range(rounds))
