"""Waveform and mel spectrogram with axes, and the span of each finding marked, as a PNG."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np

from harness.core.records import Samples, Span

_BANDS, _DEPTH_DB = 80, 80.0
_MOST_COLUMNS = 1200


def marked_picture(samples: Samples, rate: int, spans: Sequence[tuple[str, Span]], title: str) -> bytes:
    """Return a PNG of the sound: amplitude above, mel bands (dB below the loudest) below; ``spans`` are (name, s)."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 5), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    wave, mel = figure.subplots(2, 1, sharex=True, height_ratios=(2, 3))
    finite = np.nan_to_num(samples)
    seconds = len(samples) / rate
    wave.plot(np.arange(len(finite)) / rate, finite, linewidth=0.4, color="#2e86c1")
    wave.set(ylabel="amplitude", title=title, xlim=(0, max(seconds, 1e-3)))
    _draw_mel(mel, finite, rate)
    for axis in (wave, mel):
        for name, (start, end) in spans:
            axis.axvspan(start, max(end, start + seconds / 500), color="#d64541", alpha=0.3, label=name)
    if spans:
        wave.legend(loc="upper right", fontsize="small")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def _draw_mel(axis: object, samples: Samples, rate: int) -> None:
    import librosa
    from matplotlib.axes import Axes

    assert isinstance(axis, Axes)
    window = 1 << int(np.ceil(np.log2(max(rate * 0.032, 64))))
    padded = np.pad(samples, (0, max(0, window - len(samples))))
    hop = max(window // 4, len(padded) // _MOST_COLUMNS)
    power = librosa.feature.melspectrogram(
        y=np.clip(padded, -4.0, 4.0), sr=rate, n_fft=window, hop_length=hop, n_mels=_BANDS
    )
    decibels = librosa.power_to_db(power, ref=max(float(power.max()), 1e-9), top_db=_DEPTH_DB)
    axis.imshow(decibels, origin="lower", aspect="auto", cmap="magma", extent=(0, len(padded) / rate, 0, _BANDS))
    axis.set(ylabel="mel band", xlabel="seconds")
