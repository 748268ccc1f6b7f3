"""Edits of a text under Whisper's decoder: what is asked, and what real speech answers."""

from __future__ import annotations

import itertools
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.audio import read_audio
from harness.core.errors import ConfigError
from harness.core.records import Attempt, Chunk, DetectorInput, Measurement, Status, Variant
from harness.detectors import get
from harness.scorers import observe
from harness.scorers.activity import Activity
from harness.scorers.asr_faster_whisper import model_path
from harness.scorers.clip import SharedClip
from harness.scorers.edit_likelihood import EditLikelihoodScorer
from harness.scorers.scored_edits import could_tell
from harness.scorers.unexplained import unexplained
from harness.scorers.weights import model_folder
from harness.scorers.whisper_tokens import whole_tokenizer
from harness.scorers.word_edits import EditKind, WordEdit, as_heard, as_spelled, last_heard
from harness.text import spoken_letters
from harness.text.alignment import TimedWord

TEXT = "She put the small letter on the kitchen table and waited for her brother to come home."


def same(one: str, other: str) -> bool:
    return one == other or {one.strip(","), other} == {"four", "4"}


def heard(text: str, hypothesis: str) -> list[WordEdit]:
    return list(as_heard(text.split(), hypothesis.split(), same))


# ------------------------------------------------------------------------------------------- what is asked
def test_a_word_that_was_not_heard_is_asked_about() -> None:
    assert heard("a red house", "a house") == [WordEdit(EditKind.OMIT, 1, 2)]


def test_a_word_that_was_heard_too_is_put_in() -> None:
    assert heard("a red house", "a red big house") == [WordEdit(EditKind.INSERT, 2, 2, ("big",))]


def test_words_that_were_heard_twice_are_repeated_and_not_put_in() -> None:
    assert heard("a red house", "a red red house") == [WordEdit(EditKind.REPEAT, 1, 2)]
    assert heard("a red house", "a red house a red house") == [WordEdit(EditKind.REPEAT, 0, 3)]


def test_a_word_beside_a_number_in_digits_is_put_in() -> None:
    assert heard("at four today", "at about 4 today") == [WordEdit(EditKind.INSERT, 1, 1, ("about",))]


def test_another_word_is_replaced_and_another_spelling_is_not() -> None:
    assert heard("at four today", "at five today") == [WordEdit(EditKind.REPLACE, 1, 2, ("five",))]
    assert heard("at four today", "at 4 today") == []


def test_words_are_read_in_the_recognizers_own_spelling() -> None:
    words, spoken = ["He", "said:", '"At', "four,", 'go."'], ["He", "said,", "at", "4", "go."]
    assert as_spelled(words, spoken, same) == ("He", "said,", "at", "4", "go.")
    assert as_spelled(words, ["He", "said,", "at", "five", "go."], same) == ("He", "said,", "at", "four,", "go.")
    assert as_spelled(["twenty", "three", "men"], ["23", "men"], lambda *_: True) == ("23", "", "men")


def test_a_long_number_that_was_timed_in_pieces_is_the_number_that_is_written() -> None:
    words = ["the", "lowest", "said", "1788.", "no", "more"]
    names, times = ["the", "lowest", "said", "1", ",788.", "no", "more"], [0.0, 0.2, 0.5, 0.8, 1.1, 3.0, 3.2, 3.5]
    said = [TimedWord(name, *span) for name, span in zip(names, itertools.pairwise(times), strict=True)]
    voices = Activity(np.ones(600, bool), np.zeros(600))

    def one_number(one: str, other: str) -> bool:
        return one.strip(".") == other.strip(".").replace(",", "")

    stretches = unexplained(words, said, one_number, voices, (0.0, 3.5), spoken_letters)
    assert [one.heard for one in stretches] == [""], "only what follows the last word, which is nothing"


@pytest.mark.parametrize(("transcript", "cut"), [("she came to his face", False), ("she came to his", True)])
def test_an_end_that_the_transcript_holds_is_not_cut_off(transcript: str, cut: bool) -> None:
    edit = {"kind": "end", "ref": [4, 5], "said": [], "gain": 4.7, "second": 1.1, "span": [1.0, 1.4]}
    spoken = ["She", "came", "to", "his", "face."]
    words = [{"word": word, "start": at / 4, "end": (at + 1) / 4, "logprob": -0.1} for at, word in enumerate(spoken)]
    payloads = {
        "edit_likelihood": {"words": words, "edits": [edit], "unexplained": []},
        "intelligibility": {"reference": "she came to his face", "hypothesis": transcript, "words": []},
    }
    measured = {name: Measurement(name, "1", Status.OK, payload) for name, payload in payloads.items()}
    view = DetectorInput(Chunk("c", "She came to his face."), Attempt(0, 0, 0, "c", "v"), measured)
    evidence = get("truncation").evidence(view)
    assert evidence.value is not None and (evidence.value > 2.0) is cut


def test_the_end_is_looked_for_behind_the_last_word_that_was_heard() -> None:
    words = ["the", "cat", "sat", "on", "the", "mat"]
    assert last_heard(words, ["the", "cat", "sat", "on"], same) == 4
    assert last_heard(words, words, same) == 6
    assert last_heard(words, ["nothing"], same) == 0


def test_an_omission_takes_its_full_stop_and_capital_along() -> None:
    words = ["Then", "she", "left.", "He", "stayed"]
    spelled = {one.words for one in WordEdit(EditKind.OMIT, 2, 3).spellings(words)}
    assert ("she.",) in spelled
    assert ("She",) in {one.words for one in WordEdit(EditKind.OMIT, 0, 1).spellings(words)}


# ------------------------------------------------------------------------------------------- what speech answers
@pytest.fixture(scope="module")
def scorer() -> EditLikelihoodScorer:
    for model in ("tiny.en", "base"):
        try:
            model_folder(model, offline=True)
        except ConfigError as error:
            pytest.skip(f"needs the verified weights of Whisper {model} (extra whisper-weights): {error}")
    return EditLikelihoodScorer()


@pytest.fixture(scope="module")
def spoken(scorer: EditLikelihoodScorer, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], DetectorInput]:
    """Speak ``said`` by Flite and score it against ``TEXT``."""
    if shutil.which("flite") is None:
        pytest.skip("needs the speech synthesizer Flite (apt: flite)")
    folder = tmp_path_factory.mktemp("spoken")

    def score(said: str) -> DetectorInput:
        path = Path(folder, "clip.wav")
        subprocess.run(["flite", "-voice", "slt", "-t", said, "-o", str(path)], check=True)
        return scored(scorer, path)

    return score


def scored(scorer: EditLikelihoodScorer, path: Path, chunk: Chunk | None = None) -> DetectorInput:
    audio = read_audio(path)
    chunk = chunk or Chunk("a", TEXT)
    attempt = Attempt(0, 0, 0, "a", "v", sample_rate=audio.sample_rate, duration=audio.duration)
    clip = SharedClip(chunk, attempt, audio.samples, audio.sample_rate, Variant("v", "recorded"))
    return DetectorInput(chunk, attempt, {"edit_likelihood": observe(scorer, clip)})


def beyond(seen: DetectorInput) -> dict[str, str]:
    """Classes whose value is beyond their default limit, with what they say."""
    names = ("skipped-words", "loop", "inserted-words", "truncation", "gibberish-tail", "language-switch")
    evidence = {name: get(name).evidence(seen) for name in names}
    limits = {name: get(name).default_limit for name in names}
    assert all(one.value is not None for one in evidence.values()), evidence
    return {name: one.detail for name, one in evidence.items() if (one.value or 0.0) > (limits[name] or 0.0)}


def test_speech_as_written_has_likely_words_and_no_finding(spoken: Callable[[str], DetectorInput]) -> None:
    attempt_view = spoken(TEXT)
    assert beyond(attempt_view) == {}
    payload: dict[str, Any] = attempt_view.payload("edit_likelihood") or {}
    assert [word["word"] for word in payload["words"]] == TEXT.split()
    assert sum(word["logprob"] for word in payload["words"]) > -2.0 * len(TEXT.split())
    starts = [word["start"] for word in payload["words"]]
    assert starts == sorted(starts) and starts[-1] > 3.0


@pytest.mark.parametrize(
    ("said", "fault", "told"),
    [
        (TEXT.replace("small ", ""), "skipped-words", "'small' not spoken"),
        (TEXT.replace("small", "small small"), "loop", "'small' spoken again"),
        (TEXT.replace("kitchen", "dusty kitchen"), "inserted-words", "'dusty' spoken"),
        (TEXT.replace(" home.", "."), "truncation", "'home.' not spoken"),
    ],
)
def test_one_word_is_found_and_named(spoken: Callable[[str], DetectorInput], said: str, fault: str, told: str) -> None:
    findings = beyond(spoken(said))
    assert set(findings) == {fault} and told in findings[fault]


def test_a_number_read_as_another_is_named(
    scorer: EditLikelihoodScorer, spoken: Callable[[str], DetectorInput], tmp_path: Path
):
    path = tmp_path / "number.wav"
    text = "The bill came to 47 pounds, and nobody at the table spoke."
    subprocess.run(["flite", "-voice", "slt", "-t", text.replace("47", "74"), "-o", str(path)], check=True)
    detection = get("number-misread").evidence(scored(scorer, path, Chunk("a", text)))
    assert (detection.value or 0.0) > (get("number-misread").default_limit or 0.0) and "74" in detection.detail
    subprocess.run(["flite", "-voice", "slt", "-t", text, "-o", str(path)], check=True)
    assert get("number-misread").evidence(scored(scorer, path, Chunk("a", text))).value == 0.0


@pytest.mark.parametrize("model", ["tiny.en", "base"])
def test_texts_are_cut_into_the_tokens_that_the_models_were_trained_on(
    model: str, scorer: EditLikelihoodScorer
) -> None:
    from whisper.tokenizer import get_tokenizer

    stock = get_tokenizer(model == "base", language="en", task="transcribe")
    ours = whole_tokenizer(model_path(model) / "tokenizer.json")
    for text in (" this telephone took two tables to the other tower", " die Tür ist teuer", " тут три точки", " to"):
        assert ours.encode(text, add_special_tokens=False).ids == stock.encode(text)


def test_a_word_that_the_second_model_spells_in_its_own_way_is_put_in_by_both(
    spoken: Callable[[str], DetectorInput],
) -> None:
    attempt_view = spoken(TEXT.replace("kitchen", "telephone kitchen"))
    edits = (attempt_view.payload("edit_likelihood") or {})["edits"]
    put_in = max((one for one in edits if one["kind"] == "insert"), key=lambda one: one["gain"])
    assert put_in["second"] > 0.0 and "inserted-words" in beyond(attempt_view)


def test_time_between_words_is_that_of_the_words_as_spoken() -> None:
    activity = Activity(np.ones(600, bool), np.zeros(600))
    said = [TimedWord(word, at, at + 0.5) for word, at in (("It", 0.0), ("said", 0.5), ("178.", 1.0), ("The", 4.0))]

    def between(text: str) -> list[tuple[float, float]]:
        stretches = unexplained(text.split(), said, same, activity, (0.0, 4.5), spoken_letters)
        return [(round(one.seconds, 1), one.expected) for one in stretches[:-1]]

    ((long, of_a_year),) = between("It said 1788. The")
    ((also, of_a_word),) = between("It said no. The")
    assert long == also > 2.0 and of_a_year > 5 * of_a_word
    said[2:3] = [TimedWord("fifty", 1.0, 1.5), TimedWord("-three,", 1.5, 4.0)]
    whole = unexplained(
        ["It", "said", "fifty-three,", "The"], said, lambda *_: True, activity, (0.0, 4.5), spoken_letters
    )
    assert all(not one.heard for one in whole), "both halves are the word as written"


def test_silence_has_no_words_to_score(scorer: EditLikelihoodScorer) -> None:
    import numpy as np

    attempt = Attempt(0, 0, 0, "a", "v", sample_rate=16000, duration=2.0)
    clip = SharedClip(Chunk("a", TEXT), attempt, np.zeros(32000, np.float32), 16000, Variant("v", "recorded"))
    measurement: Measurement = observe(scorer, clip)
    assert measurement.status is Status.NOT_AVAILABLE and measurement.reason == "nobody speaks"


def test_words_and_edits_share_one_encoding_of_a_clip_with_silence_before_it(
    scorer: EditLikelihoodScorer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if shutil.which("flite") is None:
        pytest.skip("needs the speech synthesizer Flite (apt: flite)")
    from faster_whisper import WhisperModel

    path = tmp_path / "said.wav"
    subprocess.run(["flite", "-voice", "slt", "-t", TEXT, "-o", str(path)], check=True)
    audio = read_audio(path)
    samples = np.concatenate([np.zeros(1234, np.float32), audio.samples, np.zeros(777, np.float32)])
    shapes: list[tuple[int, ...]] = []
    encode = WhisperModel.encode

    def counted(self: Any, features: Any) -> Any:
        shapes.append(features.shape)
        return encode(self, features)

    monkeypatch.setattr(WhisperModel, "encode", counted)
    attempt = Attempt(0, 0, 0, "a", "v", sample_rate=audio.sample_rate, duration=len(samples) / audio.sample_rate)
    clip = SharedClip(Chunk("a", TEXT), attempt, samples, audio.sample_rate, Variant("v", "recorded"))
    assert observe(scorer, clip).payload["second"] is None
    assert len(shapes) == len(set(shapes)), "nothing is encoded twice: heard, and read beside the text"


@pytest.mark.parametrize(
    ("edit", "worth_asking"),
    [
        (WordEdit(EditKind.REPLACE, 1, 2, ("Garek",)), False),
        (WordEdit(EditKind.REPLACE, 1, 2, ("Garrick's", "house")), True),
        (WordEdit(EditKind.REPLACE, 4, 5, ("forty-two",)), True),
        (WordEdit(EditKind.REPLACE, 3, 4, ("9",)), True),
        (WordEdit(EditKind.OMIT, 1, 2), True),
    ],
)
def test_a_second_model_is_asked_where_its_answer_could_make_a_finding(edit: WordEdit, worth_asking: bool) -> None:
    assert could_tell(edit, ["Mister", "Garrick", "paid", "the", "twenty-four", "pounds."]) is worth_asking
