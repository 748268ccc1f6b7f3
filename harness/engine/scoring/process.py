"""What runs inside a scoring process: read a job, load its audio, run the scorers, send what they saw."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from multiprocessing.connection import Connection
from typing import Any, cast

from harness.audio import AudioError, read_audio
from harness.backends.guardian import die_with_parent
from harness.core.records import Measurement, Samples, Status
from harness.engine.scoring.job import ScoreJob
from harness.scorers import SCORERS, observe
from harness.scorers.base import Clip, Scorer
from harness.scorers.clip import SharedClip


class ScorerSet:
    """The scorers of one process: constructed and loaded when a job first asks for them, then kept."""

    def __init__(self, options: Mapping[str, Mapping[str, Any]]) -> None:
        self._options = options
        self._ready: dict[str, Scorer] = {}
        self._refused: dict[str, str] = {}

    def score(self, job: ScoreJob, samples: Samples | None, rate: int | None) -> list[Measurement]:
        """Run the scorers of a job on samples, float32, shape (n,), at ``rate`` Hz (None: there is no audio)."""
        clip = SharedClip(
            chunk=job.chunk,
            attempt=job.attempt,
            samples=samples,
            sample_rate=rate,
            variant=job.variant,
            layout=job.layout,
            voice_embeddings=job.voice_embeddings,
        )
        return [self._measurement(name, clip) for name in job.scorers if name in self._options]

    def score_file(self, job: ScoreJob) -> list[Measurement]:
        """Run the scorers of a job on the audio file that it names."""
        try:
            audio = read_audio(job.audio) if job.audio is not None else None
        except AudioError as error:  # a file that was stored and cannot be read: stated for each scorer, nothing dies
            return list(job.failed(f"its audio cannot be read: {error}"[:300]).observations)
        if audio is None:
            return self.score(job, None, None)
        return self.score(job, audio.samples, audio.sample_rate)

    def _measurement(self, name: str, clip: Clip) -> Measurement:
        if name not in self._ready and name not in self._refused:
            try:
                scorer = cast("type[Any]", SCORERS.get(name))(**self._options[name])
                scorer.setup()
                self._ready[name] = scorer
            except Exception as error:  # a scorer that cannot start is an error on every attempt, not silence
                self._refused[name] = f"cannot start: {type(error).__name__}: {error}"[:300]
        if name in self._refused:
            return Measurement(name, "", Status.ERROR, {}, self._refused[name])
        return observe(self._ready[name], clip)


def serve_scores() -> None:
    """Serve jobs from the pipe whose descriptor is the first argument, until it or the process of the second ends."""
    die_with_parent(int(sys.argv[2]))
    pipe = Connection(int(sys.argv[1]))
    try:
        scorers = ScorerSet(pipe.recv())
        while True:
            job: ScoreJob = pipe.recv()
            began = time.process_time()
            measurements = scorers.score_file(job)
            pipe.send((measurements, time.process_time() - began))
    except EOFError:
        return


if __name__ == "__main__":
    serve_scores()
