"""faster-whisper on a converted checkpoint against the stock engine on the checkpoint itself."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.scorers.asr import recognizer
from tools.recognizer import convert

pytest.importorskip("ctranslate2", reason="the extra faster-whisper is not installed; CI installs it")
SECONDS = 6


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random weights, two layers each, large enough that no two ids come near a tie."""
    import torch
    from whisper.model import ModelDimensions
    from whisper.model import Whisper as Model

    torch.manual_seed(5)
    model = Model(ModelDimensions(80, 1500, 64, 2, 2, 51864, 448, 64, 2, 2))
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.15)
    torch.nn.init.normal_(model.decoder.positional_embedding, std=1.5)  # else it says one token for ever
    path = tmp_path_factory.mktemp("checkpoint") / "random.pt"
    torch.save({"dims": vars(model.dims), "model_state_dict": model.state_dict()}, path)
    return path


@pytest.fixture(scope="module")
def folder(checkpoint: Path) -> Path:
    made = checkpoint.parent / "converted"
    convert.convert(checkpoint, made)
    return made


def _noise(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 0.1, 16_000 * SECONDS).astype(np.float32)


def _both(checkpoint: Path, folder: Path) -> tuple[Any, Any]:
    import ctranslate2
    import whisper

    return whisper.load_model(str(checkpoint)), ctranslate2.models.Whisper(str(folder), compute_type="float32")


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_both_engines_write_the_same_tokens(checkpoint: Path, folder: Path, seed: int) -> None:
    import ctranslate2
    import torch
    import whisper

    stock, converted = _both(checkpoint, folder)
    mel = whisper.log_mel_spectrogram(whisper.pad_or_trim(torch.tensor(_noise(seed))))[None]
    states = converted.encode(ctranslate2.StorageView.from_array(mel.numpy()))
    with torch.no_grad():
        expected = stock.encoder(mel).numpy()
    assert np.array(states) == pytest.approx(expected, abs=float(1e-4 * np.abs(expected).max()))
    options = whisper.DecodingOptions(
        language="en", fp16=False, without_timestamps=True, suppress_tokens="", suppress_blank=False, sample_len=40
    )
    found = converted.generate(
        states, [[50257, 50362]], beam_size=1, max_length=100, suppress_tokens=[], suppress_blank=False
    )
    tokens = whisper.decode(stock, mel[0], options).tokens
    assert len(set(tokens)) > 5
    assert found[0].sequences_ids[0][: len(tokens)] == tokens


def test_the_folder_is_loaded_as_any_other_and_needs_no_network(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    heard = recognizer(f"faster-whisper:{folder}").transcribe(_noise(1))
    assert heard.engine == "faster-whisper" and heard.model == "converted"


def test_an_existing_folder_is_not_overwritten(checkpoint: Path, tmp_path: Path) -> None:
    with pytest.raises(FileExistsError):
        convert.convert(checkpoint, tmp_path)


@settings(deadline=None)
@given(st.text(max_size=60))
def test_the_tokenizer_file_cuts_as_tiktoken_does(text: str) -> None:
    cut = _tokenizer().encode(text, add_special_tokens=False).ids
    assert cut == convert._encoding(False).encode(text, disallowed_special=(), allowed_special=set())


@functools.cache
def _tokenizer() -> Any:
    return convert._tokenizer(False)
