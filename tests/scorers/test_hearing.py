"""How Whisper is asked: again where it loops, nothing where nobody speaks, every word where somebody does."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from harness.audio import read_audio, resample
from harness.core.records import Samples
from harness.scorers.asr import Recognizer, recognizer
from harness.scorers.clip import SPEECH_RATE
from harness.scorers.hearing import HeardWindow, Try, guarded, transcribe_guarded
from harness.scorers.voice_activity import join_spans, original_time, voiced
from harness.scorers.weights import model_folder
from harness.text.alignment import TimedWord
from tests._places import SHARED
from tools.hearing.wordless import wordless_clips

RECORDINGS = SHARED / "speech" / "ljspeech"
needs_flite = pytest.mark.skipif(shutil.which("flite") is None, reason="needs the apt package flite")
needs_recordings = pytest.mark.skipif(not RECORDINGS.is_dir(), reason="needs ../shared/speech/ljspeech")


@pytest.fixture(scope="module")
def whisper() -> Recognizer:
    try:
        model_folder("tiny.en", offline=True)
    except Exception as error:
        pytest.skip(f"needs the extra whisper-weights: {error}")
    return recognizer("whisper")


def window(text: str, seconds_a_word: float = 0.4, **figures: float) -> HeardWindow:
    words = tuple(
        TimedWord(word, k * seconds_a_word, (k + 0.9) * seconds_a_word, 0.9) for k, word in enumerate(text.split())
    )
    return HeardWindow(text, words, 2 * len(words), figures.get("logprob", -0.3), figures.get("no_speech", 0.0))


LOOP = " ".join(["zero"] * 100)
SENTENCE = "the quick brown fox jumps over the lazy dog"


@dataclass
class Scripted:
    """A decoder that gives what it is told to, one entry a try."""

    script: list[HeardWindow]
    tries: list[Try] = field(default_factory=list)

    def decode(self, samples: Samples, language: str, how: Try) -> list[HeardWindow]:
        self.tries.append(how)
        return [self.script[min(len(self.tries), len(self.script)) - 1]]


def audio(seconds: float) -> Samples:
    return np.zeros(int(seconds * SPEECH_RATE), np.float32)


def test_a_loop_is_heard_again_in_the_full_window() -> None:
    decoder = Scripted([window(LOOP, 0.02), window(SENTENCE)])
    windows, tries, looped = guarded(decoder, audio(5), "en")
    assert (windows[0].text, tries, looped) == (SENTENCE, 2, False)
    assert decoder.tries == [Try(), Try(full_window=True)]


def test_then_at_rising_temperature() -> None:
    decoder = Scripted([window(LOOP, 0.02), window(LOOP, 0.02), window(LOOP, 0.02), window(SENTENCE)])
    windows, tries, looped = guarded(decoder, audio(5), "en")
    assert (windows[0].text, tries, looped) == (SENTENCE, 4, False)
    assert [how.temperature for how in decoder.tries] == [0.0, 0.0, 0.2, 0.4]


def test_what_loops_however_it_is_asked_is_called_a_loop() -> None:
    decoder = Scripted([window(LOOP, 0.02)])
    assert guarded(decoder, audio(5), "en")[2]
    assert decoder.tries[-1].temperature == 1.0


def test_words_that_nobody_has_time_for_are_a_loop_though_they_do_not_repeat() -> None:
    letters = np.random.default_rng(1).integers(ord("a"), ord("z") + 1, (60, 6))
    crowd = " ".join("".join(map(chr, word)) for word in letters)
    assert window(crowd, 0.03).runs_on and not window(crowd, 0.03).repeats
    assert guarded(Scripted([window(crowd, 0.03)]), audio(5), "en")[2]
    assert not window(crowd, 0.2).runs_on


def test_speech_that_repeats_itself_is_believed_when_two_tries_hear_it() -> None:
    spoken = window(" ".join(["again"] * 40), 0.5)
    assert spoken.repeats and not spoken.runs_on
    windows, tries, looped = guarded(Scripted([spoken]), audio(20), "en")
    assert (windows, tries, looped) == ([spoken], 2, False)


def test_a_single_word_is_heard_in_the_full_window() -> None:
    decoder = Scripted([window("Stop.")])
    guarded(decoder, audio(1.0), "en")
    assert decoder.tries == [Try(full_window=True)]


def test_silence_is_not_even_decoded() -> None:
    decoder = Scripted([window("Thank you.")])
    for clip in (audio(0), audio(0.2), audio(5), np.full(SPEECH_RATE, 2e-5, np.float32)):
        assert transcribe_guarded(decoder, clip, "en").windows == ()
    assert decoder.tries == []


def test_moments_of_the_cut_audio_are_told_in_the_whole() -> None:
    spans = ((1.0, 2.0), (5.0, 6.5))
    assert len(join_spans(audio(10), spans)) == int(2.5 * SPEECH_RATE)
    assert [original_time(t, spans) for t in (0.0, 0.5, 1.5, 2.5)] == [1.0, 1.5, 5.5, 6.5]
    outside = ((-0.5, 1.0),)
    assert len(join_spans(audio(1), outside)) == int(1.5 * SPEECH_RATE)
    assert [original_time(t, outside) for t in (0.2, 1.5)] == [0.0, 1.0]


def flite(text: str, folder: Path, voice: str = "slt") -> Samples:
    path = folder / "spoken.wav"
    subprocess.run(["flite", "-voice", voice, "-t", text, "-o", str(path)], check=True)
    return read(path)


def read(path: Path) -> Samples:
    clip = read_audio(path)
    return resample(clip.samples, clip.sample_rate, SPEECH_RATE)


@needs_flite
def test_the_level_does_not_decide_what_is_speech(tmp_path: Path) -> None:
    speech = flite("We walked along the river until the sun went down.", tmp_path)
    loud, faint = voiced(speech), voiced(speech * 0.003)
    assert loud.seconds > 1.5
    assert faint.seconds == pytest.approx(loud.seconds, abs=0.1)


@needs_flite
@pytest.mark.parametrize(("before", "after"), [(0, 3), (2, 0), (0, 6)])
def test_silence_around_the_speech_costs_no_word(
    whisper: Recognizer, tmp_path: Path, before: float, after: float
) -> None:
    speech = flite("The old man sat down by the fire.", tmp_path)
    bare = whisper.transcribe(speech, "en")
    padded = whisper.transcribe(np.concatenate([audio(before), speech, audio(after)]), "en")
    assert padded.text.lower() == bare.text.lower() and len(bare.words) == 8
    assert all(
        one.start == pytest.approx(other.start + before, abs=0.35)
        for one, other in zip(padded.words, bare.words, strict=True)
    )
    assert padded.words[0].start >= before - 0.01


@needs_recordings
def test_silence_costs_a_recorded_voice_no_word(whisper: Recognizer) -> None:
    speech = read(RECORDINGS / "LJ001-0004.flac")
    bare = whisper.transcribe(speech, "en")
    assert whisper.transcribe(np.concatenate([speech, audio(3)]), "en").text == bare.text
    assert len(bare.words) == 14


@needs_flite
def test_a_text_of_one_word_and_a_whisper_are_heard(whisper: Recognizer, tmp_path: Path) -> None:
    for word in ("Yes.", "No.", "Stop.", "Wait."):
        assert whisper.transcribe(flite(word, tmp_path), "en").text.strip(".!").lower() == word.strip(".").lower()
    quiet = flite("She put the letter on the kitchen table.", tmp_path) * 0.002
    assert whisper.transcribe(quiet, "en").text == "She put the letter on the kitchen table."


@needs_flite
def test_sounds_without_a_word_give_no_word(whisper: Recognizer, tmp_path: Path) -> None:
    speech = flite("Heavy rain was expected in the mountains.", tmp_path)
    clips = [clip for clip in wordless_clips([speech]) if clip.name.endswith(("-03", "-08"))]
    assert len(clips) == 10
    assert {clip.name: whisper.transcribe(clip.samples, "en").text for clip in clips} == {c.name: "" for c in clips}


@needs_flite
def test_audio_of_more_than_thirty_seconds_is_read_to_its_end(whisper: Recognizer, tmp_path: Path) -> None:
    pieces = [flite(f"This is sentence number {n} of a long story.", tmp_path) for n in ("one", "two", "three")]
    long = np.concatenate([*pieces * 4, flite("And that was the end.", tmp_path)])
    heard = whisper.transcribe(long, "en")
    assert len(long) > 32 * SPEECH_RATE
    assert heard.text.lower().count("sentence") == 12 and "the end" in heard.text
    assert heard.words[-1].end == pytest.approx(len(long) / SPEECH_RATE, abs=0.6)
    assert [w.start for w in heard.words] == sorted(w.start for w in heard.words)
