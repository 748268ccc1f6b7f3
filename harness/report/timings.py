"""Speed as a user means it, and whether it means anything: not when other work took the machine.

The engine journals an event ``load`` a stage, with the share of the machine's CPU time that other processes used.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from harness.core.records import Attempt
from harness.core.records.answered import StreamNote
from harness.report.summary import FirstAudio, LoadFigures, ScoringLag, SpeedFigures, StreamingFigures, TimingsValidity
from harness.store import Run

CPU_SHARE_MIN = 0.5  # of the wall time; below it the work is done on a GPU or waited for, and CPU seconds say little
LAG_MIN, LAG_SHARE = 1.0, 0.05  # s, and share of the time spoken: scoring that is later than both lags behind
OTHERS_MAX = 0.25  # of all cores: on two cores, half a core taken by others


def timings(run: Run) -> TimingsValidity:
    """Return ``valid`` (None: not known), the reason in words, and the largest share that others took in any stage."""
    shares = [share for event in run.events("load") if (share := event.data.get("others_share")) is not None]
    if not shares:
        return TimingsValidity(reason="the load of the machine was not recorded")
    highest = float(max(shares))
    if highest > OTHERS_MAX:
        reason = f"other work took {highest:.0%} of the machine, at most {OTHERS_MAX:.0%} is allowed"
        return TimingsValidity(valid=False, reason=reason, others_share=highest)
    return TimingsValidity(valid=True, others_share=highest)


def rtfx_of_attempts(soaked: Sequence[Attempt], alone: Sequence[Attempt]) -> SpeedFigures:
    """Return RTFx: audio seconds per second of the request (``value``), and beside it per CPU second of the worker
    (``cpu``).

    Taken from the timing-only pass where there was one, else from the session itself, whose scorers ran beside it.
    ``cpu`` is None where the worker's CPU seconds are not what the speech costs.
    """
    timed = [(a.duration, a.wall_seconds) for a in alone if a.duration and a.wall_seconds]
    beside = "spoken alone"
    if not timed:
        timed = [(a.duration, a.wall_seconds) for a in soaked if a.duration and a.wall_seconds]
        beside = "with the scorers beside"
    return SpeedFigures(
        value=_ratio(timed),
        clock="wall",
        basis=f"audio seconds per second of the request, {len(timed)} chunks {beside}",
        chunks=len(timed),
        cpu=_cpu([*soaked, *alone]),
    )


def _cpu(attempts: Sequence[Attempt]) -> float | None:
    measured = [(a.duration, a.cpu_seconds, a.wall_seconds) for a in attempts if a.duration and a.cpu_seconds]
    wall = sum(seconds or 0.0 for _, _, seconds in measured)
    if sum(cpu for _, cpu, _ in measured) < CPU_SHARE_MIN * wall:
        return None
    return _ratio([(duration, cpu) for duration, cpu, _ in measured])


def _ratio(pairs: Sequence[tuple[float, float]]) -> float | None:
    below = sum(pair[1] for pair in pairs)
    return sum(pair[0] for pair in pairs) / below if below else None


def scoring_lag(run: Run, name: str, soaked: Sequence[Attempt]) -> ScoringLag | None:
    """Return how far scoring was behind a backend that leaves this machine's cores to it; None where it kept up.

    A backend that computes on these cores takes turns with the scorers, which is no lag.
    """
    events = [event.data for event in run.events("scoring behind") if event.data.get("variant") == name]
    wall = sum(attempt.wall_seconds or 0.0 for attempt in soaked)
    if not events or not wall or _cpu(soaked) is not None:
        return None
    last = events[-1]
    late = last["seconds"] + last["held_up"]
    if late < max(LAG_MIN, LAG_SHARE * wall):
        return None
    return ScoringLag.model_validate(last)


def streaming(soaked: Sequence[Attempt]) -> StreamingFigures:
    """Return the time to first audio (s: p50, p95) over the chunks that told it, and what a listener would have missed.

    ``underruns``: pauses of more than 0.1 s because the next audio was late, over ``listened`` chunks; None where no
    chunk tells.
    """
    first = [attempt.ttfa for attempt in soaked if attempt.ttfa is not None]
    told = [attempt.noted.get("http") or attempt.noted.get("websocket") or StreamNote() for attempt in soaked]
    late = [count for note in told if (count := note.get("underruns")) is not None]
    gaps = [gap for note in told if (gap := note.get("longest_gap")) is not None]
    p50, p95 = (float(value) for value in np.quantile(first, [0.5, 0.95])) if first else (None, None)
    return StreamingFigures(
        ttfa=FirstAudio(p50=p50, p95=p95, chunks=len(first)),
        underruns=sum(late) if late else None,
        listened=len(late),
        longest_gap=max(gaps, default=None),
    )


def concurrent_throughput(run: Run, name: str, soaked: Sequence[Attempt]) -> LoadFigures:
    """Return what several clients got together: requests and audio seconds a second; None for a single session."""
    loads = [event.data for event in run.events("clients") if event.data.get("variant") == name]
    seconds = sum(one["seconds"] for one in loads)
    if not seconds:
        return LoadFigures()
    audio = sum(attempt.duration or 0.0 for attempt in soaked)
    requests = sum(one["requests"] for one in loads)
    return LoadFigures(
        clients=loads[-1]["clients"],
        requests_per_second=requests / seconds,
        audio_per_second=audio / seconds,
    )
