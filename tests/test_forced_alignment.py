"""Forced alignment names the words that are missing or said twice, on speech of a real synthesizer."""

import shutil
import subprocess

import numpy as np
import pytest

from harness.audio import read_audio
from harness.faults import catalogue
from harness.scorers.base import observe
from harness.scorers.clip import SharedClip
from harness.scorers.forced_alignment import ForcedAlignmentScorer
from harness.types import Attempt, Chunk, Status, Variant, View

TEXT = "The harbor was quiet before dawn, and the old boats moved slowly against the wooden pier."


@pytest.fixture(scope="module")
def scorer():
    made = ForcedAlignmentScorer()
    made.setup()
    return made


@pytest.fixture(scope="module")
def speech(tmp_path_factory):
    if shutil.which("flite") is None:
        pytest.skip("needs flite (Debian package flite) for speech to align")
    path = tmp_path_factory.mktemp("flite") / "a.wav"
    subprocess.run(["flite", "-voice", "slt", "-t", TEXT, "-o", str(path)], check=True)
    return read_audio(path)


def seen(scorer, speech, samples, text=TEXT, language="en"):
    chunk = Chunk("c", text, language)
    attempt = Attempt(0, 0, 0, "c", "v", duration=len(samples) / speech.sample_rate, sample_rate=speech.sample_rate)
    clip = SharedClip(chunk, attempt, samples, speech.sample_rate, Variant("v", "null"))
    return View(chunk, attempt, {"forced_alignment": observe(scorer, clip)})


def words_of(view):
    return view.payload("forced_alignment")["words"]


def test_healthy_speech_has_its_words_once_and_in_order(scorer, speech):
    payload = seen(scorer, speech, speech.samples).payload("forced_alignment")
    assert (payload["aligned"], payload["repeated"]) == (True, 0)
    assert payload["missing"] <= 1  # a weakly spoken word may be taken for speech outside of the text
    indices = [word[0] for word in payload["words"]]
    assert indices == sorted(indices)


def test_words_cut_out_of_the_audio_are_named(scorer, speech):
    words = words_of(seen(scorer, speech, speech.samples))
    start, end = (int(second * speech.sample_rate) for second in (words[7][1], words[9][2]))
    cut = np.concatenate([speech.samples[:start], speech.samples[end:]])
    payload = seen(scorer, speech, cut).payload("forced_alignment")
    assert payload["longest_missing"] >= 2
    assert any(set(run["text"].split()) & {"the", "old", "boats"} for run in payload["missing_runs"])


def test_an_end_that_is_cut_off_is_a_truncation_and_a_phrase_said_twice_a_loop(scorer, speech):
    words = words_of(seen(scorer, speech, speech.samples))
    rate = speech.sample_rate
    short = speech.samples[: int(words[11][2] * rate)]
    payload = seen(scorer, speech, short).payload("forced_alignment")
    assert payload["trailing_missing"] >= 3
    middle = int(words[5][2] * rate)
    twice = np.concatenate([speech.samples[:middle], speech.samples[int(words[1][1] * rate) :]])
    payload = seen(scorer, speech, twice).payload("forced_alignment")
    assert payload["repeated"] >= 3


def test_other_speech_is_not_aligned_or_misses_most_words(scorer, speech):
    payload = seen(scorer, speech, speech.samples, "Nothing of this sentence stands in that recording at all.").payload(
        "forced_alignment"
    )
    assert not payload["aligned"] or payload["missing"] > 5


def test_another_language_is_not_available(scorer, speech):
    view = seen(scorer, speech, speech.samples, "Guten Morgen", "de")
    assert view.observations["forced_alignment"].status is Status.NOT_AVAILABLE


def test_the_classes_prefer_the_aligners_word(scorer, speech):
    """A transcript that misheard everything does not make an aligned chunk skip words."""
    from harness.faults import _forced

    view = seen(scorer, speech, speech.samples)
    assert _forced.missing(_forced.alignment(view), at_end=False).value <= 1
    assert {"skipped-words", "truncation", "loop"} <= set(catalogue())
