"""Response swap: the answer belongs to another request."""

from typing import ClassVar

from harness.detectors._inject import backend
from harness.detectors._whole_run import WholeRunFault
from harness.detectors.base import Citation, Family


class ResponseSwap(WholeRunFault):
    name = "response-swap"
    title = "the answer belongs to another request: the same bytes for different texts"
    family = Family.PROCESS
    causes = ("requests mixed up by concurrency", "a file of one name for all", "a cache whose key leaves out the text")
    judged_by: ClassVar[str] = (
        "claim 'distinct-texts' of suites/determinism; each such chunk of a soak is unintelligible or state-bleed"
    )
    sources = (
        Citation("the same bytes for different texts", "https://github.com/daswer123/xtts-api-server/issues/59"),
    )
    injectors = (backend("swap"),)
