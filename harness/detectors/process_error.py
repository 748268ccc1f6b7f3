"""ProcessError: the backend said no."""

from harness.core.records import Outcome
from harness.detectors._inject import backend
from harness.detectors._process import ProcessFault
from harness.detectors.base import Citation


class ProcessError(ProcessFault):
    name = "process-error"
    title = "the backend said no"
    causes = ("an exception or exit code", "an HTTP error", "an input it refuses")
    outcomes = (Outcome.ERROR,)
    sources = (Citation("errors under load", "https://github.com/vllm-project/vllm-omni/issues/1635"),)
    injectors = (backend("error"),)
