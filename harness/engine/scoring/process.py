"""What runs inside a scoring process: read a job, load its audio, run the scorers, send what they saw."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from harness.audio import AudioError, read_audio
from harness.backends.guardian import die_with_parent
from harness.core.records import Measurement, ScorerOptions, Status
from harness.engine.scoring.job import ScoreJob
from harness.scorers import SCORERS, observe
from harness.scorers.base import Clip, Scorer
from harness.scorers.clip import SharedClip

_ASKED_LATER = frozenset({"second_opinion"})  # of faulty clips alone


@dataclass(frozen=True)
class OpenClip:
    """The one clip that all rooms of a job look at; without one, why it cannot be read."""

    clip: SharedClip | None
    unreadable: str = ""


class ScorerSet:
    """The scorers of one process: constructed and loaded when a job first asks for them, then kept."""

    def __init__(self, options: Mapping[str, ScorerOptions]) -> None:
        self._options = options
        self._ready: dict[str, Scorer] = {}
        self._refused: dict[str, str] = {}

    def load(self) -> None:
        """Load the scorers that every clip is shown to."""
        for name in self._options:
            if name not in _ASKED_LATER:
                self._scorer(name)

    def opened(self, job: ScoreJob, audio: Path | None) -> OpenClip:
        """Return the clip of a job with its audio decoded; all rooms of the job look at this one."""
        clip = SharedClip(job.chunk, job.attempt, None, None, job.variant, job.layout, job.voice_embeddings)
        if audio is not None:
            try:
                read = read_audio(audio)
            except AudioError as error:  # a file that was stored and cannot be read: stated for each scorer
                return OpenClip(None, f"its audio cannot be read: {error}"[:300])
            clip.samples, clip.sample_rate = read.samples, read.sample_rate
        return OpenClip(clip)

    def measured(self, job: ScoreJob, room: str, opened: OpenClip) -> list[Measurement]:
        """Run the scorers of one room on the clip of a job."""
        if opened.clip is None:
            return list(job.failed(room, opened.unreadable).observations)
        return [self._measurement(name, opened.clip) for name in job.rooms[room] if name in self._options]

    def _measurement(self, name: str, clip: Clip) -> Measurement:
        scorer = self._scorer(name)
        if scorer is None:
            return Measurement(name, "", Status.ERROR, {}, self._refused[name])
        return observe(scorer, clip)

    def _scorer(self, name: str) -> Scorer | None:
        """Return the scorer, loaded; None where it cannot start."""
        if name not in self._ready and name not in self._refused:
            try:
                scorer = SCORERS.get(name)(**self._options[name])
                scorer.setup()
                self._ready[name] = scorer
            except Exception as error:  # a scorer that cannot start is an error on every attempt, not silence
                self._refused[name] = f"cannot start: {type(error).__name__}: {error}"[:300]
        return self._ready.get(name)


def serve_scores() -> None:
    """Serve jobs from the pipe whose descriptor is the first argument, until it or the process of the second ends."""
    die_with_parent(int(sys.argv[2]))
    pipe = Connection(int(sys.argv[1]))
    try:
        scorers = ScorerSet(pipe.recv())
        scorers.load()
        while True:
            job: ScoreJob = pipe.recv()
            began = time.process_time()
            opened = scorers.opened(job, job.audio)
            for room in job.rooms:  # each room's as it comes: what kills the next one leaves it
                measurements = scorers.measured(job, room, opened)
                pipe.send((measurements, time.process_time() - began))
                began = time.process_time()
    except EOFError:
        return


if __name__ == "__main__":
    serve_scores()
