"""Waveform and mel spectrogram of a flagged chunk as one small WebP, rendered beforehand.

``file://`` pages cannot fetch audio to draw it, so it is drawn here: waveform above (peaks of each column, on a
transparent ground that suits both themes), mel spectrogram below (80 bands, 80 dB deep, magma).
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np

from harness.core.records import Samples

if TYPE_CHECKING:
    from numpy.typing import NDArray

WIDTH, WAVE, MEL = 640, 72, 96  # pixels
_BANDS, _DEPTH_DB = 80, 80.0
_WAVE_COLOUR = (46, 134, 193)
_BROKEN_COLOUR = (214, 69, 65)  # columns with samples that are not finite


def picture(samples: Samples, sample_rate: int) -> bytes:
    """Return a WebP of ``WIDTH`` x (``WAVE`` + ``MEL``) pixels; time runs over the whole width."""
    from PIL import Image

    image = Image.new("RGBA", (WIDTH, WAVE + MEL), (0, 0, 0, 0))
    image.paste(Image.fromarray(_wave(samples), "RGBA"), (0, 0))
    image.paste(Image.fromarray(_mel(np.nan_to_num(samples), sample_rate)).convert("RGBA"), (0, WAVE))
    buffer = io.BytesIO()
    image.save(buffer, "WEBP", quality=55, method=2)
    return buffer.getvalue()


def _wave(samples: Samples) -> NDArray[np.uint8]:
    pixels = np.zeros((WAVE, WIDTH, 4), np.uint8)
    if samples.size == 0:
        return pixels
    edges = np.linspace(0, samples.size, WIDTH + 1).astype(int)
    middle = (WAVE - 1) / 2
    for column in range(WIDTH):
        part = samples[edges[column] : max(edges[column + 1], edges[column] + 1)]
        finite = part[np.isfinite(part)]
        colour = _WAVE_COLOUR if finite.size == part.size else _BROKEN_COLOUR
        high, low = (float(finite.max()), float(finite.min())) if finite.size else (1.0, -1.0)
        top = round(middle - middle * min(high, 1.0))
        bottom = round(middle - middle * max(low, -1.0))
        pixels[max(min(top, bottom), 0) : max(top, bottom) + 1, column] = (*colour, 255)
    return pixels


def _mel(samples: Samples, sample_rate: int) -> NDArray[np.uint8]:
    import librosa
    import matplotlib
    from PIL import Image

    if samples.size == 0:
        return np.zeros((MEL, WIDTH, 3), np.uint8)
    hop = max(64, samples.size // WIDTH)
    window = 1 << max(9, int(np.ceil(np.log2(max(hop * 2, sample_rate * 0.032)))))
    samples = np.pad(samples, (0, max(0, min(window, 4096) - samples.size)))  # too short for one window
    power = librosa.feature.melspectrogram(
        y=np.clip(samples, -4.0, 4.0), sr=sample_rate, n_fft=min(window, 4096), hop_length=hop, n_mels=_BANDS
    )
    decibels: NDArray[np.generic] = librosa.power_to_db(power, ref=max(float(power.max()), 1e-9), top_db=_DEPTH_DB)
    shade = np.flipud(1 + np.maximum(decibels, -_DEPTH_DB) / _DEPTH_DB)
    coloured = matplotlib.colormaps["magma"](shade, bytes=True)[:, :, :3]
    return np.asarray(Image.fromarray(coloured).resize((WIDTH, MEL)), np.uint8)
