"""The arms of the determinism suite: which probes, in which processes, after what."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from harness.backends import ADAPTERS
from harness.backends.base import Backend
from harness.core.errors import ConfigError, nearest
from harness.core.records import Attempt, Chunk, Outcome, TokenLayout, Variant, seed_for
from harness.engine.progress import Tick
from harness.engine.session import PlannedRequest
from harness.engine.soak import Soak
from harness.experiments.limits import suite_limits
from harness.experiments.stage import ExperimentRun

FRESH, FRESH_AGAIN, OTHER = "fresh", "fresh-again", "other"
AGAIN, LONGER, SHORTER = "again", "after-longer", "after-shorter"
RELOAD, THREADS, COMPANIONS, LONG = "after-reload", "threads", "companions", "long"
COMPARED = (FRESH_AGAIN, AGAIN, LONGER, SHORTER, RELOAD, THREADS, COMPANIONS, LONG)
LATER = (AGAIN, LONGER, SHORTER, LONG)  # what the verdict rests on: one process, one request at a time
OPTIONAL = ("reload", "threads", "companions", "long")


@dataclass(frozen=True)
class Setup:
    """The table ``[determinism]`` of the suite's limits file."""

    probes: int = 8
    checkpoints: tuple[int, ...] = (1, 50, 150, 300)  # chunks of the long session that are compared, counted from 1
    tie_max: float = 0.1  # total variation distance
    alpha: float = 0.01
    threads: int = 2
    companions: int = 1
    reload_every: int = 1  # other texts spoken before the reload
    noted: int = 20  # most probable tokens noted at every step
    arms: tuple[str, ...] = OPTIONAL  # beside the fresh processes and what comes after others, always spoken

    @classmethod
    def read(cls, table: Mapping[str, object]) -> Setup:
        """Read the settings of the suite. Raises ConfigError for an unknown key or arm."""
        setup = suite_limits(cls, {"determinism": table}, "determinism")
        for arm in setup.arms:
            if arm not in OPTIONAL:
                raise ConfigError(f"limits: determinism.arms: unknown arm {arm!r}{nearest(arm, OPTIONAL)}")
        return setup


@dataclass(frozen=True)
class Probe:
    """A text, what is spoken between, and where it stands in the long session if it is compared there."""

    chunk: Chunk
    longer: Chunk
    shorter: Chunk


def choose_probes(chunks: Sequence[Chunk], setup: Setup) -> tuple[list[Probe], list[Chunk]]:
    """Return probes with their companions, and the long session. Raises ConfigError for fewer than 4 chunks.

    Probes are the checkpoints of the long session (its last chunk, where it is shorter), then the shortest texts but
    one: a short text fits into one generation, where a cache can hold all of it, and the shortest of all is left to be
    the shorter text before it. Without a long session the short ones are all.
    """
    if len(chunks) < 4:
        raise ConfigError(f"determinism needs at least 4 chunks (a probe and others between), got {len(chunks)}")
    at = sorted({min(point, len(chunks)) - 1 for point in setup.checkpoints}) if "long" in setup.arms else []
    by_length = sorted(chunks, key=lambda chunk: len(chunk.text))
    most = max(1, min(setup.probes, len(chunks) - 2))
    chosen = list(dict.fromkeys([*(chunks[i] for i in at), *by_length[1:], by_length[0]]))[:most]
    chosen = sorted(chosen, key=lambda chunk: chunk.position)
    rest = [chunk for chunk in by_length if chunk not in chosen]
    probes = [Probe(c, rest[-1 - i % len(rest)], _shorter(c, by_length, i)) for i, c in enumerate(chosen)]
    compared = [chunks.index(chunk) for chunk in chosen if chunk in [chunks[i] for i in at]]
    return probes, list(chunks[: max(compared) + 1]) if compared else []


def _shorter(chunk: Chunk, by_length: Sequence[Chunk], index: int) -> Chunk:
    """Return a text shorter than the probe, another one for each; where there is none, the shortest of the others."""
    shorter = [other for other in by_length if len(other.text) < len(chunk.text)]
    return shorter[index % len(shorter)] if shorter else next(other for other in by_length if other is not chunk)


class ArmRunner:
    """Speaks every arm of one variant; ``missing`` says why an arm could not be spoken at all."""

    def __init__(self, stage: ExperimentRun, variant: Variant, setup: Setup) -> None:
        self._stage, self._variant, self._setup = stage, variant, setup
        self._soak = stage.soak(variant)
        adapter = ADAPTERS.get(variant.adapter)
        self._noting = {"logprobs": setup.noted} if "logprobs" in getattr(adapter, "OVERRIDES", ()) else {}
        self.missing: dict[str, str] = {}
        self._others = {
            THREADS: self._other(adapter, THREADS, "threads", setup.threads),
            COMPANIONS: self._other(adapter, COMPANIONS, "companions", setup.companions),
        }
        self._spoken: list[tuple[Attempt, Chunk, TokenLayout | None]] = []

    def speak(self, probes: Sequence[Probe], session: Sequence[Chunk]) -> None:
        """Speak every probe in every arm, then the long session; at last listen to what differs."""
        began = time.monotonic()
        for count, probe in enumerate(probes, 1):
            self._probe(probe)
            tick = Tick(self._variant.name, "probes", count, len(probes), seconds=time.monotonic() - began)
            self._stage.progress.tick(tick)
        if session:
            asked = {probe.chunk.id for probe in probes}
            self._apart(self._soak, LONG, [self._turn(c, LONG, noted=c.id in asked) for c in session], None)
        self._listen()

    def _probe(self, probe: Probe) -> None:
        self._apart(self._soak, FRESH, [self._turn(probe.chunk, FRESH)], probe)
        self._apart(self._soak, "history", self._history(probe), probe)
        if "reload" in self._setup.arms:
            every = max(1, self._setup.reload_every)
            reloading = self._stage.soak(replace(self._variant, reload_every=every))
            between = [(probe.shorter, probe.longer)[i % 2] for i in range(every)]
            turns = [self._turn(chunk, OTHER, take=i, noted=False) for i, chunk in enumerate(between)]
            self._apart(reloading, RELOAD, [*turns, self._turn(probe.chunk, RELOAD)], probe)
        else:
            self.missing.setdefault(RELOAD, "left out by the limits file")
        for arm, other in self._others.items():
            if other is not None:
                self._apart(self._stage.soak(other), arm, [self._turn(probe.chunk, arm)], probe)

    def _history(self, probe: Probe) -> list[PlannedRequest]:
        """Speak A, A, longer B, A, shorter B, A in one process; the first is a second fresh one."""
        return [
            self._turn(probe.chunk, FRESH_AGAIN),
            self._turn(probe.chunk, AGAIN),
            self._turn(probe.longer, OTHER, noted=False),
            self._turn(probe.chunk, LONGER),
            self._turn(probe.shorter, OTHER, take=1, noted=False),
            self._turn(probe.chunk, SHORTER),
        ]

    def _turn(self, chunk: Chunk, arm: str, take: int = 0, *, noted: bool = True) -> PlannedRequest:
        noting = self._noting if noted else {}
        return PlannedRequest(chunk, take=take, seed=seed_for(self._variant, chunk.id), overrides=noting, arm=arm)

    def _other(self, adapter: type[Backend], arm: str, name: str, value: int) -> Variant | None:
        """Return the variant with one setting changed; None with the reason noted where the adapter cannot."""
        knob = getattr(adapter, arm.upper(), None)
        if name not in self._setup.arms:
            self.missing[arm] = "left out by the limits file"
            return None
        if knob is None:
            self.missing[arm] = f"the adapter {self._variant.adapter!r} has no setting for {name}"
            return None
        other = replace(self._variant, settings={**self._variant.settings, knob: value})
        try:
            adapter.check(other)
        except ConfigError as error:
            self.missing[arm] = str(error)
            return None
        return other

    def _apart(self, soak: Soak, arm: str, turns: list[PlannedRequest], probe: Probe | None) -> None:
        details: dict[str, object] = {"probe": probe.chunk.id} if probe is not None else {}
        began = time.monotonic()
        for count, spoken in enumerate(soak.speak_apart(arm, turns, details), 1):
            if spoken[0].arm in (FRESH, *COMPARED):
                self._spoken.append(spoken)
            if probe is None:
                tick = Tick(self._variant.name, "long session", count, len(turns), seconds=time.monotonic() - began)
                self._stage.progress.tick(tick)

    def _listen(self) -> None:
        """Have the recognizer hear the renditions that differ from the fresh one, and that one: the others are it."""
        fresh = {a.chunk_id: (a, chunk, layout) for a, chunk, layout in self._spoken if a.arm == FRESH}
        heard: set[str] = set()
        for attempt, chunk, layout in self._spoken:
            if attempt.arm == FRESH or attempt.outcome is not Outcome.OK or chunk.id not in fresh:
                continue
            first = fresh[chunk.id]
            if attempt.audio_sha256 == first[0].audio_sha256:
                continue
            if chunk.id not in heard and first[0].outcome is Outcome.OK:
                heard.add(chunk.id)
                self._soak.submit(*first, None)
            self._soak.submit(attempt, chunk, layout, None)
            self._stage.assessor.collect()
        self._stage.assessor.drain()
