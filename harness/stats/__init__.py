"""Statistics of counts, pairs and series: pure functions, every random one with its seed in the call.

Rates come with their count; intervals are two-sided at the stated level. Sources are named where a method has a name.
"""

from harness.stats.answers import Decision, at_most, equivalence, holm
from harness.stats.autocorrelation import autocorrelation
from harness.stats.figures import Proportion, Spread, mean, proportion, spread
from harness.stats.paired import RESAMPLES as REPEATS
from harness.stats.paired import Estimate, Series, error_rate, ratio_difference, sign_flip
from harness.stats.rates import Interval, bursts, clopper_pearson, compatible, mcnemar, rate_difference
from harness.stats.sequential import Sprt, Stop
from harness.stats.series import LEAST_SERIES, SeriesTest, jump_test, step_test, theil_sen, trend_test
from harness.stats.tail import tail_limit

__all__ = [
    "LEAST_SERIES",
    "REPEATS",
    "Decision",
    "Estimate",
    "Interval",
    "Proportion",
    "Series",
    "SeriesTest",
    "Spread",
    "Sprt",
    "Stop",
    "at_most",
    "autocorrelation",
    "bursts",
    "clopper_pearson",
    "compatible",
    "equivalence",
    "error_rate",
    "holm",
    "jump_test",
    "mcnemar",
    "mean",
    "proportion",
    "rate_difference",
    "ratio_difference",
    "sign_flip",
    "spread",
    "step_test",
    "tail_limit",
    "theil_sen",
    "trend_test",
]
