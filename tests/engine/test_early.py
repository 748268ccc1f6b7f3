"""A sequential test ends a run as soon as its fault rate is known, and the run's record says so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from harness.core.errors import ConfigError
from harness.core.records import Arm, Chunk, Json, ReferenceRecord, Variant, Verdict, VerdictWord
from harness.corpora import load_corpus
from harness.engine.early import early_test
from harness.engine.engine import Engine
from harness.engine.plan import Confirmation, Plan
from harness.engine.progress import Quiet
from harness.stats import Stop
from harness.store import Run
from harness.verdicts import Limits
from harness.verdicts.claims.early import EarlyStop, Stopped
from harness.verdicts.claims.rows import ChunkResult, Margins
from harness.verdicts.claims.stress import stress_claims
from tests._stress import stress_suite

CLEAN, FAULTY = Verdict(VerdictWord.CLEAN), Verdict(VerdictWord.FAULTY)
UNJUDGED = Verdict(VerdictWord.NOT_JUDGED, reason="no words were heard")


@dataclass
class Known:
    totals: Json = field(default_factory=dict)

    def record(self, chunk: Chunk) -> ReferenceRecord | None:
        return None


def test_the_null_rate_is_never_below_the_false_alarm_rate_nor_the_references_own() -> None:
    assert EarlyStop.of(Margins(), None, None).test.good == 0.004
    calibrated = EarlyStop.of(Margins(), 0.01, None)
    assert calibrated.test.good == 0.01 and calibrated.test.bad == pytest.approx(0.06)
    own = EarlyStop.of(Margins(), 0.01, Known({"faulty": 24, "judged": 718}))
    assert own.test.good == pytest.approx(24 / 718) and own.null == "the reference's own fault rate"


def test_the_calibration_gives_its_budget_or_what_was_held_out_if_that_is_more() -> None:
    fitted = {"budget": 0.004, "held_out": {"judged": 600, "faulty": 6}}
    assert early_test(replace(Limits.default(), fitted=fitted), None, {}).test.good == pytest.approx(0.01)
    assert early_test(Limits.default(), None, {"stop-early": {"good": 0.02}}).test.good == 0.02


def test_only_the_judged_chunks_up_to_the_first_that_is_still_out_count() -> None:
    test = EarlyStop.of(Margins(), None, None)
    assert test.look([CLEAN] * 20) is None
    stopped = test.look([CLEAN] * 400)
    assert stopped is not None and stopped.answer is Stop.GOOD and 40 < stopped.judged < 90
    assert test.look([None] + [FAULTY] * 40) is None
    assert test.look([UNJUDGED] * 400) is None
    bad = test.look([UNJUDGED, FAULTY, FAULTY, FAULTY])
    assert bad is not None and bad.answer is Stop.BAD and bad.judged < 4


def test_the_claim_rests_on_the_test_and_states_its_error_rates() -> None:
    stopped = EarlyStop.of(Margins(), None, None).look([FAULTY] * 9)
    assert stopped is not None and Stopped.from_json(stopped.to_json()) == stopped
    rows = [ChunkResult(i, Chunk(f"c{i}", "one two"), FAULTY) for i in range(4)]
    rate, share, *_ = stress_claims("v", rows, None, {}, stopped=stopped)
    assert rate.passed is False and rate.interval is None
    assert "wrong in at most 5% of backends" in rate.statement and "stopped early" in rate.statement
    assert share.value == 1.0


def test_limits_that_make_no_test_are_one_line() -> None:
    with pytest.raises(ConfigError, match=r"stop-early.*did you mean 'excess'"):
        Margins.read({"stop-early": {"exces": 0.1}})


# ------------------------------------------------------------------------------------------- a run
def run_of(tmp_path: Path, resume: Path | None = None, **settings: Any) -> tuple[Path, list[str]]:
    corpus = load_corpus("generated:seed=5,chunks=30", None)
    said: list[str] = []

    class Listening(Quiet):
        def say(self, text: str) -> None:
            said.append(text)

    variant = Variant("n", "null", {"seconds_per_word": 0.01, **settings}, progress_timeout=3.0)
    plan = Plan("stress", corpus, (variant,), {"n": tuple(chunk.id for chunk in corpus.chunks)}, tmp_path / "reports",
                confirmation=Confirmation(enabled=False), quiet_chunks=0, stop_early=True)  # fmt: skip
    return Engine(plan, Listening()).run(resume), said


def soaked(path: Path, read: Callable[[Run], Any]) -> Any:
    with Run.open(path) as run:
        return read(run)


def test_a_backend_that_fails_often_is_stopped_said_and_recorded(tmp_path: Path) -> None:
    path, said = run_of(tmp_path, fail=[{"kind": "raise", "every": 2}])
    spoken = soaked(path, lambda run: len(run.attempts(arm=Arm.SOAK)))
    event = soaked(path, lambda run: run.events("stopped early"))[0]
    assert spoken < 12 and event.data["answer"] == "bad" and event.data["variant"] == "n"
    assert any("stopped early" in line for line in said)
    told = {claim.name: claim for claim in soaked(path, lambda run: run.claims())}
    assert told["fault-rate"].passed is False and told["fault-rate"].details["stopped"]["good"] == 0.004
    run_of(tmp_path, resume=path, fail=[{"kind": "raise", "every": 2}])
    assert soaked(path, lambda run: len(run.attempts(arm=Arm.SOAK))) == spoken, "a stopped run stays stopped"
    assert len(soaked(path, lambda run: run.events("stopped early"))) == 1


def test_a_run_in_which_nothing_is_judged_is_never_stopped(tmp_path: Path) -> None:
    path, said = run_of(tmp_path)
    assert soaked(path, lambda run: len(run.attempts(arm=Arm.SOAK))) == 30 and not said


def test_the_option_reaches_the_run_and_unspoken_chunks_say_why(pytester: pytest.Pytester) -> None:
    stress_suite(
        pytester,
        "[variants.bad]\nadapter = 'null'\n"
        "[variants.bad.settings]\nseconds_per_word = 0.02\nfail = [{ kind = 'raise' }]\n",
    )
    result = pytester.runpytest_subprocess(
        *("suites/stress", "--variants", "variants.toml", "--reports", "reports", "--quiet-chunks", "0", "-rs"),
        *("--corpus", "generated:seed=3,chunks=9", "--scorers", "none", "--no-confirm", "--stop-early"),
    )
    result.stdout.fnmatch_lines(["*never spoken (stopped early: * judged chunks are faulty*"])
    assert "fault-rate of bad: stopped early" in result.stdout.str()
