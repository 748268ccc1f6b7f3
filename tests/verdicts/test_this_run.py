"""The run as its own reference: what stands apart from its other chunks is named, and they are not led astray by it."""

from __future__ import annotations

import numpy as np
import pytest

from harness.core.records import Attempt, Chunk, Detection, DetectorInput, Measurement, Status, VerdictWord
from harness.detectors import catalogue
from harness.verdicts import Limits, Priors, RunChunk, VerdictPolicy, fit_run
from harness.verdicts.claims.as_whole import as_a_whole, own_reference
from harness.verdicts.priors import FigureRange
from harness.verdicts.settled import settle_run
from harness.verdicts.speakers import run_voices

NO_PRIORS = Priors()
WORDS = [f"word{n}" for n in range(20)]


def text(number: int, words: int = 0) -> Chunk:
    rng = np.random.default_rng(number)
    return Chunk(f"c{number}", " ".join(rng.choice(WORDS, words or 4 + number % 16)), position=number)


def run_of(count: int, fault: str, draw, changed: dict[int, float] | None = None) -> list[RunChunk]:
    """``draw(rng, words)`` gives a healthy value; ``changed`` replaces those of some chunks."""
    rng = np.random.default_rng(7)
    chunks = []
    for number in range(count):
        chunk = text(number)
        value = float(draw(rng, len(chunk.text.split())))
        chunks.append(RunChunk(number + 1, chunk, {fault: (changed or {}).get(number, value)}))
    return chunks


def muffled(rng, words):
    return -2.39 + 0.01 * rng.standard_normal()


@pytest.mark.parametrize(
    ("fault", "healthy", "spread", "broken"),
    [
        ("bandwidth", -2.39, 0.01, -1.29),  # three times narrower
        ("level-offset", -25.2, 0.4, -31.2),  # 6 dB quieter
        ("level-offset", -25.2, 0.4, -19.2),  # and louder
        ("noise-floor", -94.8, 0.3, -40.0),
        ("robotic", -12.6, 0.8, -4.0),
        ("rumble", 0.58, 0.07, 3.0),
        ("overlong", -1.34, 0.07, -0.24),
        ("sample-rate", 0.0, 0.02, 0.22),
    ],
)
def test_what_a_listener_would_object_to_is_named_without_a_reference(fault, healthy, spread, broken):
    chunks = run_of(60, fault, lambda rng, words: healthy + spread * rng.standard_normal(), {31: broken})
    assert fit_run(chunks, NO_PRIORS).beyond[fault] == {32}


def test_a_text_is_judged_by_what_its_length_leads_to_expect():
    def slower_when_short(rng, words):
        return -1.4 + 2.0 / words + 0.03 * rng.standard_normal()

    own = fit_run(run_of(80, "overlong", slower_when_short), NO_PRIORS)
    assert own.beyond["overlong"] == frozenset()
    short, long = (next(n + 1 for n in range(80) if 4 + n % 16 == words) for words in (4, 19))
    assert own.of(short)["overlong"].expected == pytest.approx(-0.9, abs=0.1)
    assert own.of(long)["overlong"].expected == pytest.approx(-1.3, abs=0.1)


def test_a_chunk_does_not_teach_what_is_expected_of_itself():
    plain = fit_run(run_of(60, "robotic", lambda rng, words: -12 + rng.standard_normal()), NO_PRIORS)
    moved = run_of(60, "robotic", lambda rng, words: -12 + rng.standard_normal())
    moved[20] = RunChunk(21, moved[20].chunk, {"robotic": moved[20].values["robotic"] + 1.0})
    before, after = plain.of(21)["robotic"].expected, fit_run(moved, NO_PRIORS).of(21)["robotic"].expected
    assert after == pytest.approx(before, abs=0.15), "the value rose by 1, what is expected of it must not follow"


@pytest.mark.parametrize("share", [0.05, 0.1, 0.2])
def test_a_fifth_of_faulty_chunks_hides_none_of_them(share):
    broken = dict.fromkeys(range(0, 100, round(1 / share)), -1.3)
    own = fit_run(run_of(100, "bandwidth", muffled, broken), NO_PRIORS)
    assert own.can_tell
    assert own.beyond["bandwidth"] == {n + 1 for n in broken}


def test_with_a_third_of_them_the_run_says_that_it_cannot_tell():
    broken = {n: -1.3 for n in range(100) if n % 10 < 3}
    chunks = run_of(100, "bandwidth", muffled, broken)
    views = [DetectorInput(one.chunk, Attempt(0, 0, 0, one.chunk.id, "v", id=one.attempt), {}) for one in chunks]
    evidence = [[Detection("bandwidth", one.values["bandwidth"])] for one in chunks]
    claim = own_reference("v", settle_run(views, evidence, NO_PRIORS))
    assert claim.passed is None and claim.value == pytest.approx(0.3)
    assert "cannot tell what is healthy: 30 of 100" in claim.statement and "bandwidth 30" in claim.statement


def test_few_chunks_are_no_reference_and_say_so():
    chunks = run_of(39, "bandwidth", muffled, {3: -1.3})
    own = fit_run(chunks, NO_PRIORS)
    assert own.beyond == {} and own.of(4) == {}


def test_a_value_that_most_chunks_share_is_left_to_the_prior():
    own = fit_run(run_of(60, "clipping", lambda rng, words: 0.0, {5: 0.2}), NO_PRIORS)
    assert own.of(6) == {}


@pytest.mark.parametrize(("usual", "spread", "raised"), [(-5.0, 1.2, False), (-2.5, 2.0, True)])
def test_a_run_that_is_heard_badly_raises_the_limit_of_words_and_none_lowers_it(usual, spread, raised):
    def gains(rng, words):
        return usual + spread * rng.standard_normal()

    own = fit_run(run_of(80, "skipped-words", gains), NO_PRIORS)
    limits = [bound["skipped-words"].expected + bound["skipped-words"].limit for bound in own.bounds.values()]
    default = catalogue()["skipped-words"].default_limit
    assert min(limits) >= default - 1e-9
    assert bool(np.median(limits) > default + 1.0) is raised
    lost = fit_run(run_of(80, "skipped-words", gains, {4: 15.0}), NO_PRIORS)
    assert lost.beyond["skipped-words"] >= {5}, "a phrase that is gone stands out in any voice"


def test_healthy_runs_of_heavy_tails_raise_few_alarms():
    alarms = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        chunks = [RunChunk(n, text(n), {"click": float(2 + 0.3 * rng.gamma(2.0))}) for n in range(1, 101)]
        alarms += len(fit_run(chunks, NO_PRIORS).faulty)
    assert alarms <= 2, f"{alarms} of 2,000"


def test_a_finding_names_the_run_as_its_source_and_shows_the_others():
    chunks = run_of(60, "bandwidth", muffled, {31: -1.29})
    own = fit_run(chunks, NO_PRIORS)
    view = DetectorInput(chunks[31].chunk, Attempt(0, 0, 0, "c31", "v", id=32), {})
    judge = VerdictPolicy(Limits.default(NO_PRIORS))
    evidence = [Detection("bandwidth", -1.29)]
    assert judge.verdict(view, evidence).final is False
    verdict = judge.verdict(view, evidence, own.of(32))
    assert verdict.final and verdict.word is VerdictWord.FAULTY
    (finding,) = verdict.findings
    assert finding.limit_source.startswith("this run: ")
    assert "3.6 kHz here, 11.1 kHz" in finding.detail and "in the run's other chunks" in finding.detail
    (used,) = verdict.limits
    assert (used.detector, used.source) == ("bandwidth", finding.limit_source)


def test_the_budget_of_the_detectors_is_one():
    from harness.verdicts.this_run import fitted_detectors, shared_budget

    assert shared_budget() * len(fitted_detectors()) == pytest.approx(0.004)
    assert "bandwidth" in fitted_detectors() and "crash" not in fitted_detectors()


# ------------------------------------------------------------------------------------------------------ voices
def voice(rng, middle: np.ndarray, spread: float = 0.02) -> list[float]:
    vector = middle + spread * rng.standard_normal(len(middle))
    return list(vector / np.linalg.norm(vector))


def middles(count: int) -> np.ndarray:
    return np.linalg.qr(np.random.default_rng(1).standard_normal((256, count)))[0].T


def test_a_stray_voice_in_a_run_of_one_stands_apart():
    rng, (usual, other) = np.random.default_rng(0), middles(2)
    embeddings = {n: voice(rng, other if n == 17 else usual) for n in range(50)}
    told = run_voices(embeddings, 40)
    assert told is not None and told.voices == 1
    assert told.similarity[17] < 0.2 and min(s for n, s in told.similarity.items() if n != 17) > 0.9


def test_a_fifth_of_another_voice_does_not_become_a_speaker():
    rng, (usual, other) = np.random.default_rng(0), middles(2)
    told = run_voices({n: voice(rng, other if n % 5 == 0 else usual) for n in range(50)}, 40)
    assert told is not None and told.voices == 1 and told.similarity[5] < 0.2


def test_speakers_that_take_turns_are_told_apart_and_a_stray_is_not_one():
    rng, (one, two, three, stray) = np.random.default_rng(0), middles(4)
    embeddings = {n: voice(rng, (one, two, three)[n % 3]) for n in range(60)}
    embeddings[60] = voice(rng, stray)
    told = run_voices(embeddings, 40)
    assert told is not None and told.voices == 3
    assert min(told.similarity[n] for n in range(60)) > 0.9 and told.similarity[60] < 0.2


# ------------------------------------------------------------------------------------------------------ as a whole
def signal(edge: float, **more: float) -> dict[str, Measurement]:
    payload = {"duration": 3.0, "rolloff99_hz": edge, "sample_rate": 24000, "active_rms_dbfs": -22.0, **more}
    return {"signal": Measurement("signal", "2", Status.OK, payload)}


def test_a_run_that_is_muffled_as_a_whole_is_told_so_in_words():
    priors = Priors(figures={"band": FigureRange(0.4, 1.0, 20), "level": FigureRange(-35.0, -12.0, 20)})
    views = [DetectorInput(text(n), Attempt(0, 0, n, f"c{n}", "v", id=n + 1), signal(3400.0)) for n in range(50)]
    claim = as_a_whole("v", settle_run(views, [[] for _ in views], priors), priors)
    assert claim.statement.startswith("every chunk is muffled above 3.4 kHz")
    healthy = [DetectorInput(v.chunk, v.attempt, signal(10000.0)) for v in views]
    assert (
        "within what healthy voices have"
        in as_a_whole("v", settle_run(healthy, [[] for _ in views], priors), priors).statement
    )


def test_the_shipped_priors_know_the_classes_of_the_waveform():
    priors = Priors.shipped()
    for name in ("bandwidth", "click", "level-offset", "noise-floor", "overlong", "robotic", "rumble"):
        assert priors.detectors[name].voices >= 15, name
    assert set(priors.detectors) <= set(catalogue())


# ------------------------------------------------------------------------------------- what no listener objects to
def test_what_differs_less_than_a_listener_minds_is_no_fault_however_steady_the_voice():
    quieter = {31: -25.2 - 2.9, 40: -25.2 - 4.0}  # dB; the published threshold is 3
    own = fit_run(
        run_of(60, "level-offset", lambda rng, words: -25.2 + 0.05 * rng.standard_normal(), quieter), NO_PRIORS
    )
    assert own.beyond["level-offset"] == {41}


@pytest.mark.parametrize(
    ("fault", "healthy", "spread", "harmless", "broken"),
    [
        ("noise-floor", -94.8, 0.3, -52.0, -40.0),
        ("short-repeat", 1.5, 0.1, 3.4, 6.0),  # a held vowel
        ("internal-silence", 0.4, 0.05, 1.4, 3.0),  # a pause between sentences
        ("level-step", 2.0, 0.2, 9.0, 20.0),
    ],
)
def test_what_is_harmless_in_any_voice_is_no_fault_of_a_steady_one(fault, healthy, spread, harmless, broken):
    changed = {20: harmless, 31: broken}
    own = fit_run(run_of(60, fault, lambda rng, words: healthy + spread * rng.standard_normal(), changed), NO_PRIORS)
    assert own.beyond[fault] == {32}


def test_a_value_whose_measurement_is_gone_is_not_judged_and_the_run_is_settled():
    views = [DetectorInput(text(n), Attempt(0, 0, n, f"c{n}", "v", id=n + 1), signal(9000.0)) for n in range(50)]
    settled = settle_run(views, [[Detection("skipped-words", 2.0, "nats")] for _ in views], NO_PRIORS)
    assert {row[0].value for row in settled.evidence} == {None}
    assert {row[0].applies for row in settled.evidence} == {True}
    assert all(row[0].reason for row in settled.evidence)
    assert "skipped-words" not in settled.own.of(1)
