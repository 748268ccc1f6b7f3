"""Fake streaming: the server streams, and the first sound comes only when all of it is made."""

import numpy as np

from harness.core.records import DetectorInput, Relation
from harness.detectors._inject import backend
from harness.detectors.base import BaseFault, Citation, DetectorValue, Family, NotApplicable

LEAST_WALL = 0.5  # s; below this, first and last sample come together whatever the server does


class FakeStreaming(BaseFault):
    name = "fake-streaming"
    title = "nothing is heard until everything is made, though the answer is streamed"
    family = Family.TIMING
    causes = ("a proxy that buffers", "the whole utterance is made before the first byte", "one chunk for all")
    observes = ()
    unit = "share of the request's time until the first sample"
    relation = Relation.EXCESS
    default_margin = 0.4  # only against a reference: not every program promises to stream
    sources = (
        Citation("streaming answers that come in one piece", "https://github.com/vllm-project/vllm-omni/issues/1635"),
    )
    injectors = (backend("hold-back", "share", "share of the time", (0.5, 0.8, 1.0), 1.0),)

    def measure(self, view: DetectorInput) -> DetectorValue:
        first, wall = view.attempt.ttfa, view.attempt.wall_seconds
        if first is None or not wall:
            raise NotApplicable("the backend does not tell when the first sample came")
        if wall < LEAST_WALL:
            raise NotApplicable(f"the whole request took only {wall:.2f} s")
        share = float(np.clip(first / wall, 0.0, 1.0))
        return DetectorValue(share, None, f"first sample after {first:.2f} of {wall:.2f} s")
