"""Levels and damage of the waveform itself: peak, loudness, offset, clipping, NaN, flat lines."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from harness.core.records import Samples
from harness.core.records.payloads import SignalSpans
from harness.scorers.activity import true_stretches
from harness.scorers.clip import FLOOR_DBFS, SharedClip, level_dbfs, significant

RAIL = 0.999  # of full scale
RUN_AT_RAIL = 3  # samples in a row that make a clipped peak
AUDIBLE_RAIL = 0.01  # a rail below -40 dBFS is the last bits of a quiet recording
STEP = 1.5  # of a range of 2: no speech moves so far in one sample
LOUDNESS_BLOCK = 0.4  # s, ITU-R BS.1770-4
FLAT = 0.05  # s of identical samples off zero that count as a flat line


def level_figures(clip: SharedClip) -> dict[str, object]:
    """Return peak, RMS, active level, loudness and offset.

    Levels in dBFS over finite samples (-120 stands for digital silence), loudness in LUFS after ITU-R BS.1770-4
    (pyloudnorm; None under 0.4 s or where its gate leaves nothing), ``dc_ratio`` as |mean| / RMS (None in silence).
    """
    values = clip.raw if clip.finite_mask is None else clip.raw[clip.finite_mask]
    if len(values) == 0:
        names = ("peak_dbfs", "rms_dbfs", "active_rms_dbfs", "loudness_lufs", "dc_offset", "dc_ratio")
        return dict.fromkeys(names)
    wide = values.astype(np.float64)
    peak = float(np.abs(values).max())
    rms = float(np.sqrt(np.mean(np.square(wide))))
    mean = float(np.mean(wide))
    active = clip.energy[clip.activity.active]
    return {
        "peak_dbfs": significant(level_dbfs(peak)),
        "rms_dbfs": significant(level_dbfs(rms)),
        "active_rms_dbfs": significant(level_dbfs(float(np.sqrt(active.mean())))) if len(active) else None,
        "loudness_lufs": significant(_loudness(clip)),
        "dc_offset": significant(mean),
        "dc_ratio": significant(min(1.0, abs(mean) / rms)) if level_dbfs(rms) > FLOOR_DBFS else None,
    }


def _loudness(clip: SharedClip) -> float | None:
    """Integrated loudness in LUFS, or None."""
    if len(clip.sound) <= LOUDNESS_BLOCK * clip.rate or not clip.activity.active.any():
        return None
    from pyloudnorm import Meter

    with np.errstate(all="ignore"):
        return float(Meter(clip.rate).integrated_loudness(clip.sound))


def damage_figures(clip: SharedClip) -> dict[str, object]:
    """Return non-finite, clipped and constant parts, and ``spans`` in seconds of where they lie.

    A sample is clipped when it belongs to a run of 3 or more at the rail: full scale, or the clip's own extreme value
    (a signal that was clipped and then turned down).
    """
    rate = clip.rate
    spans: SignalSpans = {}
    bad = None if clip.finite_mask is None else ~clip.finite_mask
    if bad is not None:
        spans["nonfinite"] = _span(np.flatnonzero(bad), rate)
    figures: dict[str, object] = {"nonfinite_fraction": significant(float(bad.mean()) if bad is not None else 0.0)}
    if bad is not None and bad.all():
        names = ("constant", "clipped_fraction", "clipped_longest_run", "over_one_fraction", "rail_jumps")
        return figures | dict.fromkeys(names) | {"spans": spans}
    sound = clip.sound
    constant = len(sound) > 1 and float(np.ptp(sound)) < 2**-16
    starts, lengths = (np.zeros(0, np.int64),) * 2 if constant else _clipped(sound)
    if len(starts):
        spans["clipping"] = [
            significant(starts[0] / rate) or 0.0,
            significant((starts[-1] + lengths[-1]) / rate) or 0.0,
        ]
    flat = [0.0, len(sound) / rate] if constant else _flat_line(sound, rate)
    if flat is not None:
        spans["constant"] = [float(f"{edge:.6g}") for edge in flat]
    return figures | {
        "constant": bool(constant),
        "clipped_fraction": significant(float(lengths.sum()) / len(sound)),
        "clipped_longest_run": int(lengths.max()) if len(lengths) else 0,
        "over_one_fraction": significant(float(np.mean(np.abs(sound) > 1))),
        "rail_jumps": int(np.count_nonzero(np.abs(np.diff(sound)) > STEP)),
        "spans": spans,
    }


def _clipped(sound: Samples) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return starts and lengths of the runs of 3 or more at a rail."""
    high, low = float(sound.max()), float(sound.min())
    top = RAIL if high >= RAIL else max(high - 1e-6, AUDIBLE_RAIL)
    bottom = -RAIL if low <= -RAIL else min(low + 1e-6, -AUDIBLE_RAIL)
    above, above_lengths = true_stretches(sound >= top)
    below, below_lengths = true_stretches(sound <= bottom)
    starts, lengths = np.concatenate((above, below)), np.concatenate((above_lengths, below_lengths))
    kept = lengths >= RUN_AT_RAIL
    order = np.argsort(starts[kept])
    return starts[kept][order], lengths[kept][order]


def _flat_line(sound: Samples, rate: int) -> list[float] | None:
    """Return the longest run of one value off zero as a span in seconds, if it lasts 50 ms."""
    starts, lengths = true_stretches((np.diff(sound) == 0) & (np.abs(sound[1:]) > 1e-3))
    if not len(lengths) or lengths.max() < FLAT * rate:
        return None
    longest = int(lengths.argmax())
    return [starts[longest] / rate, (starts[longest] + lengths[longest] + 1) / rate]


def _span(places: NDArray[np.int64], rate: int) -> list[float]:
    return [float(f"{places[0] / rate:.6g}"), float(f"{(places[-1] + 1) / rate:.6g}")]
