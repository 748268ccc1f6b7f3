"""A real worker that is asked one text after another, with faults struck at known requests."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.backends.worker import Reply, Worker
from harness.core.records import Chunk, Request, Variant
from harness.experiments.injection import faulty

TEXT = "a man and a plan for the canal"


def replies(
    variant: Variant, plan: Sequence[Mapping[str, Any]], requests: int, seed: int
) -> Iterator[tuple[Chunk, Reply]]:
    """Yield chunks ``c0``, ``c1``, ... each with what came back, the faults of ``plan`` put in.

    The worker is started again where it died.
    """
    with tempfile.TemporaryDirectory() as folder:
        worker = Worker(faulty(variant, plan, seed=seed), Path(folder))
        worker.start()
        try:
            for place in range(requests):
                if not worker.alive:
                    worker.restart()
                chunk = Chunk(f"c{place}", f"{TEXT} {place}")
                yield chunk, worker.request(Request(chunk.id, chunk.text, place))
        finally:
            worker.stop()
