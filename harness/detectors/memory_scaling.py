"""Memory scaling: long texts take more memory than their length explains."""

from typing import ClassVar

from harness.detectors._inject import backend
from harness.detectors._whole_run import WholeRunFault
from harness.detectors.base import Citation, Family


class MemoryScaling(WholeRunFault):
    name = "memory-scaling"
    title = "long texts take far more memory than their length explains"
    family = Family.PROCESS
    causes = ("an operator that unrolls its input (IM2COL)", "attention over everything at once")
    judged_by: ClassVar[str] = "suites/ladder (exponent of peak memory over length)"
    sources = (
        Citation(
            "27 tensors of 200 MB and more beyond 400 tokens", "https://github.com/Lourdle/cosyvoice.cpp/issues/4"
        ),
    )
    injectors = (
        backend("bloat", "megabytes", "MB at 100 words, growing with the square", (10.0, 100.0, 400.0), 100.0),
    )
