"""How a variant's chunks are divided into sessions: one, one a client, or one a shard."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from harness.core.records import Chunk, Variant
from harness.engine.plan import Plan


@dataclass(frozen=True)
class SessionPart:
    """The chunks of one session, in order; of a client (from 0), or of one shard (from 1) of several."""

    chunks: tuple[Chunk, ...]
    client: int | None = None
    shard: int | None = None
    shards: int = 1

    @property
    def details(self) -> dict[str, object]:
        """Return what tells it from the variant's other sessions in the journal."""
        if self.client is not None:
            return {"client": self.client}
        return {"shard": self.shard, "shards": self.shards} if self.shard is not None else {}

    @property
    def title(self) -> str:
        """Return what is added to the name of its stage, e.g. ``, shard 2 of 4``."""
        return f", shard {self.shard} of {self.shards}" if self.shard is not None else ""


def session_parts(plan: Plan, variant: Variant) -> list[SessionPart]:
    """Return the sessions of a variant: dealt out to clients in turn, or cut into shards of consecutive chunks.

    Shards differ in length by one chunk at most; there are no more of them than chunks.
    """
    chunks = plan.chunks(variant)
    if plan.clients > 1:
        return [SessionPart(chunks[number :: plan.clients], client=number) for number in range(plan.clients)]
    count = max(1, min(plan.shards, len(chunks)))
    if count == 1:
        return [SessionPart(chunks)]
    edges = [number * len(chunks) // count for number in range(count + 1)]
    return [
        SessionPart(chunks[first:last], shard=number, shards=count)
        for number, (first, last) in enumerate(itertools.pairwise(edges), 1)
    ]
