"""Graphics processors of the machine: which, how much memory, whose driver; as NVIDIA's own tool tells them."""

from __future__ import annotations

import subprocess
from functools import lru_cache

from harness.store.manifest import GpuProvenance

_ASKED = ("name", "memory.total", "memory.used", "driver_version")
_COMMAND = ("nvidia-smi", f"--query-gpu={','.join(_ASKED)}", "--format=csv,noheader,nounits")
_MIB = 1 << 20
_TIMEOUT = 20.0  # s; a driver that was asleep takes some


@lru_cache(maxsize=1)
def gpus() -> tuple[GpuProvenance, ...]:
    """Return each processor with ``name``, ``memory_bytes``, ``memory_used_bytes`` (now, by all programs) and
    ``driver``.

    Empty where the machine has none, or no tool that tells.
    """
    try:
        done = subprocess.run(_COMMAND, capture_output=True, text=True, timeout=_TIMEOUT, check=True)
    except (OSError, subprocess.SubprocessError):
        return ()
    return tuple(lines for line in done.stdout.splitlines() if (lines := read_line(line)) is not None)


def read_line(line: str) -> GpuProvenance | None:
    """Return one line of the tool's answer; None for a line that is none. Figures that it does not know are None."""
    cells = [cell.strip() for cell in line.split(",")]
    if len(cells) != len(_ASKED) or not cells[0]:
        return None
    return {
        "name": cells[0],
        "memory_bytes": _bytes(cells[1]),
        "memory_used_bytes": _bytes(cells[2]),
        "driver": cells[3],
    }


def _bytes(mebibytes: str) -> int | None:
    return int(mebibytes) * _MIB if mebibytes.isdigit() else None
