"""Priors fitted on healthy voices: they allow what these voices do, more where they differ more."""

import numpy as np

from harness.core.records import Chunk
from harness.verdicts.calibration.healthy import fit_priors
from harness.verdicts.this_run import RunChunk


def voice(level, spread, seed):
    rng = np.random.default_rng(seed)
    return [
        RunChunk(n, Chunk(f"c{n}", "word " * (4 + n % 30)), {"level-offset": float(rng.normal(level, spread))})
        for n in range(120)
    ]


def test_ranges_hold_every_voice_and_widen_with_them():
    near = fit_priors(
        {"a": voice(-25, 0.4, 1), "b": voice(-24, 0.4, 2)}, {"a": {"level": -25.0}, "b": {"level": -24.0}}
    )
    wide = fit_priors({"a": voice(-25, 0.4, 1), "b": voice(-15, 0.4, 2)})
    assert near.voices == {"a": 120, "b": 120}
    assert near.figures["level"].low < -25.0 < -24.0 < near.figures["level"].high
    prior, wider = near.detectors["level-offset"], wide.detectors["level-offset"]
    assert prior.voices == 2 and prior.chunks == 240
    assert -26 < prior.voices_low < -24.5 < prior.voices_high < -23.5
    assert wider.voices_high > -16
    assert max(high for high in wider.high if high is not None) > max(high for high in prior.high if high is not None)
