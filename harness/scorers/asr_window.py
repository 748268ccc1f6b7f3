"""faster-whisper's model with windows that fit the audio, loaded once a process. Imports CTranslate2."""

from __future__ import annotations

from collections import OrderedDict
from functools import cached_property, lru_cache
from pathlib import Path

import ctranslate2
import numpy as np
from ctranslate2 import StorageView
from faster_whisper import WhisperModel
from numpy.typing import NDArray

MARGIN_FRAMES = 300  # 3 s behind the audio; with 1 s one clip in forty looped
STEP_FRAMES = 400  # windows come in steps of 4 s, so that there are few shapes
WINDOWS_KEPT = 3  # of one clip: a recognizer reads what remains behind its last word as a window of its own
FULL_FRAMES = 3000  # 30 s, what Whisper was trained on


class WindowedModel(WhisperModel):  # type: ignore[misc]
    """A Whisper whose encoder reads windows of the length of the audio, rounded up; ``full_window`` turns it off."""

    full_window = False

    @cached_property
    def _lately(self) -> OrderedDict[tuple[tuple[int, ...], int], StorageView]:
        """Return what was encoded last: several scorers ask about the same clip."""
        return OrderedDict()

    def encode(self, features: NDArray[np.float32]) -> StorageView:
        """Encode mel features that the library has padded to 30 s with zeros, shape (mels, frames)."""
        if not self.full_window and features.ndim == 2 and features.shape[-1] == FULL_FRAMES:
            filled = np.flatnonzero(features.any(axis=0))
            frames = (int(filled[-1]) + 1 if filled.size else 0) + MARGIN_FRAMES
            features = features[:, : min(FULL_FRAMES, -(-frames // STEP_FRAMES) * STEP_FRAMES)]
        key = (features.shape, hash(features.tobytes()))
        if key not in self._lately:
            self._lately[key] = super().encode(features)
            if len(self._lately) > WINDOWS_KEPT:
                self._lately.popitem(last=False)
        return self._lately[key]


def build_model(folder: Path, device: str, compute_type: str) -> WindowedModel:
    """Load a model. Raises RuntimeError, ValueError or OSError for a folder that holds none."""
    kind, _, index = device.partition(":")
    return WindowedModel(
        str(folder),
        device=kind,
        device_index=int(index or 0),
        compute_type=compute_type,
        cpu_threads=1,
        num_workers=1,
        local_files_only=True,
    )


@lru_cache(maxsize=4)
def shared_model(folder: Path, device: str, compute_type: str) -> WindowedModel:
    """Return the model of a folder, loaded at the first call and then shared by all scorers of the process."""
    return build_model(folder, device, compute_type)


def seeded_model(folder: Path, device: str, compute_type: str, seed: int) -> WindowedModel:
    """Load a model of its own whose sampling starts at ``seed``: CTranslate2 seeds a worker when it is made, once."""
    ctranslate2.set_random_seed(seed)
    return build_model(folder, device, compute_type)
