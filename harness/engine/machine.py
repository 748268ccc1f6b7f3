"""How busy the machine was with other work while a stage ran: what makes its timings valid or not."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator

import psutil

from harness.backends.meter import own_cpu
from harness.store import Run


@contextlib.contextmanager
def watched(run: Run, stage: str, variant: str) -> Iterator[None]:
    """Journal an event ``load`` about what happens inside, also when it fails.

    ``others_share``: CPU seconds used by other processes of the machine, as a share of all it had; ``load_1min``:
    load average at the end, None where the system has none.
    """
    cores = psutil.cpu_count() or 1
    began, busy, own = time.monotonic(), _busy(), own_cpu()
    try:
        yield
    finally:
        wall = max(time.monotonic() - began, 1e-3)
        others = max(_busy() - busy - (own_cpu() - own), 0.0) / (cores * wall)
        load = round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None
        run.record_event(
            "load",
            {
                "stage": stage,
                "variant": variant,
                "wall_seconds": round(wall, 3),
                "cores": cores,
                "others_share": round(min(others, 1.0), 4),
                "load_1min": load,
            },
        )


def _busy() -> float:
    """CPU seconds that the machine has spent on anything but waiting, since it started."""
    times = psutil.cpu_times()
    return float(sum(times[:]) - times.idle - getattr(times, "iowait", 0.0) - getattr(times, "guest", 0.0))
