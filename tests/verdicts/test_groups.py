"""Two groups of chunks in one run: nobody can say which is healthy, and the run says so."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from harness.core.records import Attempt, Chunk, Detection, DetectorInput, Measurement, Status
from harness.detectors import catalogue
from harness.verdicts import Limits, Priors, VerdictPolicy
from harness.verdicts.claims.as_whole import URGENT, own_reference
from harness.verdicts.groups import smaller_group
from harness.verdicts.priors import Prior
from harness.verdicts.settled import settle_run

NO_PRIORS = Priors()
ONE_GROUP = {
    "normal": lambda rng, n: rng.standard_normal(n),
    "flat": lambda rng, n: rng.random(n),
    "one tail": lambda rng, n: rng.exponential(size=n),
    "long tail": lambda rng, n: rng.lognormal(size=n),
    "both tails": lambda rng, n: rng.standard_t(3, n),
}


def views_of(values, fault, speakers=None):
    """One view and its evidence a value; ``speakers``: the direction of each chunk's voice."""
    rng = np.random.default_rng(5)
    views, evidence = [], []
    for number, value in enumerate(values):
        words = " ".join(rng.choice([f"word{n}" for n in range(20)], 4 + number % 16))
        measured = {}
        if speakers is not None:
            vector = speakers[number] + 0.02 * rng.standard_normal(len(speakers[number]))
            payload = {"encoder": "e", "embedding": vector.tolist(), "speech_seconds": 4.0, "similarity": None}
            measured["speaker"] = Measurement("speaker", "1", Status.OK, payload)
        attempt = Attempt(0, 0, number, f"c{number}", "v", id=number + 1)
        views.append(DetectorInput(Chunk(f"c{number}", words, position=number), attempt, measured))
        evidence.append([Detection(fault, float(value))])
    return views, evidence


def judged(settled, priors=NO_PRIORS):
    """Chunk number -> its findings, and its reasons for not being judged."""
    judge = VerdictPolicy(Limits.default(priors))
    pairs = zip(settled.views, settled.evidence, strict=True)
    return [judge.findings(view, evidence, settled.own.of(view.attempt.id)) for view, evidence in pairs]


@pytest.mark.parametrize("share", [0.3, 0.4])
@pytest.mark.parametrize(
    ("fault", "healthy", "spread", "by"),
    [("bandwidth", -1.0, 0.1, 0.6), ("level-offset", -25.2, 1.0, -6.0), ("level-offset", -25.2, 1.0, 6.0)],
)
def test_a_third_of_faulty_chunks_in_a_voice_that_varies_is_told(fault, healthy, spread, by, share):
    rng = np.random.default_rng(0)
    struck = np.arange(100) % 10 < 10 * share
    settled = settle_run(*views_of(healthy + spread * rng.standard_normal(100) + by * struck, fault), Priors())
    claim = own_reference("v", settled)
    assert not settled.can_tell and claim.details[URGENT]
    sizes = (settled.own.groups[fault].smaller, settled.own.groups[fault].larger)
    assert sizes == pytest.approx((100 * share, 100 - 100 * share), abs=2), "a chunk or two lie with the others"
    assert f"{fault}: two groups of chunks, {sizes[1]} around" in claim.statement
    outcomes = judged(settled)
    clean = np.array([not findings and not unjudged for findings, unjudged in outcomes])
    assert clean[struck].sum() <= 2, "what may be faulty is not judged"
    assert clean[~struck].all(), "nothing speaks against the larger group"
    assert not any(findings for findings, _ in outcomes), "and nobody is accused by a run that cannot tell"


def test_where_the_many_are_the_worse_ones_they_are_not_judged_and_none_is_clean():
    rng = np.random.default_rng(0)
    muffled = np.arange(100) % 10 < 7
    settled = settle_run(*views_of(-2.4 + 0.02 * rng.standard_normal(100) + 1.1 * muffled, "bandwidth"), Priors())
    for (findings, unjudged), worse in zip(judged(settled), muffled, strict=True):
        assert not findings
        assert bool(unjudged) is bool(worse)
        if worse:
            assert "two groups of chunks, 70 around 3.7 kHz and 30 around 11.0 kHz" in unjudged["bandwidth"]


@pytest.mark.parametrize("name", ONE_GROUP)
@pytest.mark.parametrize("count", [60, 100, 400])
def test_one_distribution_is_not_two_groups_whatever_its_shape(name, count):
    rng = np.random.default_rng(3)
    everything = np.ones(count, np.bool_)
    parted = sum(smaller_group(ONE_GROUP[name](rng, count), everything, 0.0).any() for _ in range(100))
    assert parted <= 4, f"{parted} of 100"


def test_a_fifth_that_stands_apart_does_not_widen_what_the_others_are_held_against():
    rng = np.random.default_rng(0)
    healthy = -25.2 + rng.standard_normal(100)
    struck = np.arange(100) % 5 == 0
    plain = settle_run(*views_of(healthy, "level-offset"), Priors()).own.of(2)["level-offset"].limit
    mixed = settle_run(*views_of(healthy - 6.0 * struck, "level-offset"), Priors())
    assert mixed.can_tell and mixed.own.of(2)["level-offset"].limit == pytest.approx(plain, rel=0.1)


def test_what_is_beyond_all_healthy_voices_is_found_in_either_group():
    rng = np.random.default_rng(0)
    loud = np.arange(100) % 10 < 3
    prior = Prior(1000, 20, 5.0, (1.0,) * 4, (-90.0,) * 4, (-40.0,) * 4, -80.0, -50.0)
    priors = Priors({"noise-floor": prior})
    settled = settle_run(*views_of(-70.0 + rng.standard_normal(100) + 40.0 * loud, "noise-floor"), priors)
    outcomes = judged(settled, priors)
    assert [bool(findings) for findings, _ in outcomes] == loud.tolist()
    told = [findings[0] for findings, _ in outcomes if findings]
    assert all(one.limit_source.startswith("prior") and "two groups" in one.detail for one in told)


def two_speakers(count: int, second: np.ndarray) -> list[np.ndarray]:
    usual, other = np.linalg.qr(np.random.default_rng(1).standard_normal((64, 2)))[0].T
    return [other if is_second else usual for is_second in second[:count]]


def test_two_speakers_of_another_level_are_each_held_against_their_own_and_the_run_says_so():
    rng = np.random.default_rng(0)
    second = np.arange(100) % 5 < 2
    values = -25.2 + 0.4 * rng.standard_normal(100) - 6.0 * second
    values[3] -= 6.0  # one chunk of the first speaker is quiet
    settled = settle_run(*views_of(values, "level-offset", two_speakers(100, second)), Priors())
    assert [number for number, (findings, _) in enumerate(judged(settled)) if findings] == [3]
    claim = own_reference("v", settled)
    assert "2 voices were told apart (60 and 40 chunks)" in claim.statement and claim.details[URGENT]
    assert "if one voice was asked for" in claim.statement
    unjudged = [bool(reasons) for _, reasons in judged(settled)]
    assert [place for place in range(100) if second[place] and not unjudged[place]] == [], "it may be the fault"
    assert not any(unjudged[place] for place in range(100) if not second[place])


def test_a_second_voice_that_no_healthy_voice_is_like_is_named():
    rng = np.random.default_rng(0)
    second = np.arange(100) % 10 < 3
    values = 0.6 + 0.05 * rng.standard_normal(100) + 4.0 * second
    prior = Prior(1000, 20, 8.0, (1.0,) * 4, (0.1,) * 4, (2.0,) * 4, 0.3, 1.4)
    run = views_of(values, "rumble", two_speakers(100, second))
    settled = settle_run(*run, Priors({"rumble": prior}))
    assert settled.own.beyond["rumble"] == {int(i) + 1 for i in np.flatnonzero(second)}
    assert not settled.can_tell


def test_a_fault_that_hits_some_of_them_half_is_a_group_all_the_same():
    rng = np.random.default_rng(0)
    values = np.concatenate([rng.normal(-7.4, 1.0, 70), rng.normal(-0.5, 0.3, 26), np.linspace(-5.0, -3.0, 4)])
    assert smaller_group(values, np.ones(100, bool), 3.0)[70:96].all()


@pytest.mark.parametrize("share", [0.3, 0.4, 0.5])
def test_another_speaker_in_a_large_part_of_the_run_is_never_clean(share):
    second = np.arange(100) % 10 < 10 * share
    views, _ = views_of(np.zeros(100), "level-offset", two_speakers(100, second))
    short = next(place for place in range(100) if second[place])
    payload = {**views[short].payload("speaker"), "speech_seconds": 1.0}
    views[short] = replace(views[short], observations={"speaker": Measurement("speaker", "1", Status.OK, payload)})
    wrong = catalogue()["wrong-speaker"]
    settled = settle_run(views, [[wrong.evidence(view)] for view in views], NO_PRIORS)
    outcomes = judged(settled)
    assert not any(findings for findings, _ in outcomes) and not settled.can_tell
    left_open = np.array(["wrong-speaker" in unjudged for _, unjudged in outcomes])
    lesser = second if share < 0.5 else second if left_open[second].any() else ~second
    assert left_open[lesser].all() and not left_open[~lesser].any()
    assert "have another: the run cannot tell which was asked for" in outcomes[short][1].get("wrong-speaker", "") or (
        share == 0.5
    )


def test_a_chunk_that_is_like_neither_of_two_voices_is_named():
    second = np.arange(100) % 10 < 4
    speakers = two_speakers(100, second)
    speakers[1] = np.linalg.qr(np.random.default_rng(1).standard_normal((64, 3)))[0].T[2]
    views, _ = views_of(np.zeros(100), "level-offset", speakers)
    wrong = catalogue()["wrong-speaker"]
    settled = settle_run(views, [[wrong.evidence(view)] for view in views], NO_PRIORS)
    assert [place for place, (findings, _) in enumerate(judged(settled)) if findings] == [1]
