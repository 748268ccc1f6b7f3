"""Audio inside the page, for ``--single-file``: FLAC with 16 bit, which every browser plays."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable

import numpy as np

from harness.core.records import Attempt
from harness.report.review import sound
from harness.store import Run


def embedded_audio(run: Run) -> Callable[[Attempt], str | None]:
    """Return a function from an attempt to a ``data:`` address of its sound, or None; equal sounds are encoded once."""
    by_path: dict[str, str] = {}

    def address(attempt: Attempt) -> str | None:
        key = attempt.audio_sha256
        if key is None:
            return None
        if key not in by_path:
            heard = sound(run, attempt)
            if heard is None:
                return None
            by_path[key] = "data:audio/flac;base64," + base64.b64encode(_flac(*heard)).decode()
        return by_path[key]

    return address


def _flac(samples: np.ndarray[tuple[int], np.dtype[np.float32]], sample_rate: int) -> bytes:
    import soundfile

    buffer = io.BytesIO()
    soundfile.write(buffer, np.clip(np.nan_to_num(samples), -1.0, 1.0), sample_rate, format="FLAC", subtype="PCM_16")
    return buffer.getvalue()
