"""EmptyOutput: success was claimed and no audio came."""

from harness.core.records import Outcome
from harness.detectors._inject import backend
from harness.detectors._process import ProcessFault
from harness.detectors.base import Citation


class EmptyOutput(ProcessFault):
    name = "empty-output"
    title = "success was claimed and no audio came"
    causes = ("an exit code of 0 whatever happens", "seeking on a pipe", "a stop token at once")
    outcomes = (Outcome.NO_AUDIO,)
    sources = (Citation("a WAV of 44 bytes", "https://github.com/rhasspy/piper/issues/815"),)
    injectors = (backend("no-audio"), backend("no-frames", name="no-frames"))
