"""Hang: the backend gave no sign of life in time."""

from harness.core.records import Outcome
from harness.detectors._inject import backend
from harness.detectors._process import ProcessFault
from harness.detectors.base import Citation


class Hang(ProcessFault):
    name = "hang"
    title = "the backend gave no sign of life in time"
    causes = ("generation without an end", "memory that swaps", "a deadlock")
    outcomes = (Outcome.HANG, Outcome.TIMEOUT)
    sources = (Citation("an hour of 'generating'", "https://github.com/jamiepine/voicebox/issues/923"),)
    injectors = (backend("hang"), backend("sleep", "seconds", "s", (1.0, 10.0, 100.0, 1000.0), 1000.0, "sleep"))
