"""Crash: the backend died."""

from harness.core.records import Outcome
from harness.detectors._inject import backend
from harness.detectors._process import ProcessFault
from harness.detectors.base import Citation


class Crash(ProcessFault):
    name = "crash"
    title = "the backend died"
    causes = ("a signal or abort inside the program", "an input it cannot take", "out of memory")
    outcomes = (Outcome.CRASH,)
    sources = (Citation("aborts on long lines", "https://github.com/ggml-org/llama.cpp/issues/13712"),)
    injectors = (backend("crash"), backend("kill", name="kill"), backend("exit", name="exit"))
