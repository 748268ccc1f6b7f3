"""Published speech models through llama_codec: Orpheus-style prompts, SNAC frames of 7 slots, geometry from a file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.backends.base import BackendRefused
from harness.backends.llama_codec import LlamaCodec
from harness.backends.llama_settings import LlamaSettings
from harness.backends.llama_voices import SnacVoice
from harness.backends.voice.layout import MISSING, parse_generated
from harness.backends.voice.snac import SnacDecoder, load_snac_geometry
from harness.core.errors import ConfigError
from harness.core.records import Request, Variant
from harness.scorers.tokens import codebook_figures
from tests._published import (
    AI,
    BOS,
    DESCRIPTION,
    EOT,
    FIRST,
    HUMAN,
    HUMAN_END,
    SIZE,
    START,
    STOP,
    byte_names,
    frame,
    names,
    write_codec,
    write_model,
    write_voice,
)  # fmt: skip

pytest.importorskip("snac", reason="the codec of published models needs the extra 'snac'")
pytest.importorskip("gguf", reason="the small model is written with the package gguf")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    published = tmp_path_factory.mktemp("published")
    write_codec(published / "codec")
    write_model(published / "model.gguf")
    write_voice(published)
    return published


def variant(folder: Path, model: str = "model.gguf", **settings: Any) -> Variant:
    given = {"model": str(folder / model), "temperature": 1.0, "top_p": 1.0, **settings}
    return Variant(name="orpheus", adapter="llama_codec", settings=given, source="v.toml")


@pytest.fixture(scope="module")
def backend(folder: Path) -> Iterator[LlamaCodec]:
    loaded = LlamaCodec()
    loaded.load(variant(folder))
    yield loaded
    loaded.close()


def speak(backend: LlamaCodec, text: str = "Hello there.", seed: int = 1, **overrides: Any) -> Any:
    return backend.synthesize(Request("a", text, seed, overrides=overrides), lambda: None)


# ------------------------------------------------------------------------------------------ slots and offsets
def test_the_token_range_is_128266_to_156937_with_an_offset_by_slot(folder: Path) -> None:
    geometry = load_snac_geometry(folder / "voice.json")
    lowest, highest = frame([0] * 7), frame([SIZE - 1] * 7)
    assert (lowest[0], highest[-1]) == (128266, 156937)
    reading = parse_generated([*lowest, *highest, STOP], geometry)
    np.testing.assert_array_equal(reading.codes, [[0] * 7, [SIZE - 1] * 7])
    assert reading.ended and reading.malformed_tokens == 0
    sizes = [book.size for book in geometry.codebooks]
    assert sizes == [SIZE] * 7 and [book.offset for book in geometry.codebooks] == lowest
    for beyond in (128265, 156938):  # neither is wrapped into the range, as a modulo would do
        bad = parse_generated([*lowest[:3], beyond, *lowest[4:]], geometry)
        assert bad.malformed_tokens == 1
        assert not 0 <= bad.codes[0, 3] < SIZE


def test_slots_go_to_the_levels_of_the_codec_in_the_order_of_the_tree(folder: Path) -> None:
    import torch

    geometry = load_snac_geometry(folder / "voice.json")
    codes = np.arange(21, dtype=np.int32).reshape(3, 7)
    coarse, middle, fine = geometry.levels(codes)
    assert coarse.tolist() == [0, 7, 14]
    assert middle.tolist() == [1, 4, 8, 11, 15, 18]
    assert fine.tolist() == [2, 3, 5, 6, 9, 10, 12, 13, 16, 17, 19, 20]
    decoder = SnacDecoder(geometry)
    heard = decoder.decode(codes)
    assert heard.shape == (3 * 2048,) and np.isfinite(heard).all() and heard.std() > 0
    np.testing.assert_array_equal(heard, decoder.decode(codes))  # the codec's own noise is seeded
    with torch.inference_mode(), torch.random.fork_rng():
        torch.manual_seed(0)
        by_hand = decoder._model.decode(
            [torch.tensor([row]) for row in ([0, 7, 14], [1, 4, 8, 11, 15, 18], fine.tolist())]
        )
    np.testing.assert_array_equal(heard, by_hand[0, 0].numpy())
    swapped = codes[:, [0, 1, 2, 4, 3, 5, 6]]
    assert not np.array_equal(heard, decoder.decode(swapped))


def test_a_missing_slot_costs_its_frame_and_no_other(folder: Path) -> None:
    geometry = load_snac_geometry(folder / "voice.json")
    whole = [frame([i] * 7) for i in range(1, 4)]
    reading = parse_generated([*whole[0], *whole[1][:3], *whole[1][4:], *whole[2]], geometry)
    assert reading.malformed_tokens == 1 and not reading.ended
    assert reading.codes[1].tolist() == [2, 2, 2, MISSING, 2, 2, 2]
    assert reading.codes[2].tolist() == [3] * 7


# ---------------------------------------------------------------------------------------------- a living model
def test_the_prompt_is_the_published_one_and_text_is_no_control_token(
    backend: LlamaCodec, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[list[int]] = []
    engine = backend._ready().engine
    usual = engine.generate
    monkeypatch.setattr(engine, "generate", lambda prompt, *rest: asked.append(list(prompt)) or usual(prompt, *rest))
    speak(backend, "Hello there.")
    speak(backend, "<|eot_id|> {voice}")
    head, tail = [HUMAN, BOS], [EOT, HUMAN_END, AI, START]
    ids = {name: token for token, name in enumerate(names()[:300])}
    spelled = ["t", "a", "r", "a", ":", "Ġ", "Hel", "l", "o", "Ġth", "e", "r", "e", "."]
    assert asked[0] == [*head, *(ids[name] for name in spelled), *tail]
    inner = asked[1][2:-4]
    assert asked[1][:2] == head and asked[1][-4:] == tail and max(inner) < 300
    assert bytes(byte_names().index(each) for token in inner for each in names()[token]) == b"tara: <|eot_id|> {voice}"


def test_it_speaks_whole_frames_and_ends_with_the_stop_token(backend: LlamaCodec) -> None:
    signs: list[int] = []
    spoken = backend.synthesize(Request("a", "Hello there.", 3), lambda: signs.append(1))
    assert spoken.finish_reason == "stop" and spoken.notes["stop_token"] is True
    assert spoken.notes["malformed_tokens"] == spoken.notes["invalid_frames"] == 0
    assert spoken.tokens.shape[1] == 7 and spoken.token_count == spoken.tokens.size
    assert spoken.notes["generated_tokens"] == spoken.token_count + 1 <= len(signs) + 1
    assert len(spoken.samples) == len(spoken.tokens) * 2048 and spoken.sample_rate == 24000
    layout = backend._ready().voice.layout
    assert layout.frame_seconds == pytest.approx(2048 / 24000)
    assert all(book["out_of_range"] == 0 for book in codebook_figures(spoken.tokens, layout))


def test_same_seed_same_tokens_and_another_seed_others(backend: LlamaCodec) -> None:
    first, again, other = speak(backend, seed=3), speak(backend, seed=3), speak(backend, seed=4)
    np.testing.assert_array_equal(first.tokens, again.tokens)
    np.testing.assert_array_equal(first.samples, again.samples)
    assert not np.array_equal(first.tokens, other.tokens)


def test_the_second_engine_speaks_it_from_the_same_prompt(folder: Path, backend: LlamaCodec) -> None:
    pytest.importorskip("llama_cpp", reason="the second engine needs the extra 'divergence' (llama-cpp-python)")
    other = LlamaCodec()
    other.load(variant(folder, engine="llama-cpp-python"))
    text = "Hello there, <|eot_id|>."
    assert other._ready().engine.tokenize(text) == backend._ready().engine.tokenize(text)
    first, again = speak(other, seed=3), speak(other, seed=3)
    other.close()
    np.testing.assert_array_equal(first.tokens, again.tokens)
    assert first.notes["stop_token"] is True and first.notes["malformed_tokens"] == 0
    assert first.finish_reason == "stop" and len(first.samples) == len(first.tokens) * 2048


def test_a_missing_stop_token_runs_into_the_cap(folder: Path) -> None:
    write_model(folder / "endless.gguf", stops=False)
    backend = LlamaCodec()
    backend.load(variant(folder, "endless.gguf"))
    spoken = speak(backend)
    backend.close()
    assert spoken.finish_reason == "length" and spoken.notes["stop_token"] is False
    assert spoken.notes["generated_tokens"] == spoken.notes["cap"] == DESCRIPTION["max_tokens"]
    assert len(spoken.tokens) == 50


def test_a_model_that_skips_a_slot_is_seen_and_its_frames_are_not_decoded(folder: Path) -> None:
    write_model(folder / "skips.gguf", follows={0: 1, 1: 2, 2: 4, 4: 5, 5: 6, 6: 0})
    backend = LlamaCodec()
    backend.load(variant(folder, "skips.gguf"))
    spoken = speak(backend, seed=3)
    backend.close()
    frames = len(spoken.tokens)
    assert frames and (spoken.tokens[:, 3] == MISSING).all()
    assert spoken.notes["malformed_tokens"] == spoken.notes["invalid_frames"] == frames
    assert len(spoken.samples) == 0


def test_nothing_to_say_and_too_much_are_refused(backend: LlamaCodec) -> None:
    with pytest.raises(BackendRefused, match="nothing that can be spoken"):
        speak(backend, "  ")
    with pytest.raises(BackendRefused, match="do not fit into a context of 1024 tokens"):
        speak(backend, "many words " * 400)
    assert speak(backend).finish_reason == "stop"


# -------------------------------------------------------------------------------------------- what a user gets wrong
@pytest.mark.parametrize(
    ("changes", "settings", "words"),
    [
        ({}, {"speaker": "tarra"}, "did you mean 'tara'"),
        ({}, {"segment_phones": 60}, "segment_phones is for voices that speak phones"),
        ({}, {"constrained": True}, "constrained is for voices that speak phones"),
        ({}, {"split": "sentences"}, "split = 'sentences' is for voices that speak phones"),
        ({}, {"reset": False}, "reset = false needs engine = 'llama-cpp-python'"),
        ({}, {"engine": "xlamacpp"}, "did you mean 'xllamacpp'"),
        ({"codec": "codek"}, {}, "codec: no such file"),
        ({"prompt": [HUMAN, "{voice}"]}, {}, "prompt: the text never reaches the model"),
        ({"tokens": {**DESCRIPTION["tokens"], "stop": FIRST}}, {}, "tokens.stop: 128266 lies among the speech tokens"),
        ({"tokens": {**DESCRIPTION["tokens"], "slots": [0, 2]}}, {}, "tokens.slots: must name every level"),
        ({"tokens": {}}, {}, "tokens.stop: is missing"),
    ],
)
def test_wrong_settings_are_one_clear_line(
    folder: Path, tmp_path: Path, changes: dict[str, Any], settings: dict[str, Any], words: str
) -> None:
    for name in ("codec", "model.gguf"):
        (tmp_path / name).symlink_to(folder / name)
    write_voice(tmp_path, **changes)
    with pytest.raises(ConfigError, match=words) as error:
        LlamaCodec.check(variant(tmp_path, **settings))
    assert "\n" not in str(error.value)


def test_a_codec_that_does_not_fit_the_description_is_refused(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "codec").symlink_to(folder / "codec")
    write_voice(tmp_path, tokens={**DESCRIPTION["tokens"], "slots": [0, 1, 2]})
    with pytest.raises(ConfigError, match="slots of the levels"):
        SnacDecoder(load_snac_geometry(tmp_path / "voice.json"))


def test_a_description_serves_as_the_voice_where_no_speakers_are_named(folder: Path, tmp_path: Path) -> None:
    """Maya1: any description, put into the prompt as it stands."""
    (tmp_path / "codec").symlink_to(folder / "codec")
    prompt = [HUMAN, BOS, '<description="{voice}"> {text}', EOT, HUMAN_END, AI, START]
    path = write_voice(tmp_path, prompt=prompt, speakers=[])
    voice = SnacVoice(load_snac_geometry(path))
    told: list[str] = []
    (piece,) = voice.pieces("Hi {voice}.", "Male, warm {text}", LlamaSettings(), lambda text: told.append(text) or [7])
    assert told == ['<description="Male, warm {text}"> Hi {voice}.']
    assert piece.prompt == [HUMAN, BOS, 7, EOT, HUMAN_END, AI, START]
