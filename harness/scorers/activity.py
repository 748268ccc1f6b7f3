"""Where speech is in a clip, from the energy of 10 ms frames alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.core.records import Samples

FRAME = 0.010  # s
FLOOR = -70.0  # dBFS: nothing below it is speech, whatever the clip
RANGE = 35.0  # dB below the loud parts that still is speech (the P.56 margin is 15.9 dB below the mean active level)
SHORTEST_SPEECH = 3  # frames; shorter bursts are clicks
SHORTEST_GAP = 5  # frames; shorter gaps are stop consonants
SHORTEST_PAUSE = 0.15  # s

Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Activity:
    """``active``: shape (frames,), True where speech is. ``decibels``: level of each frame in dBFS.

    ``loud``: level of the loud frames; ``least``: no fainter frame is speech, however faint the loud ones are (dBFS).
    """

    active: Flags
    decibels: NDArray[np.float64]
    loud: float = 0.0
    least: float = FLOOR

    @property
    def span(self) -> tuple[float, float] | None:
        """Start of the first and end of the last active frame in seconds, or None without speech."""
        places = np.flatnonzero(self.active)
        return (int(places[0]) * FRAME, (int(places[-1]) + 1) * FRAME) if len(places) else None

    @property
    def pauses(self) -> list[tuple[float, float]]:
        """Return the silent gaps of 0.15 s and more between speech, as (start, end) in seconds."""
        places = np.flatnonzero(self.active)
        if not len(places):
            return []
        starts, lengths = true_stretches(~self.active[places[0] : places[-1] + 1])
        spans = zip((starts + places[0]) * FRAME, lengths * FRAME, strict=True)
        return [(float(at), float(at + long)) for at, long in spans if long >= SHORTEST_PAUSE - 1e-9]

    def at(self, times: NDArray[np.float64]) -> Flags:
        """Say for each time in seconds whether speech is there, shape of ``times``."""
        return self.active[np.minimum((times / FRAME).astype(np.int64), len(self.active) - 1)]


def frame_energy(sound: Samples, rate: int) -> NDArray[np.float64]:
    """Return the mean square of each 10 ms frame, shape (max(1, floor(seconds / 0.01)),).

    A last part shorter than a frame is left out, unless it is all there is. Frame borders are rounded to samples.
    """
    count = max(1, int(len(sound) / (rate * FRAME) + 1e-9))
    borders = np.round(np.arange(count + 1) * rate * FRAME).astype(np.int64)
    borders[-1] = min(borders[-1], len(sound))
    if count == 1:
        borders[-1] = len(sound)
    sums = np.add.reduceat(np.square(sound, dtype=np.float64), borders[:-1])
    if borders[-1] < len(sound):
        sums[-1] = np.square(sound[borders[-2] : borders[-1]], dtype=np.float64).sum()
    return np.asarray(sums / np.maximum(np.diff(borders), 1))


def find_activity(energy: NDArray[np.float64]) -> Activity:
    """Mark the frames that hold speech.

    A frame counts when it is within 35 dB of the clip's loud frames (95th percentile), above a quarter of the way from
    the quiet frames (5th percentile) to the loud ones, and above -70 dBFS. Bursts under 30 ms are dropped, gaps
    under 50 ms closed. In a clip without contrast (noise, a tone) everything is active.
    """
    decibels = 10 * np.log10(np.maximum(energy, 1e-12))
    quiet, loud = np.percentile(decibels, [5, 95])
    from_quiet = min(quiet + 0.25 * (loud - quiet), loud - 10)
    least = float(max(from_quiet, FLOOR))
    active = decibels > max(loud - RANGE, least)
    if len(active) > 2 * SHORTEST_SPEECH:
        active = _without_short(active, SHORTEST_SPEECH)
        inner = ~_without_short(~active, SHORTEST_GAP)
        places = np.flatnonzero(active)
        if len(places):
            active[places[0] : places[-1] + 1] = inner[places[0] : places[-1] + 1]
    return Activity(active, decibels, float(loud), least)


def true_stretches(flags: Flags) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return starts and lengths of the runs of True, each of shape (runs,)."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], flags, [False])).astype(np.int8)))
    return edges[::2], edges[1::2] - edges[::2]


def _without_short(flags: Flags, shortest: int) -> Flags:
    kept = flags.copy()
    starts, lengths = true_stretches(flags)
    for at, long in zip(starts, lengths, strict=True):
        if long < shortest:
            kept[at : at + long] = False
    return kept
