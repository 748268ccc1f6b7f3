"""Memory leak: every request leaves something behind."""

from typing import ClassVar

from harness.detectors._inject import backend
from harness.detectors._whole_run import WholeRunFault
from harness.detectors.base import Citation, Family


class MemoryLeak(WholeRunFault):
    name = "memory-leak"
    title = "the backend's memory grows from chunk to chunk"
    family = Family.PROCESS
    causes = ("caches that are never cleared", "graphs or tensors kept alive", "files kept open")
    judged_by: ClassVar[str] = "claim 'memory' of suites/stress (Theil-Sen slope after the warm-up)"
    sources = (Citation("0.35 to 12.2 GB in 25 runs", "https://github.com/jamiepine/voicebox/issues/923"),)
    injectors = (backend("leak", "megabytes", "MB a request", (1.0, 3.0, 10.0, 30.0, 100.0), 10.0),)
