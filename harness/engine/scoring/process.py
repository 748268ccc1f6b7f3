"""What runs inside a scoring process: read a job, load its audio, run the scorers, send what they saw."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable
from multiprocessing.connection import Connection
from typing import Any, cast

from harness.audio import AudioError, read_audio
from harness.backends.guardian import die_with_parent
from harness.core.records import Measurement, Status
from harness.engine.scoring.job import ScoreJob
from harness.scorers import SCORERS, observe
from harness.scorers.base import Clip, Scorer
from harness.scorers.clip import SharedClip


def serve_scores() -> None:
    """Serve jobs from the pipe whose descriptor is the first argument, until it or the process of the second ends."""
    die_with_parent(int(sys.argv[2]))
    pipe = Connection(int(sys.argv[1]))
    options: dict[str, dict[str, Any]] = pipe.recv()
    ready: dict[str, Scorer] = {}
    refused: dict[str, str] = {}
    try:
        while True:
            job: ScoreJob = pipe.recv()
            began = time.process_time()
            wanted = job.scorers if job.scorers is not None else tuple(options)
            measurements = _score(job, [name for name in wanted if name in options], options, ready, refused)
            pipe.send((measurements, time.process_time() - began))
    except EOFError:
        return


def _score(
    job: ScoreJob,
    wanted: Iterable[str],
    options: dict[str, dict[str, Any]],
    ready: dict[str, Scorer],
    refused: dict[str, str],
) -> list[Measurement]:
    try:
        clip = _clip(job)
    except AudioError as error:  # a file that was stored and cannot be read: stated for each scorer, nothing dies
        return [Measurement(name, "", Status.ERROR, {}, f"its audio cannot be read: {error}"[:300]) for name in wanted]
    measurements: list[Measurement] = []
    for name in wanted:
        if name not in ready and name not in refused:
            try:
                scorer = cast("type[Any]", SCORERS.get(name))(**options[name])
                scorer.setup()
                ready[name] = scorer
            except Exception as error:  # a scorer that cannot start is an error on every attempt, not silence
                refused[name] = f"cannot start: {type(error).__name__}: {error}"[:300]
        if name in refused:
            measurements.append(Measurement(name, "", Status.ERROR, {}, refused[name]))
        else:
            measurements.append(observe(ready[name], clip))
    return measurements


def _clip(job: ScoreJob) -> Clip:
    samples, rate = None, None
    if job.audio is not None:
        audio = read_audio(job.audio)
        samples, rate = audio.samples, audio.sample_rate
    return SharedClip(
        chunk=job.chunk,
        attempt=job.attempt,
        samples=samples,
        sample_rate=rate,
        variant=job.variant,
        layout=job.layout,
        voice_embeddings=job.voice_embeddings,
    )


if __name__ == "__main__":
    serve_scores()
