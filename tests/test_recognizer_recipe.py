"""The recognizer's recipe: labels that say what is really there, and a checkpoint that the stock engine takes."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("whisper")

from tools.recognizer import texts
from tools.recognizer import window as windows
from tools.recognizer.bank import Bank, Entry, Writer
from tools.recognizer.espeak import shared_times
from tools.recognizer.evaluation import separation
from tools.recognizer.teacher import Teacher, spelled
from tools.recognizer.vocabulary import vocabulary

SENTENCE = ["the", "old", "man", "sat"]


@pytest.fixture
def bank(tmp_path: Path) -> Bank:
    """Two utterances of four words, each word of half a second."""
    rng = np.random.default_rng(1)
    writer = Writer(tmp_path, "speech-01")
    for _ in range(2):
        times = [(0.1 + 0.5 * i, 0.1 + 0.5 * (i + 1)) for i in range(4)]
        writer.add(rng.standard_normal(16_000 * 2 + 4000) * 0.1, "slt", SENTENCE, times, [("pau", 0.1), ("aa", 2.25)])
    writer.close()
    return Bank(tmp_path)


def heard(window: windows.Window) -> list[str]:
    """The words of a window's targets."""
    names = vocabulary()
    text = [names.whisper_ids[t] for t in window.targets if 0 <= t < names.text_size]
    return str(names._encoding.decode(text)).split()


def composer(bank: Bank, seed: int = 3) -> windows.Composer:
    return windows.Composer(bank, {"slt": 1.0}, seed)


def test_a_bank_gives_back_what_was_written(bank: Bank) -> None:
    assert bank.entries[1].words == SENTENCE
    assert bank.entries[1].times[0] == [10, 60]
    assert bank.mel(1).shape == (225, 80)
    assert bank.mel(1, 10, 20).shape == (10, 80)


def test_an_unfinished_bank_file_is_not_read(tmp_path: Path, bank: Bank) -> None:
    Writer(tmp_path, "speech-02").add(np.zeros(16_000, np.float32), "slt")
    assert len(Bank(tmp_path).entries) == 2


def test_a_looped_word_is_labelled_as_often_as_it_is_said(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(windows, "FAULTS", {"loop": 1.0})
    maker = composer(bank)
    loops = [maker._loop(maker._whole(0)) for _ in range(20)]
    assert max(len(p.words) for p in loops) > len(SENTENCE)
    for piece in loops:
        assert piece.words[-1][2] <= len(piece.mel)
        assert all(a[2] <= b[1] for a, b in zip(piece.words, piece.words[1:], strict=False))


def test_reversed_speech_has_no_words(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(windows, "FAULTS", {"reversed": 1.0})
    maker = composer(bank)
    for _ in range(5):
        window = maker.window(800)
        assert heard(window) == []
        assert vocabulary().no_speech in window.targets


def test_targets_follow_the_rules_of_the_stock_decoder(bank: Bank) -> None:
    names, maker = vocabulary(), composer(bank)
    for _ in range(60):
        window = maker.window(800)
        stamps = [t for t in window.targets if t >= names.first_stamp]
        assert stamps == sorted(stamps)
        assert window.targets[-1] == names.eot
        assert len(window.tokens) == len(window.targets) == len(window.spans)
        if stamps and not window.offset:
            assert stamps[0] <= names.stamp(1.0)
        assert window.mel.shape == (800, 80)
        assert set(heard(window)) <= set(SENTENCE)


def test_a_window_too_short_for_any_word_is_silence(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(windows, "FAULTS", {"none": 1.0})
    maker = composer(bank)
    for _ in range(40):
        assert maker.window(44).mel.shape == (44, 80)


def test_tokens_share_the_time_of_their_word() -> None:
    spans = windows.token_spans("watched", 10.0, 30.0)
    assert spans[0][1] == 10.0
    assert spans[-1][2] == pytest.approx(30.0)
    assert all(a < b for _, a, b in spans)


@pytest.mark.parametrize(
    ("spoken", "text", "expected"),
    [
        (["dont", "go"], "Don't go.", ["don't", "go"]),
        (["john", "'s", "house"], "John's house", ["john's", "house"]),
        (["nineteen", "forty"], "1940", ["nineteen", "forty"]),
        (["well", "do", "well"], "We'll do well", []),
        (["3d"], "3d", []),
    ],
)
def test_what_was_said_is_written_as_in_the_text(spoken: list[str], text: str, expected: list[str]) -> None:
    assert [w for w, _, _ in spelled([(w, 0.0, 0.1) for w in spoken], text)] == expected


def test_words_spoken_as_one_share_its_time() -> None:
    times = shared_times([0, 3, 7], [(0, 100), (7, 800)], 12, 1.5)
    assert times == [pytest.approx((0.1, 0.4)), pytest.approx((0.4, 0.8)), pytest.approx((0.8, 1.5))]


def test_espeak_gives_a_time_to_every_word() -> None:
    from tools.recognizer.espeak import espeak

    try:
        english = espeak()
    except (OSError, RuntimeError):
        pytest.skip("needs the Debian package espeak-ng")
    text = "The captain of the guard served them."
    for voice in ("en-us", "en-gb-scotland"):
        said = english.say(text, voice)
        assert said is not None
        samples, words, times = said
        assert words == ["the", "captain", "of", "the", "guard", "served", "them"]
        assert len(times) == len(words) and times[-1][1] == pytest.approx(len(samples) / 16_000)
        assert all(a < b for a, b in times)
    assert english.say("Section 3", "en-us") is None


def test_training_text_keeps_away_from_the_evaluation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pool = [f"word{chr(97 + i % 26)} {chr(97 + i // 26)} goes home, and so on." for i in range(26 * 26)]
    monkeypatch.setattr(texts.source, "build", lambda *_: list(pool))
    (tmp_path / "words").write_text("apple\nbridge\n")
    monkeypatch.setattr(texts.source, "WORDS", tmp_path / "words")
    kept, trained = set(texts.evaluation_lines(9, 1)), set(texts.training_lines(1.0, 1))
    assert kept and trained
    assert not kept & trained
    assert not any(texts.held_out("Then she said, " + line) for line in trained)


def test_separation_is_unknown_without_examples() -> None:
    assert separation([], [1.0]) is None
    assert separation([-0.1, -0.2], [-1.0, -2.0]) == 1.0
    assert separation([-1.0], [-1.0]) == 0.5


def test_an_exported_checkpoint_is_a_stock_whisper_that_never_says_an_unused_id(tmp_path: Path) -> None:
    import torch
    import whisper

    from tools.recognizer.checkpoint import export
    from tools.recognizer.network import Recognizer

    torch.manual_seed(0)
    network = Recognizer(width=64, encoder_layers=1, decoder_layers=2).eval()
    export(network, tmp_path / "recognizer.pt")
    stock = whisper.load_model(str(tmp_path / "recognizer.pt"), device="cpu")
    mel = torch.randn(1, 80, 3000)
    names = vocabulary()
    tokens = torch.tensor([[names.sot, names.first_stamp, 5, 6]])
    ids = torch.tensor(names.whisper_ids)
    with torch.no_grad():
        states = network.encode(mel, torch.zeros(1, dtype=torch.long))
        ours, _ = network.decode(tokens, states, torch.zeros(1, dtype=torch.long))
        theirs = stock(mel, ids[tokens])
    assert torch.allclose(ours, theirs[..., ids], atol=0.1)
    unused = torch.ones(theirs.shape[-1], dtype=torch.bool)
    unused[ids] = False
    assert float(theirs[..., unused].max()) < float(theirs[..., ids].min())
    result = stock.transcribe(np.zeros(16_000, np.float32), temperature=0, fp16=False)
    assert isinstance(result["text"], str)


@pytest.fixture
def teacher(tmp_path: Path) -> Iterator[Teacher]:
    if not shutil.which("gcc") or not Path("/usr/include/flite/flite.h").exists():
        pytest.skip("needs gcc and the Debian package flite1-dev")
    with Teacher(tmp_path) as running:
        yield running


def test_the_teacher_tells_when_each_word_is_said(teacher: Teacher) -> None:
    said = teacher.say("We don't know John's house.", "slt")
    assert said is not None and said.samples is not None
    assert said.words == ["we", "don't", "know", "john's", "house"]
    assert said.parameters.shape[1] == 31
    assert abs(len(said.parameters) * 0.005 - len(said.samples) / 16_000) < 0.05
    assert said.times[-1][1] == pytest.approx(said.phones[-2][1])
    quiet = teacher.say("We don't know John's house.", "slt", audio=False)
    assert quiet is not None and quiet.samples is None
    assert np.array_equal(quiet.parameters, said.parameters)


def test_entries_are_plain_json(bank: Bank, tmp_path: Path) -> None:
    line = next(tmp_path.glob("*.jsonl")).read_text().splitlines()[0]
    assert Entry(**json.loads(line)).source == "slt"
