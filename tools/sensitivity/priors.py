"""The priors: what healthy voices are like, fitted on voices as they were measured."""

from __future__ import annotations

from collections.abc import Sequence

from harness.verdicts import Priors
from harness.verdicts.calibration import fit_priors
from tools.sensitivity.measured import MeasuredVoice


def fit(voices: Sequence[MeasuredVoice], without: Sequence[str] = ()) -> Priors:
    """Fit the priors on ``voices``, but for those whose names begin with one of ``without``."""
    kept = [voice for voice in voices if not any(voice.name.startswith(start) for start in without)]
    return fit_priors({voice.name: voice.chunks for voice in kept}, {voice.name: voice.figures for voice in kept})
