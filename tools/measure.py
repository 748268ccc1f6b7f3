"""Measure a command: wall clock, CPU and the peak memory of its whole process tree.

    python -m tools.measure pytest suites/stress -k q4_k_s --chunks 300

Memory is the proportional set size (shared pages counted once), sampled every 0.2 s; where the system does not tell it,
the resident set size, which counts shared pages once a process.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time

import psutil


def tree_bytes(root: psutil.Process) -> int:
    """Return memory of a process and all its descendants, in bytes."""
    total = 0
    for process in [root, *root.children(recursive=True)]:
        try:
            full = process.memory_full_info()
            total += getattr(full, "pss", 0) or full.rss
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return total


def main() -> int:
    """Run the command and print what it took; its exit code is handed on."""
    if len(sys.argv) < 2:
        print(__doc__)
        return 4
    began = time.monotonic()
    child = subprocess.Popen(sys.argv[1:])
    root, peak = psutil.Process(child.pid), 0
    while child.poll() is None:
        try:
            peak = max(peak, tree_bytes(root))
        except psutil.NoSuchProcess:
            break
        time.sleep(0.2)
    code = child.wait()
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(
        f"measured: {time.monotonic() - began:.1f} s wall, {usage.ru_utime + usage.ru_stime:.1f} s CPU, "
        f"{peak / 1e6:.0f} MB peak memory of the tree, exit code {code}; "
        f"{psutil.cpu_count()} cores, load {psutil.getloadavg()[0]:.1f} at the end"
    )
    return code


if __name__ == "__main__":
    sys.exit(main())
