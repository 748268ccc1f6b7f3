"""EmptyOutput: success was claimed and no audio came."""

from harness.faults._inject import backend
from harness.faults._process import ProcessFault
from harness.faults.base import Citation
from harness.types import Outcome


class EmptyOutput(ProcessFault):
    name = "empty-output"
    title = "success was claimed and no audio came"
    causes = ("an exit code of 0 whatever happens", "seeking on a pipe", "a stop token at once")
    outcomes = (Outcome.NO_AUDIO,)
    sources = (Citation("a WAV of 44 bytes", "https://github.com/rhasspy/piper/issues/815"),)
    injectors = (backend("no-audio"), backend("no-frames", name="no-frames"))
