"""BadWav: what came back is no readable audio."""

from harness.core.records import Outcome
from harness.detectors._inject import backend
from harness.detectors._process import ProcessFault
from harness.detectors.base import Citation


class BadWav(ProcessFault):
    name = "bad-wav"
    title = "what came back is no readable audio"
    causes = ("a header written before the data", "text where audio should be", "a truncated file")
    outcomes = (Outcome.BAD_AUDIO,)
    sources = (Citation("0xFFFFFFFF sizes in streamed headers", "https://github.com/remsky/Kokoro-FastAPI/issues/94"),)
    injectors = (backend("text-file"),)
