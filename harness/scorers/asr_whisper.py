"""openai-whisper through its own ``load_model`` and ``transcribe``, by model name or checkpoint path."""

from __future__ import annotations

import hashlib
import os
import pickle
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

import numpy as np

from harness.core.errors import ConfigError, nearest
from harness.core.records import Samples
from harness.scorers.clip import SPEECH_RATE
from harness.scorers.hearing import HeardWindow, Try, transcribe_guarded
from harness.scorers.transcript import Transcript
from harness.scorers.weights import alignment_heads, model_names, stock_checkpoint
from harness.text.alignment import TimedWord

if TYPE_CHECKING:
    from torch import Tensor
    from whisper import DecodingOptions, DecodingResult
    from whisper import Whisper as WhisperNet

SEED = 7
TOKEN_LIMIT = 224  # of one window: half of the decoder's positions, the engine's own
_FILES = {"large": "large-v3", "turbo": "large-v3-turbo"}  # where a name is not the name of its file


class Whisper:
    """Stock openai-whisper: temperature 0, no conditioning on previous text, a guard against loops.

    A name of the project's catalogue stands for its verified weights, any other for openai-whisper's own download.
    """

    def __init__(self, model: str, device: str = "cpu") -> None:
        self.model_name = model
        self.device = device
        self.compute_type = "float32" if device == "cpu" else "float16"
        self.spec = f"whisper:{model}"
        self.languages: frozenset[str] | None = frozenset({"en"}) if model.endswith(".en") else None
        self._checkpoint = _checkpoint(model)
        self._model: WhisperNet | None = None
        self._sha256: str | None = None

    def prepare(self, wanted: Iterable[str] = ()) -> None:
        """See to it that the checkpoint is on this machine. Raises ConfigError where it cannot be had."""
        _check_device(self.device)
        if self._checkpoint is not None:
            _check_format(self._checkpoint)
        elif self.model_name in model_names():
            self._checkpoint = stock_checkpoint(self.model_name)
        elif not _downloaded(self.model_name):
            self._load("cpu")  # its loader is its downloader

    def setup(self) -> None:
        """Load the model. Raises ConfigError where it would have to be downloaded and cannot be."""
        if self._model is not None:
            return
        import torch

        self.prepare()
        if self.device == "cpu":
            torch.set_num_threads(1)
        self._model = model = self._load(self.device)
        if self._checkpoint is not None:
            self._sha256 = hashlib.sha256(self._checkpoint.read_bytes()).hexdigest()
        if not model.is_multilingual:
            self.languages = frozenset({"en"})

    def _load(self, device: str) -> WhisperNet:
        import whisper

        try:
            model = whisper.load_model(str(self._checkpoint or self.model_name), device=device)
            if self.model_name in model_names():  # a checkpoint has none, and word times by all heads are coarse
                model.set_alignment_heads(alignment_heads(self.model_name))
            return model
        except OSError as error:  # URLError is one
            raise ConfigError(
                f"whisper model {self.model_name!r} is not on this machine and cannot be downloaded ({error}); "
                f"give a checkpoint instead: whisper:/path/to.pt"
            ) from error
        except (RuntimeError, KeyError, TypeError, ValueError, EOFError, pickle.UnpicklingError) as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise ConfigError(f"{self.model_name} is no checkpoint that openai-whisper can load: {reason}") from error

    def transcribe(self, samples: Samples, language: str = "en") -> Transcript:
        """Recognize 16 kHz audio of any length."""
        self.setup()
        return Transcript.of(
            transcribe_guarded(self, samples, language.split("-")[0]),
            engine="whisper",
            model=Path(self.model_name).name,
            extras={
                "device": self.device,
                "compute_type": self.compute_type,
                **({"model_sha256": self._sha256} if self._sha256 else {}),
            },
        )

    def decode(self, samples: Samples, language: str, how: Try) -> list[HeardWindow]:
        """Decode 16 kHz audio, window by window, always in the full 30 s."""
        import torch

        assert self._model is not None  # setup() has loaded it
        tokens: list[int] = []
        if self.device == "cpu":
            # numba, which aligns Whisper's words, sets the threads of all OpenMP to its own number at its first call
            torch.set_num_threads(1)
        with torch.random.fork_rng(enabled=how.temperature > 0), _watched(self._model, tokens, len(samples)):
            if how.temperature:
                torch.manual_seed(SEED)
            result = self._model.transcribe(
                np.ascontiguousarray(samples, dtype=np.float32),
                language=language,
                temperature=(how.temperature,),
                condition_on_previous_text=False,
                word_timestamps=True,
                fp16=self.device != "cpu",
                verbose=None,
            )
        return _windows(result["segments"], max(tokens, default=0))


@contextmanager
def _watched(model: WhisperNet, tokens: list[int], size: int) -> Iterator[None]:
    """Write down the tokens of every window that stock ``transcribe`` decodes of ``size`` samples."""
    stock, most = type(model).decode, 2 * int(size / SPEECH_RATE) + 20

    def decode(segment: Tensor, options: DecodingOptions) -> DecodingResult:
        if len(tokens) >= most:
            raise RuntimeError(f"whisper went through {most} windows without reaching the end of the audio")
        result = stock(model, segment, options)
        tokens.append(len(result.tokens))
        return result

    model.decode = decode
    try:
        yield
    finally:
        del model.decode


class _WhisperWord(TypedDict):
    word: str
    start: float
    end: float
    probability: float


class _Segment(TypedDict):
    """A segment as openai-whisper gives it."""

    seek: int
    text: str
    words: list[_WhisperWord]
    tokens: list[int]
    avg_logprob: float
    no_speech_prob: float


def _windows(segments: list[_Segment], longest: int) -> list[HeardWindow]:
    """Gather the engine's segments by window; ``longest`` is the most tokens that one of the windows gave."""
    by_seek: dict[int, list[_Segment]] = {}
    for segment in segments:
        by_seek.setdefault(segment["seek"], []).append(segment)
    return [
        HeardWindow(
            text="".join(piece["text"] for piece in pieces),
            words=tuple(
                TimedWord(word["word"].strip(), float(word["start"]), float(word["end"]), float(word["probability"]))
                for piece in pieces
                for word in piece["words"]
            ),
            tokens=sum(len(piece["tokens"]) for piece in pieces),
            avg_logprob=_finite(pieces[0]["avg_logprob"]),
            no_speech_prob=_finite(pieces[0]["no_speech_prob"]),
            cut_off=longest >= TOKEN_LIMIT - 2,
        )
        for pieces in by_seek.values()
    ]


def _checkpoint(model: str) -> Path | None:
    """Return the path of a checkpoint, None for a published name. Raises ConfigError for neither."""
    path = Path(model).expanduser()
    if path.suffix == ".pt" or "/" in model:
        if not path.is_file():
            raise ConfigError(f"no whisper checkpoint at {model}")
        return path
    import whisper

    names = {*whisper.available_models(), *model_names()}
    if model not in names:
        raise ConfigError(f"unknown whisper model {model!r}{nearest(model, names)}")
    return None


@cache
def _check_format(path: Path) -> None:
    """Raise ConfigError unless the file is a checkpoint of openai-whisper; its weights are not read into memory."""
    import torch

    try:
        data = torch.load(path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path))
    except (OSError, RuntimeError, ValueError, EOFError, KeyError, pickle.UnpicklingError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ConfigError(f"{path} is no checkpoint that openai-whisper can load: {reason}") from error
    if not isinstance(data, dict) or not {"dims", "model_state_dict"} <= data.keys():
        raise ConfigError(
            f"{path} is no checkpoint that openai-whisper can load: it has no dims or no model_state_dict"
        )


def _downloaded(model: str) -> bool:
    """Whether openai-whisper's own cache has the model."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "whisper"
    return (cache / f"{_FILES.get(model, model)}.pt").is_file()


def _check_device(device: str) -> None:
    """Raise ConfigError where torch cannot use the device."""
    if device == "cpu":
        return
    import torch

    count, index = torch.cuda.device_count(), int(device.partition(":")[2] or 0)
    if index >= count:
        raise ConfigError(f"--asr-device {device}: torch sees {count} CUDA devices on this machine; use cpu")


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
