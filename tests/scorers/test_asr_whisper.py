"""The stock openai-whisper path on a checkpoint of our own dimensions: all windows, word times, one clear line."""

import json
import socket
from pathlib import Path
from urllib.error import URLError

import numpy as np
import pytest

from harness.core.errors import ConfigError
from harness.scorers.asr_whisper import Whisper
from harness.scorers.hearing import Hearing, Try
from harness.scorers.intelligibility import transcript_payload
from harness.scorers.transcript import Transcript
from harness.text import normaliser


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A randomly initialised model with the English vocabulary, small enough to load in a moment."""
    import torch
    from whisper.model import ModelDimensions
    from whisper.model import Whisper as Model

    torch.manual_seed(3)
    dims = ModelDimensions(
        n_mels=80, n_audio_ctx=1500, n_audio_state=16, n_audio_head=2, n_audio_layer=1,
        n_vocab=51864, n_text_ctx=16, n_text_state=16, n_text_head=2, n_text_layer=2,
    )  # fmt: skip
    model = Model(dims)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    path = tmp_path_factory.mktemp("whisper") / "tiny-random.pt"
    torch.save({"dims": vars(dims), "model_state_dict": model.state_dict()}, path)
    return path


def test_audio_beyond_thirty_seconds_is_read_to_its_end(checkpoint: Path) -> None:
    noise = np.random.default_rng(1).normal(0, 0.1, 16_000 * 40).astype(np.float32)
    engine = Whisper(str(checkpoint))
    engine.setup()
    assert engine.languages == {"en"}
    windows = tuple(engine.decode(noise, "en", Try()))
    assert len(windows) >= 2
    assert max(w.end for window in windows for w in window.words) > 30.0
    heard = Transcript.of(Hearing(windows, 40.0), "whisper", "tiny-random.pt", {})
    transcript = transcript_payload(heard, "a line of text", "en", normaliser("whisper-english"))
    assert json.loads(json.dumps(transcript, allow_nan=False))["wer"]["words"] == 4
    assert len(transcript["words"]) == len(transcript["hypothesis"].split())


def test_same_audio_gives_the_same_transcript(checkpoint: Path) -> None:
    noise = np.random.default_rng(2).normal(0, 0.1, 16_000 * 5).astype(np.float32)
    engine, fresh = Whisper(str(checkpoint)), Whisper(str(checkpoint))
    engine.setup()
    fresh.setup()
    for how in (Try(), Try(full_window=True, temperature=0.6)):
        first = engine.decode(noise, "en", how)
        engine.decode(noise[::-1].copy(), "en", how)
        assert engine.decode(noise, "en", how) == first == fresh.decode(noise, "en", how)


def test_a_model_that_never_advances_is_stopped(checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Whisper(str(checkpoint))
    engine.setup()

    def forever(model: object, audio: object, **options: object) -> None:
        while True:
            model.decode(np.zeros(1), None)  # type: ignore[attr-defined]

    class Seen:
        tokens: tuple[int, ...] = ()
        avg_logprob = float("nan")
        no_speech_prob = 0.5

    monkeypatch.setattr(type(engine._model), "decode", lambda *_: Seen())
    monkeypatch.setattr(type(engine._model), "transcribe", forever)
    with pytest.raises(RuntimeError, match="without reaching the end"):
        engine.decode(np.zeros(16_000, np.float32), "en", Try())


def test_a_file_that_is_no_checkpoint_ends_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "broken.pt"
    path.write_bytes(b"not a model")
    with pytest.raises(ConfigError, match="no checkpoint that openai-whisper can load") as error:
        Whisper(str(path)).setup()
    assert "\n" not in str(error.value)


def test_a_model_that_would_need_a_download_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def offline(*_: object, **__: object) -> None:
        raise URLError(socket.gaierror("no network"))

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr("urllib.request.urlopen", offline)
    with pytest.raises(ConfigError, match=r"'base\.en' is not on this machine and cannot be downloaded"):
        Whisper("base.en").setup()
