"""Fake streaming, in a real worker: a callable that streams its sound in pieces, and the same held back.

The first requests of the process, none of them struck, are the reference; pieces come a fixed time apart.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from harness.core.records import Attempt, DetectorInput, ReferenceRecord, Variant
from harness.detectors import catalogue
from harness.experiments.sensitivity.trial import InjectionTrial, TrialOutcome
from harness.verdicts import VerdictPolicy
from tools.sensitivity.living import replies

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


def trials(count: int, seed: int, judge: VerdictPolicy) -> tuple[list[InjectionTrial], int, int]:
    """Speak ``count`` requests held back at the preset dose and as many not: trials, clean requests, alarms on
    those.
    """
    fault = catalogue()[NAME]
    (injector,) = fault.injectors
    label = injector.name or NAME
    struck = {f"c{i}" for i in range(REFERENCES, REFERENCES + 2 * count, 2)}
    tried: list[InjectionTrial] = []
    usual: list[float] = []
    clean = alarms = 0
    plan = [{"fault": NAME, "injector": label, "chunks": sorted(struck)}]
    with tempfile.TemporaryDirectory() as folder:
        for chunk, reply in replies(_streaming(Path(folder)), plan, REFERENCES + 2 * count, seed):
            times = {"ttfa": reply.ttfa, "wall_seconds": reply.wall_seconds}
            attempt = Attempt(0, 0, 0, chunk.id, "streaming", outcome=reply.outcome, **times)
            view = DetectorInput(chunk, attempt, {}, ReferenceRecord(chunk.id, {NAME: tuple(usual)}))
            evidence = fault.evidence(view)
            if len(usual) < REFERENCES:
                assert evidence.value is not None, evidence.reason
                usual.append(evidence.value)
                continue
            findings, unjudged = judge.findings(view, [evidence])
            names = tuple(one.fault for one in findings)
            if chunk.id in struck:
                tried.append(
                    InjectionTrial(
                        NAME, label, injector.preset, "streaming", TrialOutcome.of(NAME, names, unjudged), names
                    )
                )
            else:
                clean, alarms = clean + 1, alarms + bool(names)
    return tried, clean, alarms


def _streaming(folder: Path) -> Variant:
    """Write a callable that streams into ``folder``."""
    (folder / "streams.py").write_text(PROGRAM.format(pieces=PIECES, apart=APART), encoding="utf-8")
    settings = {"call": "streams:pieces", "arguments": {"text": "{text}"}, "path": [str(folder)]}
    return Variant("streaming", "python", settings, progress_timeout=20.0)
