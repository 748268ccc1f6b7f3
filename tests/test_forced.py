"""Forced alignment: words left out, said twice or foreign are found where they are, and whole speech is left alone."""

import json
import math
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.audio import read_audio
from harness.scorers.forced import BACK, SKIP, ForcedAligner, arcs, follow
from harness.types import Samples

TEXT = "The old lighthouse keeper climbed the stairs every evening before sunset to light the lamp."

flite = pytest.mark.skipif(shutil.which("flite") is None, reason="needs the apt package flite for real speech")


@pytest.fixture(scope="module")
def aligner() -> ForcedAligner:
    return ForcedAligner()


@pytest.fixture(scope="module")
def speak(tmp_path_factory: pytest.TempPathFactory):
    folder: Path = tmp_path_factory.mktemp("speech")
    made: dict[str, Samples] = {}

    def say(text: str) -> Samples:
        if text not in made:
            path = folder / f"{len(made)}.wav"
            subprocess.run(["flite", "-voice", "slt", "-t", text, "-o", str(path)], check=True)
            made[text] = read_audio(path).samples
        return made[text]

    return say


@flite
def test_whole_speech_has_nothing_missing(aligner: ForcedAligner, speak) -> None:
    seen = aligner.align(speak(TEXT), TEXT)
    assert (seen["aligned"], seen["missing"], seen["repeated"]) == (True, 0, 0)
    assert seen["foreign_seconds"] < 0.4
    assert [w[0] for w in seen["words"]] == list(range(len(TEXT.split())))
    json.dumps(seen, allow_nan=False)


@flite
def test_words_left_out_are_named_with_their_place(aligner: ForcedAligner, speak) -> None:
    seen = aligner.align(speak(TEXT.replace("climbed the stairs ", "")), TEXT)
    assert [run["text"] for run in seen["missing_runs"]] == ["climbed the stairs"]
    assert seen["longest_missing"] == 3
    assert 0.8 < seen["missing_runs"][0]["time"] < 2.5


@flite
def test_an_end_cut_off_is_trailing(aligner: ForcedAligner, speak) -> None:
    seen = aligner.align(speak(TEXT.replace(" to light the lamp", "")), TEXT)
    assert (seen["trailing_missing"], seen["leading_missing"]) == (4, 0)


@flite
def test_words_said_again_are_repeats_with_their_span(aligner: ForcedAligner, speak) -> None:
    seen = aligner.align(speak(TEXT.replace("every evening", "every evening every evening")), TEXT)
    assert [r["text"] for r in seen["repeats"]] == ["every", "evening"]
    assert seen["repeats"][0]["span"][0] < seen["repeats"][1]["span"][0]


@flite
def test_words_that_the_text_repeats_are_no_repeats(aligner: ForcedAligner, speak) -> None:
    text = "No, no, no, I said it was very, very cold."
    seen = aligner.align(speak(text), text)
    assert (seen["missing"], seen["repeated"]) == (0, 0)


@flite
def test_speech_after_the_text_is_foreign(aligner: ForcedAligner, speak) -> None:
    tail = speak("Purple monkeys understand algebra.")
    seen = aligner.align(np.concatenate([speak(TEXT), tail]), TEXT)
    assert seen["foreign_seconds"] > 0.6 * len(tail) / 16_000
    assert seen["foreign"][-1][1] > len(speak(TEXT)) / 16_000


@flite
def test_words_mumbled_in_their_place_have_foreign_speech_there_and_words_left_out_do_not(
    aligner: ForcedAligner, speak
) -> None:
    left_out = aligner.align(speak(TEXT.replace("climbed the stairs ", "")), TEXT)
    mumbled = aligner.align(speak(TEXT.replace("climbed the stairs", "ooga wuggle fah zoom")), TEXT)
    assert left_out["missing_runs"][0]["foreign"] == 0
    unclear = [run for run in mumbled["missing_runs"] if run["foreign"] > 0.3]
    assert unclear or mumbled["missing"] == 0


@flite
def test_names_numbers_and_unknown_words_are_aligned_as_spoken(aligner: ForcedAligner, speak) -> None:
    text = "Dr. Zyphrax paid 42 crowns to Mrs. Quillwick."
    said = speak("Doctor Zyfracks paid forty two crowns to missus Quill wick.")
    seen = aligner.align(said, text)
    assert seen["aligned"] and seen["missing"] <= 1


@flite
def test_clips_do_not_influence_each_other(aligner: ForcedAligner, speak) -> None:
    first = aligner.align(speak(TEXT), TEXT)
    aligner.align(0.02 * speak("Something else entirely, and quieter."), "Something else entirely, and quieter.")
    assert aligner.align(speak(TEXT), TEXT) == first


@pytest.mark.parametrize("kind", ["noise", "silence", "tiny", "empty"])
def test_what_is_no_speech_is_not_aligned_or_misses_words(aligner: ForcedAligner, kind: str) -> None:
    samples = {
        "noise": np.random.default_rng(0).normal(0, 0.1, 48_000).astype(np.float32),
        "silence": np.zeros(48_000, np.float32),
        "tiny": np.full(50, 0.1, np.float32),
        "empty": np.zeros(0, np.float32),
    }[kind]
    seen = aligner.align(samples, TEXT)
    assert seen["aligned"] is False or seen["missing"] > 10
    if not seen["aligned"]:
        assert seen["missing"] is None and seen["score"] is None and seen["missing_runs"] is None


def test_a_text_without_words_or_too_long_has_no_evidence(aligner: ForcedAligner) -> None:
    samples = np.zeros(16_000, np.float32)
    assert aligner.align(samples, "...!") is None
    assert aligner.align(samples, "word " * 401) is None


def test_the_graph_reaches_the_end_from_every_word() -> None:
    found = arcs(["w"] * 150, foreign=(0, 150))
    for state in range(150):
        assert any(a[0] == state and a[1] == 150 for a in found)
    assert all(0 < a[2] <= 1 for a in found)
    assert len(found) < 150 * 130


WORDS = ["a", "b", "a", "c", "b", "a"]


@given(st.lists(st.integers(0, 5), min_size=1, max_size=8))
def test_path_is_followed_at_the_lowest_price(indices: list[int]) -> None:
    path = [(WORDS[i], k, k + 1.0, 1.0) for k, i in enumerate(indices)]
    found = [step.word for step in follow(WORDS, path)]
    assert [WORDS[i] for i in found] == [WORDS[i] for i in indices]

    def price(trail: list[int]) -> float:
        total, last = 0.0, -1
        for index in trail:
            gap = index - last - 1
            total += -math.log(BACK) if gap < 0 else 0 if gap == 0 else -math.log(SKIP) - (gap - 1) * math.log(1e-2)
            last = index
        return total

    assert price(found) <= price(indices) + 1e-9
