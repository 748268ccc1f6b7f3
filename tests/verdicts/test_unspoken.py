"""Texts of punctuation or emoji alone: silence and refusals are counted apart, crashes and words are faults."""

import numpy as np
import pytest

from harness.core.records import (
    Attempt,
    Chunk,
    DetectorInput,
    Measurement,
    Outcome,
    Samples,
    Status,
    Variant,
    Verdict,
    VerdictWord,
)
from harness.scorers.base import observe
from harness.scorers.clip import SharedClip
from harness.scorers.intelligibility import transcript_payload
from harness.scorers.pitch import PitchScorer
from harness.scorers.signal import SignalScorer
from harness.scorers.transcript import Transcript
from harness.text import default_normaliser, normaliser
from harness.verdicts import Limits, Priors, VerdictPolicy
from harness.verdicts.claims.rows import ChunkResult, Margins
from harness.verdicts.claims.stress import fault_rate, judged_share
from harness.verdicts.settled import settle_run
from harness.verdicts.unspoken import nothing_to_speak

RATE = 24_000
TEXTS = ("?!", "* * *", "\U0001f600", "...", "— —", "。！？")


def verdict(
    text: str, outcome: Outcome = Outcome.OK, sound: Samples | None = None, heard: str | None = None
) -> Verdict:
    chunk = Chunk("c", text)
    duration = None if sound is None else len(sound) / RATE
    attempt = Attempt(0, 0, 0, "c", "v", outcome=outcome, detail="signal 11", sample_rate=RATE, duration=duration)
    measurements: dict[str, Measurement] = {}
    if sound is not None:
        clip = SharedClip(chunk, attempt, sound, RATE, Variant("v", "null"))
        measurements = {scorer.name: observe(scorer, clip) for scorer in (SignalScorer(), PitchScorer())}
        if heard is not None:
            transcript = transcript_payload(
                Transcript(heard, (), "e", "m"), text, "en", normaliser(default_normaliser("en"))
            )
            measurements["intelligibility"] = Measurement("intelligibility", "1", Status.OK, transcript)
    view = DetectorInput(chunk, attempt, measurements)
    judge = VerdictPolicy(Limits.default())
    return judge.verdict(view, judge.evidence(view))


def speechlike(seconds: float = 4.0) -> Samples:
    time = np.arange(int(seconds * RATE)) / RATE
    rng = np.random.default_rng(3)
    envelope = np.clip(np.sin(2 * np.pi * 3.3 * time), 0, 1) ** 2
    tone = sum(np.sin(2 * np.pi * 120 * k * time * (1 + 0.01 * np.sin(time))) / k for k in range(1, 20))
    return (0.15 * envelope * tone + 0.001 * rng.standard_normal(len(time))).astype(np.float32)


QUIET = {
    "zeros": np.zeros(RATE // 2, np.float32),
    "near-silent noise": (0.003 * np.random.default_rng(1).uniform(-1, 1, RATE)).astype(np.float32),
    "a constant": np.full(RATE // 2, 0.001, np.float32),
}


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("sound", list(QUIET))
def test_silence_is_a_good_answer(text: str, sound: str) -> None:
    answer = verdict(text, sound=QUIET[sound], heard="")
    assert answer.word is VerdictWord.NOTHING_TO_SPEAK and not answer.findings, answer


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("outcome", [Outcome.NO_AUDIO, Outcome.ERROR])
def test_no_audio_and_a_refusal_are_good_answers(text: str, outcome: Outcome) -> None:
    assert verdict(text, outcome).word is VerdictWord.NOTHING_TO_SPEAK


@pytest.mark.parametrize("outcome", [Outcome.CRASH, Outcome.HANG, Outcome.TIMEOUT, Outcome.BAD_AUDIO])
def test_a_crash_a_hang_and_broken_audio_are_faults_whatever_the_text(outcome: Outcome) -> None:
    assert verdict("?!", outcome).word is VerdictWord.FAULTY


def test_words_are_inserted_words() -> None:
    answer = verdict("?!", sound=speechlike(), heard="thank you for watching")
    assert answer.word is VerdictWord.FAULTY
    assert [finding.fault for finding in answer.findings] == ["inserted-words"]
    assert "thank you" in answer.findings[0].detail


@pytest.mark.parametrize("heard", [None, ""])
def test_sound_without_words_is_not_judged_and_says_why(heard: str | None) -> None:
    answer = verdict("* * *", sound=speechlike(), heard=heard)
    assert answer.word is VerdictWord.NOT_JUDGED
    assert "nothing to speak" in answer.reason


def test_an_emoji_may_be_read_by_its_name() -> None:
    assert verdict("\U0001f600", sound=speechlike(), heard="grinning face").word is VerdictWord.NOTHING_TO_SPEAK
    assert verdict("\U0001f600", sound=speechlike(), heard="a smiley").word is VerdictWord.NOT_JUDGED


@pytest.mark.parametrize("text", ["Yes.", "5", "&", "今", "a", "50%"])
def test_what_can_be_spoken_is_not_excused(text: str) -> None:
    assert not nothing_to_speak(Chunk("c", text))
    assert verdict(text, Outcome.ERROR).word is VerdictWord.FAULTY


def test_expected_decides_whether_there_is_something_to_speak() -> None:
    assert nothing_to_speak(Chunk("c", '<break time="2s"/>'))
    assert not nothing_to_speak(Chunk("c", "***", expected="asterisks"))


def test_claims_count_them_apart() -> None:
    words = [VerdictWord.CLEAN] * 10 + [VerdictWord.NOTHING_TO_SPEAK] * 5 + [VerdictWord.FAULTY]
    rows = [ChunkResult(i, Chunk(f"c{i}", "x"), Verdict(word)) for i, word in enumerate(words)]
    assert fault_rate("v", rows, None, Margins()).count == 11
    share = judged_share("v", rows, Margins())
    assert share.value == 1 and "5 more hold nothing to speak" in share.statement


def test_a_run_is_not_fitted_on_texts_that_hold_nothing_to_speak() -> None:
    texts = ["?!", "* * *", "Yes."]
    views = [
        DetectorInput(Chunk(f"c{i}", text), Attempt(0, 0, i, f"c{i}", "v", id=i, outcome=Outcome.NO_AUDIO), {})
        for i, text in enumerate(texts)
    ]
    judge = VerdictPolicy(Limits.default())
    settled = settle_run(views, [judge.evidence(view) for view in views], Priors())
    assert settled.own.chunks == 1 and len(settled.views) == 3
