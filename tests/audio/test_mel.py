"""The log-mel distance: nothing between a sound and itself at another level, more the further sounds lie apart."""

import numpy as np
import pytest

from harness.audio.mel import log_mel_distance, log_mel_square_distance

RATE = 16_000


def _tone(hertz: float) -> np.ndarray:
    return (0.3 * np.sin(2 * np.pi * hertz * np.arange(RATE) / RATE)).astype(np.float32)


@pytest.mark.parametrize("distance", [log_mel_distance, log_mel_square_distance])
def test_distance_grows_with_what_differs_and_forgets_the_level(distance):
    tone = _tone(300.0)
    assert distance(tone, RATE, tone, RATE) == 0.0
    assert distance(tone, RATE, 0.5 * tone, RATE) < 1e-3
    near, far = (distance(tone, RATE, _tone(hertz), RATE) for hertz in (320.0, 3000.0))
    assert 0.0 < near < far
    with pytest.raises(ValueError, match="empty"):
        distance(tone, RATE, tone[:0], RATE)
