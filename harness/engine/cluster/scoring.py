"""Scorers on the nodes of the cluster: the driver sends them each attempt's audio file and journals what they see."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import TYPE_CHECKING

from harness.core.errors import SoakError
from harness.core.records import Measurement, ScorerOptions
from harness.engine.cluster.actors import ScoringActor
from harness.engine.cluster.nodes import living_nodes
from harness.engine.cluster.worker import actor_options
from harness.engine.scoring.job import ScoreJob, ScoreResult
from harness.engine.scoring.scoring_process import STARTUP_SECONDS, time_limit

if TYPE_CHECKING:
    from ray.actor import ActorHandle

_ROOM = 60.0  # s for a node to start a process
_LOST = 120.0  # s without any node after which nothing can be scored
_TRIES = 2  # of a job whose scorers went away: once is the node's loss, twice is the job's doing


class ScoringLost(SoakError):
    """No node of the cluster is left that could score."""


class ClusterSeat:
    """One scorer process on some node. Use it from one thread, ``stop`` apart."""

    def __init__(self, ray: ModuleType, scorers: Mapping[str, ScorerOptions]) -> None:
        self._ray = ray
        self._scorers = {name: dict(options) for name, options in scorers.items()}
        self._actor: ActorHandle | None = None
        self._warm: set[str] = set()
        self._tries: dict[tuple[int, str], int] = {}
        self._stopped = False

    def _place(self) -> bool:
        """Have the scorers placed on a node, waiting some seconds for one; whether they are.

        Raises ScoringLost once the cluster has been without a node for two minutes.
        """
        from ray.exceptions import RayError

        if self._actor is not None:
            return True
        actor = self._ray.remote(ScoringActor).options(**actor_options({})).remote(self._scorers)
        asked = actor.ready.remote()
        try:
            if self._ray.wait([asked], timeout=_ROOM)[0] and self._ray.get(asked):
                self._actor, self._warm = actor, set()
                return True
        except RayError:  # its node went away meanwhile
            pass
        with contextlib.suppress(Exception):
            self._ray.kill(actor)
        self._wait_for_nodes()
        return False

    def warm(self) -> None:
        """Load nothing: where the scorers are placed depends on what the nodes do when the first job comes."""

    def score(self, job: ScoreJob, deliver: Callable[[ScoreResult], None]) -> ScoreJob | None:
        """Have a job done room by room, and deliver what each saw.

        Returns what is left where the scorers cannot be had now, or went away for the first time. Raises ScoringLost
        once no node is left.
        """
        rooms = list(job.rooms)
        for number, room in enumerate(rooms):
            if self._stopped:
                deliver(job.failed(room, "the run was ended"))
                continue
            if not self._place():
                return job.without(*rooms[:number])
            result = self._result(job, room, with_audio=number == 0)
            if result is None:
                return job.without(*rooms[:number])
            deliver(result)
            if self._actor is None:  # it went away, and the clip with it
                return job.without(*rooms[: number + 1])
        return None

    def _result(self, job: ScoreJob, room: str, *, with_audio: bool) -> ScoreResult | None:
        """Return what a room saw; None where the scorers went away for the first time."""
        from ray.exceptions import GetTimeoutError, RayActorError

        limit = time_limit(job) + (0.0 if room in self._warm else STARTUP_SECONDS)
        assert self._actor is not None  # _place() has
        try:
            audio = job.audio.read_bytes() if job.audio is not None and with_audio else None
            asked = self._actor.score.remote(job, room, audio, opens=with_audio)
            observations, cpu = self._ray.get(asked, timeout=limit)
        except OSError as error:
            return job.failed(room, f"its audio cannot be read: {error.strerror}")
        except GetTimeoutError:
            self.stop(for_good=False)
            return job.failed(room, f"no answer within {limit:.0f} s")
        except RayActorError as error:
            self.stop(for_good=False)
            return self._gone(job, room, error)
        except Exception as error:  # what the scorers raised, or an answer that cannot be read
            return job.failed(room, f"scoring failed: {type(error).__name__}: {str(error).splitlines()[-1][:200]}")
        self._warm.add(room)
        measurements: tuple[Measurement, ...] = tuple(observations)
        return ScoreResult(room, job.attempt_id, measurements, cpu)

    def stop(self, *, for_good: bool = True) -> None:
        """End the scorers at once."""
        self._stopped |= for_good
        actor, self._actor = self._actor, None
        if actor is not None:
            with contextlib.suppress(Exception):  # it may be gone with its node
                self._ray.kill(actor)

    def _gone(self, job: ScoreJob, room: str, error: Exception) -> ScoreResult | None:
        key = (job.attempt_id, room)
        self._tries[key] = self._tries.get(key, 0) + 1
        if self._tries[key] < _TRIES:
            return None
        return job.failed(room, f"the scoring process died ({type(error).__name__})")

    def _wait_for_nodes(self) -> None:
        deadline = time.monotonic() + _LOST
        while not living_nodes(self._ray):
            if time.monotonic() > deadline:
                raise ScoringLost("no node of the cluster is left to score; go on with --resume")
            time.sleep(1.0)
