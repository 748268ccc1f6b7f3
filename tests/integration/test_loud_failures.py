"""The five loud failures of the reports, made in real speech of the embedded voice, each found with the right name.

The voice speaks through its own worker, the reference is its committed profile, the limits are its committed ones: what
a run of `suites/stress` would have said.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from harness.audio.codec import load_codec
from harness.backends.voice.geometry import load_geometry
from harness.backends.worker import Worker
from harness.core.records import Attempt, DetectorInput, Outcome, Request, VerdictWord
from harness.core.variants import load_variants
from harness.corpora import load_corpus
from harness.detectors import catalogue, detect_all
from harness.detectors._half_phase import decoded
from harness.experiments.sensitivity import Trials, Twin
from harness.verdicts import Limits, VerdictPolicy
from harness.verdicts.profile import Profile
from tests._places import ROOT

SCORERS = ("signal", "pitch", "tokens", "intelligibility", "edit_likelihood")
SEED = 11  # another than those of the reference


@pytest.fixture(scope="module")
def variant():
    return {v.name: v for v in load_variants(ROOT / "variants.toml")}["f16"]


@pytest.fixture(scope="module")
def trials(variant):
    options = {name: {} for name in SCORERS}
    options["intelligibility"] = {"asr": variant.asr}
    return Trials(VerdictPolicy(Limits.load(variant.calibration)), options)


@pytest.fixture(scope="module")
def twin(variant, trials, tmp_path_factory):
    """The first chunk of the book of 18 to 30 words in which nothing is found, with all that was seen in it."""
    profile = Profile.load(variant.profile)
    worker = Worker(variant, tmp_path_factory.mktemp("worker"))
    worker.start()
    try:
        for chunk in load_corpus("book").chunks:
            if not 18 <= len(chunk.text.split()) <= 30:
                continue
            reply = worker.request(Request(chunk.id, chunk.text, SEED))
            assert reply.outcome is Outcome.OK and reply.samples is not None
            attempt = Attempt(
                *(0, 0, 0, chunk.id, "f16"),
                seed=SEED,
                sample_rate=reply.sample_rate,
                duration=len(reply.samples) / reply.sample_rate,
                tokens=reply.tokens,
                token_count=reply.token_count,
                finish_reason=reply.finish_reason,
                notes=reply.notes,
            )
            record, layout = profile.record(chunk), worker.capabilities.layout
            bare = Twin(chunk, attempt, reply.samples, reply.sample_rate, {}, variant, "f16", record, layout)
            whole = replace(bare, observations=trials.score(bare, frozenset(SCORERS)))
            if verdict_of(trials, whole).word is VerdictWord.CLEAN and whole.attempt.notes["words"]:
                return whole
    finally:
        worker.stop()
    pytest.fail("no chunk of the book is clean")


def verdict_of(trials, twin):
    attempt_view = replace(twin.view, previous=None)
    return trials.judge.verdict(attempt_view, detect_all(attempt_view))


def broken(trials, twin, samples):
    """The verdict over the same text with other sound, every scorer anew."""
    attempt = replace(twin.attempt, duration=len(samples) / twin.sample_rate, tokens=None, token_count=None)
    copy = replace(twin, samples=np.asarray(samples, np.float32), attempt=attempt, observations={})
    attempt_view: DetectorInput = replace(copy.view, observations=trials.score(copy, frozenset(SCORERS)))
    verdict = trials.judge.verdict(attempt_view, detect_all(attempt_view))
    assert verdict.word is VerdictWord.FAULTY
    return [finding.fault for finding in verdict.findings]


def injected(twin, name, dose=None, label=""):
    injector = next(i for i in catalogue()[name].injectors if i.name == label)
    material = twin.material(injector.needs_words)
    return injector.apply(material, injector.preset if dose is None else dose, np.random.default_rng(1))


def test_four_samples_over_and_over(trials, twin):
    assert broken(trials, twin, injected(twin, "short-repeat").samples)[0] == "short-repeat"


@pytest.mark.parametrize("seconds", [0.2, 0.4])
def test_next_to_nothing_is_spoken(trials, twin, seconds):
    kept = injected(twin, "near-empty", 1 - seconds * twin.sample_rate / len(twin.samples))
    assert len(kept.samples) == pytest.approx(seconds * twin.sample_rate, abs=2)
    assert broken(trials, twin, kept.samples)[0] == "near-empty"


def test_rumbling_water_at_the_right_level_and_length(trials, twin):
    injection = injected(twin, "rumble")
    level = 20 * np.log10(np.sqrt((injection.samples**2).mean()) / np.sqrt((twin.samples**2).mean()))
    assert len(injection.samples) == len(twin.samples) and abs(level) < 3
    assert "rumble" in broken(trials, twin, injection.samples)[:2]


def test_a_spoken_loop_with_a_tail_of_gibberish(trials, twin):
    looped = injected(twin, "loop", 8.0)
    longer = replace(twin, samples=looped.samples)
    both = injected(longer, "gibberish-tail", 2.0)
    assert "loop" in broken(trials, longer, both.samples)


def test_a_running_phase_in_half_precision(trials, twin, variant):
    """The voice's own tokens through its decoder in torch: clean with the phase in full precision, robotic in half."""
    geometry = load_geometry(Path(variant.settings["voice_dir"]) / "voice.json")
    codec = load_codec(geometry.codec)
    codes = twin.attempt.tokens
    full, half = decoded(codes, codec, half=False), decoded(codes, codec, half=True)
    assert len(full) == len(half) == pytest.approx(len(twin.samples), abs=geometry.sample_rate * 0.05)
    view = replace(twin, samples=full.astype(np.float32), observations={})
    attempt_view = replace(view.view, observations=trials.score(view, frozenset({"signal", "pitch"})))
    robotic = catalogue()["robotic"]
    assert not trials.judge.findings(attempt_view, [robotic.evidence(attempt_view)])[0]
    assert "robotic" in broken(trials, twin, half)
