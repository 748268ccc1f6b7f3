"""How the level goes through the clip: speech and pauses, variation of the envelope, steps, noise in the pauses."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from harness.scorers.activity import FRAME, RANGE, Activity, Flags
from harness.scorers.clip import FLOOR_DBFS, SharedClip, significant

EDGE = 0.02  # s at either end of the clip
STEP_SIDE = 1.5  # s compared on either side of a level step
STEP_SPEECH = 0.75  # s of speech that each side must hold
LOUD_RANK = 142  # of the 150 frames of a side, from the faintest on: the 95th percentile, as for a whole clip
SILENT = -120.0  # dBFS, of what lies beyond the ends of a clip

Levels = NDArray[np.float64]


def time_figures(clip: SharedClip) -> dict[str, object]:
    """Return speech, pauses, envelope variation, level step, noise floor and the levels of both ends.

    ``envelope_cv``: standard deviation over mean of the RMS of 10 ms frames between the first and last speech
    (speech about 1, steady noise near 0). ``noise_floor_dbfs``: 10th percentile of the frames outside speech.
    ``edge_levels_db``: level of the first and last 20 ms against the active level: speech cut off ends loud.
    """
    activity = clip.activity
    span = activity.span
    pauses = activity.pauses if span else []
    quiet = activity.decibels[~activity.active]
    return {
        "active_fraction": significant(float(activity.active.mean())),
        "speech_start": significant(span[0]) if span else None,
        "speech_end": significant(min(span[1], len(clip.raw) / clip.rate)) if span else None,
        "noise_floor_dbfs": significant(max(FLOOR_DBFS, float(np.percentile(quiet, 10)))) if len(quiet) >= 5 else None,
        "envelope_cv": significant(_envelope_cv(clip.energy, span)),
        "pauses": [[significant(start), significant(end)] for start, end in pauses],
        "longest_pause": _longest(pauses) if span else {"seconds": None, "ratio": None, "span": None},
        "level_step_db": _level_step(activity),
        "edge_levels_db": _edges(clip),
    }


def _envelope_cv(energy: NDArray[np.float64], span: tuple[float, float] | None) -> float | None:
    if span is None:
        return None
    envelope = np.sqrt(energy[round(span[0] / FRAME) : round(span[1] / FRAME)])
    return float(envelope.std() / envelope.mean()) if len(envelope) >= 10 else None


def _longest(pauses: list[tuple[float, float]]) -> dict[str, object]:
    """Return the longest inner pause; ``ratio`` to the median pause of the clip, None with fewer than two."""
    if not pauses:
        return {"seconds": 0.0, "ratio": None, "span": None}
    lengths = np.array([end - start for start, end in pauses])
    at = int(lengths.argmax())
    ratio = float(lengths[at] / np.median(lengths)) if len(lengths) >= 2 else None
    return {
        "seconds": significant(float(lengths[at])),
        "ratio": significant(ratio),
        "span": [significant(v) for v in pauses[at]],
    }


def _level_step(activity: Activity) -> dict[str, object]:
    """Largest change of the level of speech, 1.5 s after against 1.5 s before, in dB (negative: it became quieter).

    Mean energy, not mean level: the loud vowels vary less than the quiet sounds between them. What counts as speech on
    a side is set against the loud parts of that side: against those of the whole clip little of what is 20 dB quieter
    would count, and nothing would be there to compare.
    """
    side, needed = round(STEP_SIDE / FRAME), round(STEP_SPEECH / FRAME)
    earlier = _before(activity, activity.decibels, activity.active, side, needed)
    later = _before(activity, activity.decibels[::-1], activity.active[::-1], side, needed)[::-1]
    change = later - earlier
    if not np.isfinite(change).any():
        return {"value": None, "time": None}
    largest = int(np.nanargmax(np.abs(change)))
    return {"value": significant(float(change[largest])), "time": significant(float(largest * FRAME))}


def _before(activity: Activity, decibels: Levels, active: Flags, side: int, needed: int) -> Levels:
    """Return the level (dB) of the speech in the ``side`` frames before each border of frames, shape (frames + 1,).

    NaN where there are fewer than ``needed`` frames of it, or no frame as loud as speech of this clip is.
    """
    levels = np.lib.stride_tricks.sliding_window_view(np.concatenate([np.full(side, SILENT), decibels]), side)
    speech = np.lib.stride_tricks.sliding_window_view(np.concatenate([np.zeros(side, bool), active]), side)
    loud = np.partition(levels, LOUD_RANK, axis=1)[:, LOUD_RANK]
    speech = speech | (levels > np.maximum(loud - RANGE, activity.least)[:, None])
    counts = speech.sum(axis=1)
    energy = (10 ** (levels / 10) * speech).sum(axis=1) / np.maximum(counts, 1)
    enough = (counts >= needed) & (loud > max(activity.loud - RANGE, activity.least))
    return np.where(enough, 10 * np.log10(np.maximum(energy, 1e-12)), np.nan)


def _edges(clip: SharedClip) -> list[float | None] | None:
    """Levels of the first and the last 20 ms in dB against the active level, or None without speech."""
    active = clip.energy[clip.activity.active]
    if not len(active):
        return None
    count = max(1, round(EDGE * clip.rate))
    reference = max(float(active.mean()), 1e-12)
    ends = (np.mean(np.square(part, dtype=np.float64)) for part in (clip.sound[:count], clip.sound[-count:]))
    return [significant(10 * float(np.log10(max(float(end), 1e-12) / reference))) for end in ends]
