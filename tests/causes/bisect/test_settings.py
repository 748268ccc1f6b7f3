"""Bisecting settings: which one turns a fault on, alone or in a pair; spoken for real."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from harness.causes.bisect.listening import HeardOutcome
from harness.causes.bisect.run import run_bisect
from harness.causes.bisect.settings import MISSING, differing_settings, search_settings, with_settings_of
from harness.core.errors import ConfigError
from harness.core.records import Chunk, Variant
from harness.core.suites import SCORERS
from harness.core.variants import load_variants
from harness.corpora import make_corpus
from harness.engine.plan import Plan
from harness.engine.progress import Quiet
from harness.store import Run
from tests._places import ROOT


def plan(good: Variant, bad: Variant, reports: Path, search: int = 6) -> Plan:
    """Six short texts to search with and two to verify on; only tokens and outcomes are looked at."""
    words = ("red", "blue", "green", "white", "black", "brown", "grey", "pink")
    chunks = [Chunk(f"c{i}", f"The {word} one is in there.") for i, word in enumerate(words)]
    ids = tuple(chunk.id for chunk in chunks)
    return Plan(
        suite="bisect",
        corpus=make_corpus("eight", chunks, "test"),
        variants=(good, bad),
        selection={good.name: ids, bad.name: ids},
        reports=reports,
        scorers={"tokens": {}},
        reference=good,
        experiment={"bisect": {"generations": 1, "search": search, "verify": 2}},
        left_out=tuple(name for name in SCORERS if name != "tokens"),
        quiet_chunks=0,
    )


def null(name: str, adapter: str = "null", **settings: object) -> Variant:
    return Variant(name, adapter, settings)


def test_the_one_setting_that_turns_the_fault_on_is_named_with_both_values(tmp_path):
    f16 = next(one for one in load_variants(ROOT / "variants.toml") if one.name == "f16")
    settings = {**f16.settings, "max_tokens": 2, "top_k": 100}
    path = run_bisect(plan(f16, replace(f16, name="bad", settings=settings, reference=False), tmp_path), Quiet(), None)
    with Run.open(path) as run:
        cause, verified = run.claims()
    assert (cause.details["word"], cause.details["restored"]) == ("restored", ["max_tokens"])
    assert "max_tokens (2, the reference's not set)" in cause.statement
    assert "bad 2 of 2 faulty" in cause.statement and verified.statement.startswith("restored: 0 of 2 faulty")
    assert verified.passed is True


class Trials:
    """What is heard when settings are put right: faulty until every setting of one of ``cures`` is."""

    def __init__(self, *cures: set[str]) -> None:
        self.cures, self.asked = cures, []

    def __call__(self, keys: tuple[str, ...]) -> HeardOutcome:
        self.asked.append(keys)
        cured = any(cure <= set(keys) for cure in self.cures)
        return HeardOutcome({f"c{i}": not cured for i in range(8)}, {})


def test_settings_are_tried_alone_then_in_pairs_then_all():
    keys = ["a", "b", "c", "d"]
    assert search_settings(keys, Trials({"c"}), 0.05) == ("c",)
    pair = Trials({"b", "d"})
    assert search_settings(keys, pair, 0.05) == ("b", "d")
    assert pair.asked[:4] == [("a",), ("b",), ("c",), ("d",)]
    assert search_settings(keys, Trials({"a", "b", "c"}), 0.05) == ("a", "b", "c", "d")
    assert search_settings(keys, Trials(), 0.05) is None


def test_settings_that_do_no_harm_are_no_cause(tmp_path):
    path = run_bisect(plan(null("good"), null("bad", delay=0.001, cap=4000), tmp_path), Quiet(), None)
    with Run.open(path) as run:
        (claim,) = run.claims()
    assert claim.details["word"] == "nothing to find" and claim.details["restored"] == []
    assert "settings that differ: cap, delay" in claim.statement


class _Killed(Quiet):
    """Stops the run, as Ctrl-C does, in the midst of the reference's texts or of the variant's."""

    def __init__(self, variant: str) -> None:
        self.variant = variant

    def tick(self, tick):
        if (tick.variant, tick.done) == (self.variant, 3):
            raise KeyboardInterrupt


@pytest.mark.parametrize("at", ["good", "bad"])
def test_a_killed_bisect_of_settings_goes_on_and_asks_nothing_twice(tmp_path, at):
    asked = plan(null("good"), null("bad", delay=0.001, cap=4000), tmp_path)
    with pytest.raises(KeyboardInterrupt):
        run_bisect(asked, _Killed(at), None)
    (path,) = [one for one in tmp_path.iterdir() if (one / "manifest.json").is_file() and not one.is_symlink()]
    with Run.open(run_bisect(asked, Quiet(), path)) as run:
        (claim,) = run.claims()
        requests = Counter((one.variant, one.arm, one.chunk_id) for one in run.attempts())
    assert claim.details["word"] == "nothing to find"
    assert len(requests) == 12 and set(requests.values()) == {1}


def test_what_cannot_be_exchanged_or_heard_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="two adapters, faulty and null"):
        run_bisect(plan(null("good"), null("bad", "faulty", mode="tone"), tmp_path), Quiet(), None)
    with pytest.raises(ConfigError, match="no settings that differ"):
        run_bisect(plan(null("good"), null("bad"), tmp_path), Quiet(), None)
    with pytest.raises(ConfigError, match="only listening tells apart: --chunks must not be 0"):
        run_bisect(plan(null("good"), null("bad", mode="silence"), tmp_path, search=0), Quiet(), None)
    assert not list(tmp_path.iterdir())


def test_nested_and_missing_settings_are_compared_and_put_right():
    variant = {"a": 1, "arguments": {"t": 1.0, "p": 0.5}, "only": [1]}
    reference = {"a": 1, "arguments": {"t": 0.6, "p": 0.5, "k": 4}}
    differing = differing_settings(variant, reference)
    assert differing == {"arguments.k": (MISSING, 4), "arguments.t": (1.0, 0.6), "only": ([1], MISSING)}
    assert with_settings_of(variant, reference, ("arguments.t",))["arguments"] == {"t": 0.6, "p": 0.5}
    assert with_settings_of(variant, reference, tuple(differing)) == reference
    assert variant["arguments"]["t"] == 1.0
