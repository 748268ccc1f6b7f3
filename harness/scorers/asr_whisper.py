"""openai-whisper through its own ``load_model`` and ``transcribe``, by model name or checkpoint path."""

from __future__ import annotations

import hashlib
import pickle
from pathlib import Path
from typing import Any

import numpy as np

from harness.alignment import TimedWord
from harness.errors import ConfigError, nearest
from harness.scorers.asr import RATE, Transcript
from harness.types import Json, Samples

WINDOW_SECONDS = 30.0


class Whisper:
    """Stock openai-whisper: the whole audio, temperature 0, no fallback, no conditioning on previous text."""

    def __init__(
        self,
        model: str,
        device: str = "cpu",
        label: str = "",
        spec: str = "",
        languages: frozenset[str] | None = None,
    ) -> None:
        if not model:
            raise ConfigError(
                "the recognizer 'whisper' needs a model: whisper:base.en, whisper:turbo, whisper:/path/to.pt"
            )
        self.model_name = model
        self.device = device
        self.label = label
        self.spec = spec or f"whisper:{model}"
        self.languages = frozenset({"en"}) if model.endswith(".en") else languages
        self._checkpoint = _checkpoint(model)
        self._model: Any = None
        self._sha256: str | None = None

    def setup(self) -> None:
        """Load the model. Raises ConfigError where it would have to be downloaded and cannot be."""
        if self._model is not None:
            return
        import torch
        import whisper

        if self.device == "cpu":
            torch.set_num_threads(1)
        try:
            self._model = whisper.load_model(self.model_name, device=self.device)
        except OSError as error:  # URLError is one
            raise ConfigError(
                f"whisper model {self.model_name!r} is not on this machine and cannot be downloaded ({error}); "
                f"give a checkpoint instead: whisper:/path/to.pt"
            ) from error
        except (RuntimeError, KeyError, TypeError, ValueError, EOFError, pickle.UnpicklingError) as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise ConfigError(f"{self.model_name} is no checkpoint that openai-whisper can load: {reason}") from error
        if self._checkpoint is not None:
            self._sha256 = hashlib.sha256(self._checkpoint.read_bytes()).hexdigest()
        if not self._model.is_multilingual:
            self.languages = frozenset({"en"})

    def transcribe(self, samples: Samples, language: str = "en") -> Transcript:
        """Recognize 16 kHz audio of any length, window by window."""
        self.setup()
        windows: list[Json] = []
        limit = 2 * int(len(samples) / RATE) + 20
        result = self._decoded(np.ascontiguousarray(samples, dtype=np.float32), language, windows, limit)
        words = tuple(
            TimedWord(w["word"].strip(), float(w["start"]), float(w["end"]), float(w["probability"]))
            for segment in result["segments"]
            for w in segment["words"]
        )
        return Transcript(
            text=result["text"].strip(),
            words=words,
            engine="whisper",
            model=f"{Path(self.model_name).name} ({self.label})" if self.label else Path(self.model_name).name,
            avg_logprob=_mean_logprob(windows),
            no_speech_prob=min((w["no_speech_prob"] for w in windows), default=None),
            extras={"windows": windows, **({"model_sha256": self._sha256} if self._sha256 else {})},
        )

    def _decoded(self, samples: Samples, language: str, windows: list[Json], limit: int) -> Any:
        """Run stock ``transcribe`` and write down every window, also those it drops as silent."""
        model, stock = self._model, type(self._model).decode
        if self.device == "cpu":
            import torch

            # numba, which aligns Whisper's words, sets the threads of all OpenMP to its own number at its first call
            torch.set_num_threads(1)

        def decode(segment: Any, options: Any) -> Any:
            if len(windows) >= limit:
                raise RuntimeError(f"whisper went through {limit} windows without reaching the end of the audio")
            seen = stock(model, segment, options)
            windows.append(
                {
                    "tokens": len(seen.tokens),
                    "avg_logprob": _finite(seen.avg_logprob),
                    "no_speech_prob": _finite(seen.no_speech_prob),
                }
            )
            return seen

        model.decode = decode
        try:
            return model.transcribe(
                samples,
                language=language.split("-")[0],
                temperature=(0.0,),
                condition_on_previous_text=False,
                word_timestamps=True,
                fp16=not self.device.startswith("cpu"),
                verbose=None,
            )
        finally:
            del model.decode


def _checkpoint(model: str) -> Path | None:
    """Return the path of a checkpoint, None for a published name. Raises ConfigError for neither."""
    path = Path(model).expanduser()
    if path.suffix == ".pt" or "/" in model:
        if not path.is_file():
            raise ConfigError(f"no whisper checkpoint at {model}")
        return path
    import whisper

    if model not in whisper.available_models():
        raise ConfigError(f"unknown whisper model {model!r}{nearest(model, whisper.available_models())}")
    return None


def _mean_logprob(windows: list[Json]) -> float | None:
    """Return the mean log-probability per token over all windows; None where no token was decoded."""
    known = [(w["avg_logprob"], w["tokens"] + 1) for w in windows if w["avg_logprob"] is not None]
    total = sum(n for _, n in known)
    return sum(p * n for p, n in known) / total if total else None


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
