"""Fake streaming, in a real worker: a callable that streams its sound in pieces, and the same held back.

The first requests of the process, none of them struck, are the reference; pieces come a fixed time apart.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.backends.worker import Worker
from harness.faults import catalogue
from harness.injection import faulty
from harness.judge import Judge
from harness.sensitivity.trial import Answer, Tried
from harness.types import Attempt, Chunk, ReferenceRecord, Request, Variant, View

NAME = "fake-streaming"
PIECES, APART = 4, 0.2  # and seconds; the class asks for half a second a request
REFERENCES = 5
PROGRAM = """
import time
import numpy as np

def pieces(text):
    for number in range({pieces}):
        if number:
            time.sleep({apart})
        yield np.sin(np.arange(4000) / 10).astype(np.float32) * 0.3, 16000
"""


def trials(count: int, seed: int, judge: Judge) -> tuple[list[Tried], int, int]:
    """``count`` requests held back at the preset dose and as many not: trials, clean requests, alarms on those."""
    fault = catalogue()[NAME]
    (injector,) = fault.injectors
    label = injector.name or NAME
    struck = {f"c{i}" for i in range(REFERENCES, REFERENCES + 2 * count, 2)}
    tried: list[Tried] = []
    usual: list[float] = []
    clean = alarms = 0
    plan = [{"fault": NAME, "injector": label, "chunks": sorted(struck)}]
    for chunk, attempt in _spoken(plan, REFERENCES + 2 * count, seed):
        view = View(chunk, attempt, {}, ReferenceRecord(chunk.id, {NAME: tuple(usual)}))
        evidence = fault.evidence(view)
        if len(usual) < REFERENCES:
            assert evidence.value is not None, evidence.reason
            usual.append(evidence.value)
            continue
        found, unjudged = judge.findings(view, [evidence])
        if chunk.id in struck:
            answer = Answer.FOUND if found else Answer.NOT_JUDGED if unjudged else Answer.MISSED
            names = tuple(one.fault for one in found)
            tried.append(Tried(NAME, label, injector.preset, "streaming", answer, names))
        else:
            clean, alarms = clean + 1, alarms + bool(found)
    return tried, clean, alarms


def _spoken(plan: Sequence[Mapping[str, Any]], requests: int, seed: int) -> Iterator[tuple[Chunk, Attempt]]:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "streams.py").write_text(PROGRAM.format(pieces=PIECES, apart=APART), encoding="utf-8")
        settings = {"call": "streams:pieces", "arguments": {"text": "{text}"}, "path": [folder]}
        plain = Variant("streaming", "python", settings, progress_timeout=20.0)
        worker = Worker(faulty(plain, plan, seed=seed), Path(folder))
        worker.start()
        try:
            for place in range(requests):
                chunk = Chunk(f"c{place}", f"a man and a plan for the canal {place}")
                reply = worker.request(Request(chunk.id, chunk.text, place))
                times = {"ttfa": reply.ttfa, "wall_seconds": reply.wall_seconds}
                yield chunk, Attempt(0, 0, 0, chunk.id, plain.name, outcome=reply.outcome, **times)
        finally:
            worker.stop()
