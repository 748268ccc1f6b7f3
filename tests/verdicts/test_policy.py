"""The judge: limits in their order, what could not be judged, and findings folded into their cause."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.errors import ConfigError
from harness.core.records import (
    Attempt,
    Chunk,
    Detection,
    DetectorInput,
    ReferenceRecord,
    Relation,
    Verdict,
    VerdictWord,
)
from harness.detectors import catalogue
from harness.verdicts import Bound, FaultLimits, Limits, VerdictPolicy
from harness.verdicts.policy import relate

CHUNK = Chunk("a", "one two three four five six seven eight nine ten")


def view(reference: ReferenceRecord | None = None, chunk: Chunk = CHUNK) -> DetectorInput:
    return DetectorInput(chunk, Attempt(0, 0, 0, "a", "v"), {}, reference)


def judged(fault: str, value: float | None, seen: DetectorInput | None = None, limits: Limits | None = None) -> Verdict:
    evidence = [Detection(fault, value, reason="" if value is not None else "the recognizer failed")]
    return VerdictPolicy(limits or Limits.default()).verdict(seen or view(), evidence)


def with_limits(fault: str, limits: FaultLimits) -> Limits:
    return Limits({**Limits.default().faults, fault: limits})


def test_beyond_the_default_is_faulty_and_says_that_nothing_was_fitted() -> None:
    verdict = judged("gibberish-tail", 2.0)
    assert verdict.word is VerdictWord.FAULTY
    assert verdict.findings[0].value == 2.0
    assert "not fitted on this voice" in verdict.findings[0].limit_source
    assert judged("gibberish-tail", 0.1).word is VerdictWord.CLEAN


def test_the_reference_on_the_same_text_comes_first() -> None:
    usual = ReferenceRecord("a", evidence={"robotic": [-12.0, -11.5, -12.5]})
    assert judged("robotic", -4.0).word is VerdictWord.CLEAN, "harsh, but nothing is known of this voice"
    verdict = judged("robotic", -4.0, view(usual))
    assert verdict.word is VerdictWord.FAULTY
    assert verdict.findings[0].value == pytest.approx(8.0)
    assert "reference" in verdict.findings[0].limit_source
    assert "12.0 dB, 11.5 dB, 12.5 dB" in verdict.findings[0].detail


def test_what_the_reference_does_too_on_this_text_is_no_fault_of_the_variant() -> None:
    usual = ReferenceRecord("a", evidence={"internal-silence": [1.8, 1.7, 1.9]})
    assert judged("internal-silence", 2.7).word is VerdictWord.FAULTY
    assert judged("internal-silence", 2.7, view(usual)).word is VerdictWord.CLEAN


def test_a_reference_that_is_broken_on_this_text_does_not_hide_the_same_fault() -> None:
    broken = ReferenceRecord("a", evidence={"truncation": [9.0, 8.0, 9.0]})
    verdict = judged("truncation", 8.5, view(broken))
    assert verdict.word is VerdictWord.FAULTY
    assert "the reference itself is at 9" in verdict.findings[0].detail


def test_physics_decides_whatever_the_voice_is() -> None:
    usual = ReferenceRecord("a", evidence={"nan-inf": [0.5, 0.5]})
    verdict = judged("nan-inf", 1e-6, view(usual))
    assert verdict.word is VerdictWord.FAULTY and verdict.findings[0].limit_source == "physics"


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("fault", sorted(catalogue()))
def test_nan_and_infinity_never_pass(fault: str, value: float) -> None:
    verdict = judged(fault, value)
    assert verdict.word is VerdictWord.NOT_JUDGED and verdict.unjudged == (fault,)


def test_what_could_not_look_is_not_clean_and_says_why() -> None:
    verdict = judged("truncation", None)
    assert verdict.word is VerdictWord.NOT_JUDGED
    assert verdict.reason == "truncation: the recognizer failed"
    assert VerdictPolicy(Limits.default()).verdict(view(), []).word is VerdictWord.NOT_JUDGED


def test_a_finding_stands_although_others_could_not_look() -> None:
    evidence = [Detection("silence", 80.0), Detection("truncation", None, reason="no transcript")]
    verdict = VerdictPolicy(Limits.default()).verdict(view(), evidence)
    assert verdict.word is VerdictWord.FAULTY and verdict.unjudged == ("truncation",)


def test_what_does_not_apply_is_neither() -> None:
    evidence = [Detection("silence", 3.0), Detection("token-range", None, reason="no tokens", applies=False)]
    verdict = VerdictPolicy(Limits.default()).verdict(view(), evidence)
    assert verdict == Verdict(VerdictWord.CLEAN)


def test_findings_that_follow_from_another_are_folded_into_it() -> None:
    evidence = [Detection("silence", 120.0), Detection("truncation", 9.0), Detection("unintelligible", 1.0)]
    judge = VerdictPolicy(Limits.default())
    verdict = judge.verdict(view(), evidence)
    assert [finding.fault for finding in verdict.findings] == ["silence"]
    assert "with it: unintelligible, truncation" in verdict.findings[0].detail
    assert {finding.fault for finding in judge.findings(view(), evidence)[0]} == {
        "silence",
        "truncation",
        "unintelligible",
    }


def test_a_limit_that_healthy_speech_reaches_cannot_find_anything() -> None:
    full = FaultLimits(Relation.EXCESS, voice=(Bound(1.0, "fitted"),), maximum=1.0)
    verdict = judged("unintelligible", 1.0, limits=with_limits("unintelligible", full))
    assert verdict.word is VerdictWord.NOT_JUDGED and "10 words" in verdict.reason
    usual = ReferenceRecord("a", evidence={"unintelligible": [0.61, 0.61]})
    verdict = judged("unintelligible", 1.0, view(usual))
    assert verdict.word is VerdictWord.NOT_JUDGED and "nothing could stand out" in verdict.reason


def test_short_texts_have_limits_of_their_own() -> None:
    limits = with_limits(
        "gibberish-tail",
        FaultLimits(Relation.EXCESS, voice=(Bound(3.0, "short", max_words=3), Bound(1.0, "any"))),
    )
    short = view(chunk=Chunk("b", "no never"))
    assert judged("gibberish-tail", 2.0, short, limits).word is VerdictWord.CLEAN
    assert judged("gibberish-tail", 2.0, view(), limits).word is VerdictWord.FAULTY


def test_a_limit_may_follow_the_length_of_the_text() -> None:
    sloped = FaultLimits(Relation.EXCESS, voice=(Bound(0.5, "fitted", center=1.0, slope=0.2),))
    edge = 1.0 + 0.2 * math.log(10) + 0.5
    assert judged("overlong", edge - 0.01, limits=with_limits("overlong", sloped)).word is VerdictWord.CLEAN
    assert judged("overlong", edge + 0.01, limits=with_limits("overlong", sloped)).word is VerdictWord.FAULTY


def test_level_is_held_against_either_side() -> None:
    usual = ReferenceRecord("a", evidence={"level-offset": [-20.0, -20.2, -19.8]})
    assert judged("level-offset", -14.0, view(usual)).word is VerdictWord.FAULTY
    assert judged("level-offset", -26.0, view(usual)).word is VerdictWord.FAULTY
    assert judged("level-offset", -21.0, view(usual)).word is VerdictWord.CLEAN


def test_relations() -> None:
    assert relate(5.0, [1.0, 2.0, 9.0], Relation.EXCESS, "median") == 3.0
    assert relate(5.0, [1.0, 2.0, 9.0], Relation.EXCESS, "worst") == -4.0
    assert relate(5.0, [2.0], Relation.RATIO, "median") == 2.5
    assert relate(5.0, [7.0], Relation.DISTANCE, "median") == 2.0
    with pytest.raises(ValueError, match="no ratio"):
        relate(5.0, [0.0], Relation.RATIO, "median")


@given(st.sampled_from(sorted(catalogue())), st.floats(allow_nan=False, allow_infinity=False, width=32))
def test_a_worse_value_is_never_judged_better(fault: str, value: float) -> None:
    if catalogue()[fault].relation is Relation.DISTANCE:
        return
    worse = value + abs(value) * 0.5 + 1.0
    if judged(fault, value).word is VerdictWord.FAULTY:
        assert judged(fault, worse).word is VerdictWord.FAULTY


def test_limits_are_the_same_after_json(tmp_path: Path) -> None:
    limits = replace(Limits.default(), keys={"scorer.signal": "1"}, fitted={"budget": 0.004})
    limits.save(tmp_path / "limits.json")
    again = Limits.load(tmp_path / "limits.json")
    assert again == limits and again.key == limits.key
    assert Limits.from_json(json.loads(json.dumps(limits.to_json()))).key == limits.key
    assert replace(limits, fitted={"budget": 0.01}).key != limits.key


def test_the_key_that_differs_is_named() -> None:
    limits = replace(Limits.default(), keys={"scorer.signal": "1", "model": "aa"})
    assert limits.mismatch({"scorer.signal": "2", "model": "aa"}) == "scorer.signal: fitted under 1, now 2"
    assert limits.mismatch({"scorer.signal": "1", "other": "x"}) == ""


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "not valid JSON"),
        ('{"schema": 99}', "schema is 99"),
        ('{"schema": 1, "faults": {"trunkation": {}}}', "did you mean 'truncation'"),
        ('{"schema": 1, "faults": {"truncation": {}}}', "faults.truncation.relation: is missing"),
        (
            '{"schema": 1, "faults": {"truncation": {"relation": "excess", "against": "median", "maximum": null,'
            ' "physics": null, "voice": [], "reference": [{"limit": NaN, "source": ""}]}}}',
            "NaN is no JSON number",
        ),
    ],
)
def test_a_calibration_that_cannot_be_used_is_one_clear_line(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "calibration.json"
    path.write_text(content)
    with pytest.raises(ConfigError, match=message) as caught:
        Limits.load(path)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


def test_an_absent_calibration_names_the_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot read the calibration"):
        Limits.load(tmp_path / "none.json")
