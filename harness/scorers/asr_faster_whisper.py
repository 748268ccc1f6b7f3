"""faster-whisper: Whisper's weights in CTranslate2's format, by catalogue name, published name or folder."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from harness.core.errors import ConfigError, nearest
from harness.core.records import Json, Samples
from harness.scorers.clip import SPEECH_RATE
from harness.scorers.hearing import HeardWindow, Try, transcribe_guarded
from harness.scorers.transcript import Transcript
from harness.scorers.weights import model_folder, model_names
from harness.scorers.weights.foreign import is_path
from harness.text.alignment import TimedWord

if TYPE_CHECKING:
    from faster_whisper.transcribe import Segment

    from harness.scorers.asr_window import WindowedModel

WINDOW_SECONDS = 30.0
TOKENS_A_SECOND = 25  # more than the densest script of the fastest speaker needs; a loop is stopped there
MOST_TOKENS = 440  # the decoder has 448 positions
SEED = 7


class FasterWhisper:
    """CTranslate2's Whisper: temperature 0, beam 1, no conditioning, windows that fit the audio, a guard against loops.

    ``compute_type`` is CTranslate2's; without one int8 on a CPU and float16 on a GPU.
    """

    def __init__(self, model: str, device: str = "cpu", compute_type: str = "") -> None:
        if not model:
            raise ConfigError("the recognizer 'faster-whisper' needs a model: faster-whisper:base or a model folder")
        self.model_name = model
        self.device = device
        self.compute_type = compute_type or ("int8" if device == "cpu" else "float16")
        self.spec = f"faster-whisper:{model}"
        self.languages: frozenset[str] | None = frozenset({"en"}) if model.endswith(".en") else None
        if not is_path(model) and model not in (names := {*_published(), *model_names()}):
            raise ConfigError(f"unknown faster-whisper model {model!r}{nearest(model, names)}")
        self._folder: Path | None = None
        self._model: WindowedModel | None = None

    def prepare(self, wanted: Iterable[str] = ()) -> None:
        """See to it that the weights are on this machine. Raises ConfigError where they cannot be had."""
        _check_device(self.device)
        if self._folder is None:
            self._folder = model_path(self.model_name)

    def setup(self) -> None:
        """Load the model. Raises ConfigError for one that cannot be loaded."""
        if self._model is not None:
            return
        self.prepare()
        from harness.scorers.asr_window import shared_model

        assert self._folder is not None
        try:
            self._model = model = shared_model(self._folder, self.device, self.compute_type)
        except (OSError, RuntimeError, ValueError, KeyError) as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise ConfigError(f"faster-whisper model {self.model_name!r} cannot be loaded: {reason}") from error
        if not model.model.is_multilingual:
            self.languages = frozenset({"en"})

    def model(self) -> WindowedModel:
        """Return the loaded model, shared by all scorers of the process."""
        self.setup()
        assert self._model is not None
        return self._model

    def transcribe(self, samples: Samples, language: str = "en") -> Transcript:
        """Recognize 16 kHz audio of any length."""
        self.setup()
        return Transcript.of(
            transcribe_guarded(self, samples, language.split("-")[0]),
            engine="faster-whisper",
            model=Path(self.model_name).name,
            extras={"device": self.device, "compute_type": self.compute_type},
        )

    def decode(self, samples: Samples, language: str, how: Try) -> list[HeardWindow]:
        """Decode 16 kHz audio, window by window."""
        model, seconds = self.model(), len(samples) / SPEECH_RATE
        limit = MOST_TOKENS if seconds > WINDOW_SECONDS else min(MOST_TOKENS, 20 + round(TOKENS_A_SECOND * seconds))
        if how.temperature:
            from harness.scorers.asr_window import seeded_model

            assert self._folder is not None
            model = seeded_model(self._folder, self.device, self.compute_type, SEED)
        options: Json = {
            "language": language,
            "beam_size": 1,
            "best_of": 1,
            "temperature": [how.temperature],
            "condition_on_previous_text": False,
            "word_timestamps": True,
            "vad_filter": False,
            "max_new_tokens": limit,
        }
        if self.device != "cpu" and not how.temperature:
            segments = _batched(model, samples, options)
        else:
            model.full_window = how.full_window
            segments = list(model.transcribe(np.ascontiguousarray(samples, dtype=np.float32), **options)[0])
        return _windows(segments, limit)


def model_path(name: str) -> Path:
    """Return the folder of a model: a path as given, the catalogue's verified weights, else the hub's.

    Raises ConfigError where it is not on this machine and cannot be fetched.
    """
    if is_path(name) or name in model_names():
        return model_folder(name)
    from faster_whisper.utils import download_model

    try:
        return Path(download_model(name))
    except Exception as error:  # the hub's client raises errors of its own and of its transport
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ConfigError(
            f"faster-whisper model {name!r} is not on this machine and cannot be fetched ({reason}); "
            "give a folder instead: faster-whisper:/path/to/model"
        ) from error


def _batched(model: WindowedModel, samples: Samples, options: Json) -> list[Segment]:
    """Decode all windows of the clip in one batch, as a GPU likes it."""
    from faster_whisper import BatchedInferencePipeline

    whole = len(samples) / SPEECH_RATE
    edges = np.linspace(0, whole, max(1, int(np.ceil(whole / WINDOW_SECONDS))) + 1)
    clips = [{"start": float(a), "end": float(b)} for a, b in pairwise(edges)]
    segments, _ = BatchedInferencePipeline(model).transcribe(samples, **options, clip_timestamps=clips, batch_size=8)
    return list(segments)


def _windows(segments: list[Segment], limit: int) -> list[HeardWindow]:
    """Gather the library's segments by the window that they come from."""
    by_seek: dict[int, list[Segment]] = {}
    for segment in segments:
        by_seek.setdefault(segment.seek, []).append(segment)
    windows = []
    for pieces in by_seek.values():
        tokens = sum(len(piece.tokens) for piece in pieces)
        words = tuple(
            TimedWord(word.word.strip(), float(word.start), float(word.end), float(word.probability))
            for piece in pieces
            for word in piece.words or ()
        )
        windows.append(
            HeardWindow(
                text="".join(piece.text for piece in pieces),
                words=words,
                tokens=tokens,
                avg_logprob=float(pieces[0].avg_logprob),
                no_speech_prob=float(pieces[0].no_speech_prob),
                cut_off=tokens >= limit - 2,
            )
        )
    return windows


def _published() -> list[str]:
    from faster_whisper import available_models

    return list(available_models())


def _check_device(device: str) -> None:
    """Raise ConfigError where CTranslate2 cannot use the device."""
    if device == "cpu":
        return
    import ctranslate2

    count, index = ctranslate2.get_cuda_device_count(), int(device.partition(":")[2] or 0)
    if index >= count:
        raise ConfigError(f"--asr-device {device}: CTranslate2 sees {count} CUDA devices on this machine; use cpu")
