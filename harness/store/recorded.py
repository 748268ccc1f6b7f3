"""Sessions, worker runs and events of a run as they are read back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypedDict

from harness.core.records import Json, TokenLayout
from harness.core.records.answered import StoredCapabilities


class EventData(TypedDict, total=False):
    """What the events of a run carry; each kind has some of these keys."""

    variant: str
    reference: str
    reason: str
    why: str
    # of "load"
    stage: str
    others_share: float | None
    # of "clients" and "scoring behind"
    clients: int
    requests: int
    seconds: float
    jobs: int
    held_up: float
    # of a search for a cause
    question: str
    what: str
    value: float | None
    restored: list[str]
    # of a session that stopped early
    answer: str
    faulty: int
    judged: int
    null: float
    good: float
    bad: float
    alpha: float
    beta: float


@dataclass(frozen=True, slots=True)
class SessionRow:
    """One session as it was begun."""

    id: int
    variant: str
    arm: str
    chunk_ids: tuple[str, ...]
    details: Json
    started_utc: str


@dataclass(frozen=True, slots=True)
class EpochRow:
    """A stretch of a session with no restart; ``epoch`` counts from 0 in its session."""

    session: int
    epoch: int
    reason: str
    capabilities: StoredCapabilities
    started_utc: str

    @property
    def layout(self) -> TokenLayout | None:
        """Return the geometry of the speech tokens, where the worker told it."""
        stored = self.capabilities.get("layout")
        return TokenLayout.of(stored) if stored else None


@dataclass(frozen=True, slots=True)
class EventRow:
    """Something worth knowing that happened to the run."""

    id: int
    kind: str
    data: EventData
    utc: str
