"""Results of a suite, read back: what another version wrote otherwise is passed over."""

from dataclasses import dataclass

from harness.experiments.results import stored_results


@dataclass(frozen=True)
class _Row:
    words: int
    rate: float


def test_whole_results_are_read_and_the_others_left_out():
    results = {"f16": {"words": 10, "rate": 0.5}, "old": {"words": 10}, "odd": {"words": "many", "rate": 0.1}}
    assert stored_results(_Row, results) == {"f16": _Row(10, 0.5)}
