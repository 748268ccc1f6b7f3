"""The recipe's parts that need no Flite and no training time."""

from __future__ import annotations

import importlib.util
import json
import random
import shutil
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from harness.audio import codec as runtime
from harness.backends.llama_codec import LlamaCodec
from harness.backends.voice.geometry import Geometry, load_geometry
from harness.backends.voice.layout import marker_errors, parse_generated, phone_ends, prompt
from harness.core.records import Variant
from tests._places import ROOT
from tools.voice import codec as fitting
from tools.voice import data, family, text

SIZES = fitting.Sizes(stage1=8, stage2=8, prosody=4)


@pytest.fixture
def geometry(tmp_path: Path) -> Geometry:
    family.write(family.describe("tiny", SIZES, {}, {}), tmp_path / "voice.json")
    return load_geometry(tmp_path / "voice.json")


def teacher_rows(steps: int, pitch: float, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    rows = np.zeros((steps, data.ROW), np.float32)
    rows[:, 0] = np.where(np.arange(steps) % 80 < 60, pitch, 0)
    rows[:, 1:26] = np.cumsum(rng.normal(0, 0.02, (steps, 25)), 0)
    rows[:, 26:] = 0.8
    return rows


def fitted() -> tuple[runtime.Codec, list[np.ndarray]]:
    rows = [teacher_rows(1600, 190.0, 1), teacher_rows(1600, 105.0, 2)]
    return fitting.fit([fitting.features(r) for r in rows], SIZES, 0, iterations=5), rows


def test_each_speaker_has_codes_of_its_own() -> None:
    codec, rows = fitted()
    for speaker, own in enumerate(rows):
        codes = fitting.encode(own, codec, SIZES, speaker)
        assert runtime.valid_frames(codes, codec).all()
        for column, part in ((0, SIZES.stage1_part(speaker)), (2, SIZES.prosody_part(speaker))):
            assert codes[:, column].min() >= part.start
            assert codes[:, column].max() < part.stop


def test_the_decoder_undoes_the_encoder_in_pitch() -> None:
    codec, rows = fitted()
    for speaker, pitch in enumerate((190.0, 105.0)):
        decoded = runtime.to_parameters(fitting.encode(rows[speaker], codec, SIZES, speaker), codec)
        assert np.median(decoded.f0[decoded.f0 > 0]) == pytest.approx(pitch, rel=0.02)


def test_training_targets_read_back_as_what_was_encoded(geometry: Geometry) -> None:
    codes = np.stack([np.arange(20) % 16, np.arange(20) % 8, np.arange(20) % 8], 1).astype(np.int32)
    ends = np.array([0.1, 0.11, 0.5, 0.8])
    phones = ["pau", "hh", "ay1", "pau"]
    reading = parse_generated(data.target(codes, ends, phones, geometry), geometry)
    assert np.array_equal(reading.codes, codes)
    assert reading.ended
    assert marker_errors(reading, phones, geometry) == (0, 0)
    phone_starts = phone_ends(reading, phones, geometry)
    assert phone_starts is not None
    assert np.abs(np.array(phone_starts) - ends).max() <= geometry.frame_seconds


def drawn(
    phones: list[str], geometry: Geometry, path: Path, seed: int, shuffled: float
) -> tuple[list[int], list[int], np.ndarray, np.ndarray]:
    """Prompt and target of one utterance of two frames a phone, and a training batch of it: inputs and targets."""
    from tools.voice import batches

    steps = np.arange(2 * len(phones))
    codes = np.stack([steps % 8, steps % 7, steps % 4], 1).astype(np.int32)
    ends = np.arange(1, len(phones) + 1) * 2 * geometry.frame_seconds
    asked, said = prompt(phones, 4, geometry), data.target(codes, ends, phones, geometry)
    data.write(iter([(asked, said)]), path)
    books = geometry.codebooks
    sequences = batches.Sequences([path], geometry.marker_offset, geometry.markers, books[0].offset, len(books))
    inputs, targets = sequences.batch([(0, 0)], len(asked) + len(said), np.random.default_rng(seed), shuffled)
    return asked, said, inputs[0].numpy(), targets[0].numpy()


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_what_the_model_is_shown_as_said_may_be_wrong_but_not_what_it_learns(
    geometry: Geometry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, share: float
) -> None:
    pytest.importorskip("torch")
    from tools.voice import batches

    monkeypatch.setattr(batches, "DISTURBED", (share,))
    phones = ["pau", "hh", "ay1", "l", "ow1", "pau"] * 8
    asked, said, inputs, targets = drawn(phones, geometry, tmp_path / "slt.npz", seed=3, shuffled=0.0)
    books, width = geometry.codebooks, len(asked) + len(said)
    learned = targets[len(asked) - 1 : width - 1]
    shown = inputs[len(asked) : width]
    markers = range(geometry.marker_offset, geometry.marker_offset + geometry.markers)
    is_marker = np.isin(learned, markers)
    assert np.array_equal(learned[~is_marker], np.array(said)[~is_marker])
    before = learned[:-1]
    assert np.array_equal(shown[: len(before)][is_marker[:-1]], before[is_marker[:-1]])  # the markers stay right
    phone = np.isin(before, geometry.said_phones)
    wrong = float((shown[: len(before)] != before)[phone].mean())
    assert wrong == 0 if share == 0 else abs(wrong - share) < 0.25
    code = before >= books[0].offset
    for index, book in enumerate(books):  # a wrong frame is a whole frame
        column = shown[: len(before)][code].reshape(-1, len(books))[:, index]
        assert ((column >= book.offset) & (column < book.offset + book.size)).all()


def test_shuffled_runs_keep_every_phone_with_its_marker_and_ask_for_no_guess(
    geometry: Geometry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("torch")
    from tools.voice import batches

    monkeypatch.setattr(batches, "DISTURBED", (0.0,))
    phones = [str(name) for name in np.random.default_rng(2).choice(list(geometry.phones), 40)]
    asked, said, inputs, targets = drawn(phones, geometry, tmp_path / "slt.npz", seed=5, shuffled=1.0)
    books, width = geometry.codebooks, len(asked) + len(said)
    shown, learned = inputs[len(asked) : width - 1], targets[len(asked) - 1 : width - 2]
    counted = learned != batches.IGNORED
    assert np.array_equal(shown[counted], learned[counted])
    first = geometry.marker_offset
    numbers = (shown[np.isin(shown, range(first, first + geometry.markers))] - first).tolist()
    shift = (inputs[2] - first) % geometry.markers  # of the prompt's first marker
    order = [(n - shift) % geometry.markers for n in numbers]
    assert sorted(order) == list(range(41)) and order[:-1] != sorted(order[:-1]) and order[-1] == 40
    names = [geometry.phones[t - geometry.said_phones.start] for t in shown if t in geometry.said_phones]
    assert names == [phones[i] for i in order[:-1]]
    jumps = [0 if i == 0 else int(order[i] != order[i - 1] + 1) for i in range(41)]
    assert sum(jumps) + (order[0] != 0) == int((~counted).sum()) >= 3
    assert np.isin(shown[~counted], range(first, first + geometry.markers)).all()
    assert sorted(shown[shown >= books[0].offset]) == sorted(t for t in said if t >= books[0].offset)


def test_a_pointed_head_looks_a_marker_up_in_the_prompt_and_nothing_else_is_touched(
    geometry: Geometry, tmp_path: Path
) -> None:
    torch = pytest.importorskip("torch")
    from tools.voice import pointer
    from tools.voice.model import SpeechModel, rotate

    torch.manual_seed(0)
    names = list(geometry.phones)
    drawn_inputs = []
    for seed in range(24):
        phones = [str(name) for name in np.random.default_rng(seed).choice(names, 60)]
        drawn_inputs.append(torch.tensor(drawn(phones, geometry, tmp_path / "slt.npz", seed, shuffled=1.0)[2]))
    fit, unseen = torch.stack(drawn_inputs[:20]), torch.stack(drawn_inputs[20:])
    model = SpeechModel(family.vocabulary(SIZES), family.Shape(layers=2), 1000).eval()
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    head = pointer.point(model, [fit])
    assert head.layer == 1
    rows = slice(head.head * 64, head.head * 64 + 64)
    for name, weight in model.state_dict().items():
        changed = (weight != before[name]).nonzero()
        if name.startswith("blocks.1.") and name.split(".")[2] in {"query", "key", "value", "out"}:
            along = changed[:, 1 if ".out." in name else 0]
            assert ((along >= rows.start) & (along < rows.stop)).all(), name
        else:
            assert len(changed) == 0, name
    block, length = model.blocks[1], unseen.shape[1]
    with torch.no_grad():
        h = pointer.states(model, unseen, 1)
        query, key = (
            rotate(h @ p.weight[rows].T, model.cos[:length], model.sin[:length]) for p in (block.query, block.key)
        )
        later = torch.triu(torch.ones(length, length, dtype=torch.bool), 1)
        looked = (query @ key.transpose(1, 2) / 8).masked_fill(later, -torch.inf).softmax(-1)
    right = total = 0
    for row, attention in zip(unseen, looked, strict=True):
        asked, said = pointer._positions(row)
        stands = {int(row[p]): int(p) for p in asked}
        for position in said:
            if int(row[position]) in stands:
                total += 1
                right += int(attention[position].argmax()) == stands[int(row[position])]
    assert total > 200 and right / total > 0.9


def test_a_head_cannot_be_pointed_where_every_channel_turns() -> None:
    torch = pytest.importorskip("torch")
    from tools.voice import pointer
    from tools.voice.model import SpeechModel

    model = SpeechModel(640, family.Shape(layers=1, free_pairs=0), 16)
    with pytest.raises(ValueError, match="free_pairs"):
        pointer.point(model, [torch.zeros(1, 8, dtype=torch.long)])


def test_held_out_sentences_never_enter_the_training_text() -> None:
    forbidden = text.forbidden_sentences(["The old man sat by the window. He was tired of it all."])
    lines = ["Well now. The OLD man, sat by the window!", "The old dog sat by the window."]
    assert text._fresh(iter(lines), 5, forbidden) == lines[1:]


def test_short_utterances_stay_short_and_speakable() -> None:
    rng = random.Random(0)
    utterances = [text.short_utterance(rng, ["river", "stone"]) for _ in range(300)]
    assert all(1 <= len(line.split()) <= 12 and line[-1] in ".?!" for line in utterances)
    assert any("," in line for line in utterances)


def test_token_ranges_do_not_overlap(geometry: Geometry) -> None:
    ranges = [range(geometry.marker_offset, geometry.marker_offset + geometry.markers)]
    ranges += [range(geometry.phone_offset, geometry.phone_offset + len(geometry.phones))]
    ranges += [range(b.offset, b.offset + b.size) for b in geometry.codebooks]
    taken = [token for r in ranges for token in r]
    assert len(taken) == len(set(taken))
    assert max(taken) < family.vocabulary(SIZES)
    assert {geometry.bos, geometry.eos, geometry.end, *geometry.speakers.values()}.isdisjoint(taken)


@pytest.mark.skipif(
    not all(importlib.util.find_spec(name) for name in ("torch", "gguf", "llama_cpp")),
    reason="needs torch, gguf and llama-cpp-python (the extras voice-recipe and divergence)",
)
def test_llama_computes_what_was_trained(geometry: Geometry, tmp_path: Path) -> None:
    import torch
    from llama_cpp import Llama

    from tools.voice import export
    from tools.voice.model import SpeechModel

    torch.manual_seed(0)
    shape, size = family.Shape(layers=2), family.vocabulary(SIZES)
    model = SpeechModel(size, shape, 600).eval()
    with torch.no_grad():  # layers that begin as nothing would hide where their channels turn
        for block in model.blocks:
            for weight in (block.query.weight, block.key.weight):
                weight.mul_(4)  # sharp attention
            block.out.weight.normal_(0, 0.2)
            block.down.weight.normal_(0, 0.05)
        model.embedding.weight.normal_(0, 0.5)
    state = {"model": model.state_dict(), "shape": asdict(shape), "vocabulary": size}
    torch.save(state, tmp_path / "model.pt")
    export.write_f16(tmp_path / "model.pt", geometry, tmp_path / "f16.gguf")
    ids = np.random.default_rng(1).integers(16, size, 500).tolist()
    with torch.no_grad():
        wanted = model.logits(model(torch.tensor([ids])))[0].numpy()
    llama = Llama(str(tmp_path / "f16.gguf"), n_ctx=512, logits_all=True, verbose=False, n_threads=1)
    llama.eval(ids)
    logits = np.array(llama.scores[: len(ids)])
    fixed = SpeechModel(size, replace(shape, free_pairs=0), 600).eval()
    fixed.load_state_dict(model.state_dict())
    with torch.no_grad():  # the free pairs matter: without them it is another model
        other = fixed.logits(fixed(torch.tensor([ids])))[0].numpy()
    assert np.abs(logits - wanted).mean() < 0.02 * np.abs(other - wanted).mean()


FLITE = Path("/usr/include/flite/flite.h")
PACKAGES = (FLITE, text.FORTUNES, text.WORDNET, text.WORDS)


@pytest.mark.skipif(
    not all(p.exists() for p in PACKAGES) or not shutil.which("bible") or not shutil.which("gcc"),
    reason="the recipe needs gcc and the Debian packages flite1-dev, bible-kjv, fortunes, wordnet-base and wamerican",
)
@pytest.mark.skipif(
    not all(importlib.util.find_spec(name) for name in ("gguf", "onnx")),
    reason="the recipe needs the extra voice-recipe",
)
def test_one_command_makes_a_voice_that_the_adapter_loads(tmp_path: Path) -> None:
    command = [sys.executable, "-W", "ignore", "-m", "tools.voice", "all", "--quick", "--work", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=600)
    assert done.returncode == 0, done.stderr[-2000:]
    voice = tmp_path / "voice"
    described = json.loads((voice / "voice.json").read_text())
    assert described["files"]["f16"]["sha256"] == family.sha256(voice / "f16.gguf")
    assert set(described["speakers"]) == {"slt", "rms"}
    LlamaCodec.check(Variant("f16", "llama_codec", {"model": str(voice / "f16.gguf"), "speaker": "rms"}))
    figures = json.loads((voice / "evaluation.json").read_text())
    assert figures["f16/rms"]["short"]["utterances"] == 2
    assert "f16/slt" in (voice / "CARD.md").read_text()
