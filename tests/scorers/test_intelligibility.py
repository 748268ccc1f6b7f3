"""The intelligibility scorer: what is counted, which recognizer is meant, and what is said when it cannot be had."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from harness.core.errors import ConfigError
from harness.core.records import Attempt, Chunk, Samples, Status, Variant
from harness.scorers import SCORERS, asr, observe
from harness.scorers.asr import recognizer, speech_16k
from harness.scorers.base import Clip
from harness.scorers.intelligibility import IntelligibilityScorer, transcript_payload
from harness.scorers.second_opinion import SecondOpinionScorer
from harness.scorers.transcript import Transcript
from harness.text import normaliser
from harness.text.alignment import TimedWord


def clip_of(samples: Samples, text: str, rate: int = 16_000, language: str = "en") -> Clip:
    chunk = Chunk("c1", text, language)
    attempt = Attempt(session=0, epoch=0, sequence=0, chunk_id="c1", variant="v")
    return Clip(chunk, attempt, samples, rate, Variant("v", "null"))


class Parrot:
    """A recognizer that hears what it is told to."""

    spec = "parrot"
    languages = None

    def __init__(self, text: str) -> None:
        self.text = text

    def setup(self) -> None:
        pass

    def transcribe(self, samples: Samples, language: str) -> Transcript:
        words = tuple(TimedWord(w, k * 0.5, k * 0.5 + 0.4, 0.9) for k, w in enumerate(self.text.split()))
        return Transcript(self.text, words, "parrot", "one")


@pytest.fixture
def hearing() -> Callable[[str, str, str], dict]:
    def observe_text(said: str, heard: str, language: str = "en") -> dict:
        scorer = IntelligibilityScorer("whisper")
        scorer.recognizer = Parrot(heard)
        measurement = observe(scorer, clip_of(np.zeros(16_000, np.float32), said, language=language))
        assert measurement.status is Status.OK, measurement.reason
        return measurement.payload

    return observe_text


def test_payload_holds_counts_alignment_and_plain_json(hearing: Callable) -> None:
    payload = hearing("The old man sat down, quietly.", "the man sat down quietly quietly")
    assert json.loads(json.dumps(payload, allow_nan=False)) == payload
    assert payload["normaliser"] == "english/3"
    assert payload["wer"]["errors"] == 2 and payload["wer"]["words"] == 6
    assert payload["wer"]["rate"] == pytest.approx(2 / 6)
    assert [b["op"] for b in payload["alignment"]].count("delete") == 1
    assert len(payload["words"]) == len(payload["hypothesis"].split())


def test_times_belong_to_normalised_words(hearing: Callable) -> None:
    payload = hearing("She is 23 today", "she is twenty three today")
    assert payload["wer"]["errors"] == 0
    assert [(w["word"], w["start"], w["end"]) for w in payload["words"]] == [
        ("she", 0.0, 0.4),
        ("is", 0.5, 0.9),
        ("23", 1.0, 1.9),
        ("today", 2.0, 2.4),
    ]


def test_nothing_heard_is_every_word_deleted(hearing: Callable) -> None:
    payload = hearing("one little word", "")
    assert (payload["wer"]["deletions"], payload["wer"]["rate"], payload["words"]) == (3, 1.0, [])


def test_text_without_words_has_no_rate(hearing: Callable) -> None:
    payload = hearing("...!", "hello there")
    assert (payload["wer"]["words"], payload["wer"]["insertions"], payload["wer"]["rate"]) == (0, 2, None)


def test_chinese_is_counted_in_characters(hearing: Callable) -> None:
    payload = hearing("你好世界。", "你好世間", "zh")
    assert payload["normaliser"] == "characters:zh/3"
    assert (payload["wer"]["words"], payload["cer"]["characters"], payload["cer"]["errors"]) == (4, 4, 1)


def test_a_language_the_recognizer_does_not_read_is_not_available() -> None:
    measurement = observe(
        IntelligibilityScorer("faster-whisper:tiny.en"), clip_of(np.zeros(16_000, np.float32), "Hallo", language="de")
    )
    assert measurement.status is Status.NOT_AVAILABLE and "'de'" in measurement.reason


def test_wrong_names_get_the_nearest_choice(tmp_path: Path) -> None:
    for spec, expected in [
        ("wisper:base.en", "did you mean 'whisper'"),
        ("whisper:bse.en", "did you mean 'base.en'"),
        ("embedded", "no longer here"),
        ("pocketsphinx:fast", "no longer here"),
        (f"whisper:{tmp_path}/none.pt", "no whisper checkpoint at"),
        ("faster-whisper:bse", "did you mean 'base'"),
        ("faster-whisper:", "needs a model"),
    ]:
        with pytest.raises(ConfigError, match=expected) as error:
            recognizer(spec, where="--asr")
        assert str(error.value).startswith("--asr: ") and "\n" not in str(error.value)
    with pytest.raises(ConfigError, match="did you mean 'seed-tts-eval'"):
        IntelligibilityScorer("whisper", normalise="seed-tts")


def test_a_voice_names_the_recognizer_that_knows_it_and_the_command_line_wins() -> None:
    variants, other = Variant("f16", "null", asr="whisper:tiny"), Variant("q8", "null", asr="whisper:tiny")
    assert asr.asr_of([variants, other]) == "whisper:tiny"
    assert asr.asr_of([variants, other], "whisper:turbo") == "whisper:turbo"
    assert asr.asr_of([Variant("mine", "command")]) is None
    assert IntelligibilityScorer().recognizer.spec == "whisper"


def test_variants_that_name_different_recognizers_need_a_choice() -> None:
    several = [Variant("f16", "null", asr="whisper:tiny"), Variant("mine", "command")]
    with pytest.raises(ConfigError, match="f16 names whisper:tiny, mine names none: choose with --asr"):
        asr.asr_of(several)
    assert asr.asr_of(several, "whisper") == "whisper"


def test_version_names_the_recognizer_so_that_scores_are_never_mixed() -> None:
    assert IntelligibilityScorer("whisper").version != IntelligibilityScorer("faster-whisper:base").version


def test_second_opinion_uses_its_own_engine_by_default() -> None:
    assert SCORERS.get("second_opinion") is SecondOpinionScorer
    assert SecondOpinionScorer().recognizer.spec == "faster-whisper:base"
    assert SecondOpinionScorer(first="faster-whisper:base").recognizer.spec == "faster-whisper:tiny.en"
    german = clip_of(np.zeros(16_000, np.float32), "Hallo", language="de")
    measurement = observe(SecondOpinionScorer(first="whisper"), german)
    assert measurement.status is Status.NOT_AVAILABLE and "heard this clip already" in measurement.reason


def test_a_transcript_that_loops_is_not_counted_as_words() -> None:
    class Looping(Parrot):
        def transcribe(self, samples: Samples, language: str) -> Transcript:
            return replace(super().transcribe(samples, language), looped=True)

    scorer = IntelligibilityScorer("whisper")
    scorer.recognizer = Looping("no no no no")
    measurement = observe(scorer, clip_of(np.zeros(16_000, np.float32), "no thank you"))
    assert (measurement.status, measurement.reason, measurement.payload) == (
        Status.NOT_AVAILABLE,
        "recognizer looped",
        {},
    )


def test_not_finite_samples_never_reach_a_recognizer() -> None:
    samples = np.ones(24_000, np.float32) * 0.1
    samples[5] = np.nan
    samples[6] = np.inf
    heard = speech_16k(clip_of(samples, "x", rate=24_000))
    assert len(heard) == 16_000 and np.isfinite(heard).all() and np.abs(heard).max() < 1.0


def test_words_of_a_transcript_without_times_are_still_counted() -> None:
    transcript = transcript_payload(Transcript("hello world", (), "e", "m"), "hello world", "en", normaliser("none"))
    assert transcript["wer"]["errors"] == 0 and transcript["words"] == []
