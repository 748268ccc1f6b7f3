"""How far two renditions lie apart to the ear: log-mel distance after time alignment."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from harness.audio.resample import resample
from harness.core.records import Samples

RATE = 16_000  # Hz, both sides are brought to it
HOP = 320  # samples, 20 ms
WINDOW = 640
BANDS = 40
FLOOR_DB = -80.0  # below the clip's own peak; quieter than that is silence


def log_mel(samples: Samples, rate: int) -> NDArray[np.float32]:
    """Return log-mel spectrogram in dB below the clip's peak, shape (bands, frames).

    Raises ValueError for an empty clip.
    """
    if len(samples) == 0:
        raise ValueError("an empty clip has no spectrum")
    import librosa

    clean = np.nan_to_num(resample(np.nan_to_num(samples), rate, RATE))
    power = librosa.feature.melspectrogram(y=clean, sr=RATE, n_fft=WINDOW, hop_length=HOP, n_mels=BANDS)
    shown: NDArray[np.float32] = librosa.power_to_db(power, ref=max(float(power.max()), 1e-10), top_db=-FLOOR_DB)
    return shown


def log_mel_distance(first: Samples, first_rate: int, second: Samples, second_rate: int) -> float:
    """Return mean absolute difference in dB over bands, along the best time alignment (dynamic time warping); 0 for
    equals.

    Raises ValueError for an empty clip.
    """
    return _aligned_cost(log_mel(first, first_rate), log_mel(second, second_rate), "cityblock")


def log_mel_square_distance(first: Samples, first_rate: int, second: Samples, second_rate: int) -> float:
    """Return the mean square difference in dB^2 over bands, aligned as above: what independent causes add up to; 0 for
    equals.

    Raises ValueError for an empty clip.
    """
    return _aligned_cost(log_mel(first, first_rate), log_mel(second, second_rate), "sqeuclidean")


def _aligned_cost(a: NDArray[np.float32], b: NDArray[np.float32], metric: str) -> float:
    from librosa.sequence import dtw
    from scipy.spatial.distance import cdist

    cost = cdist(a.T, b.T, metric) / len(a)
    total, path = dtw(C=cost, backtrack=True)
    return float(total[-1, -1] / len(path))
