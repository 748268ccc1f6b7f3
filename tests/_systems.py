"""Drive a stand-in through its preset and judge what comes: for the tests of the five systems of the reports."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.audio import write_wav
from harness.backends import ADAPTERS
from harness.backends.presets import read_preset
from harness.backends.worker import Reply, Worker
from harness.core.records import (
    Attempt,
    Chunk,
    DetectorInput,
    Measurement,
    ReferenceRecord,
    Request,
    TokenLayout,
    Variant,
    Verdict,
)
from harness.core.variants import load_variants
from harness.scorers import SCORERS, Clip, observe
from harness.scorers.clip import SharedClip
from harness.verdicts import Limits, VerdictPolicy

STANDINS = Path(__file__).parent / "standins"
TEXT = "The kettle is on and the lamp is lit before the evening comes."
LONG = " ".join([TEXT] * 4)  # some 13 s
needs_flite = pytest.mark.skipif(shutil.which("flite") is None, reason="flite is not installed (apt-get install flite)")


def program(folder: Path, script: str) -> str:
    """A program that runs a stand-in with the arguments it is given."""
    path = folder / script.removesuffix(".py")
    path.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{STANDINS / script}" "$@"\n')
    path.chmod(0o755)
    return str(path)


def variant(here: Path, preset: str, **given: str) -> Variant:
    """The only variant of a preset with these values, read from a file as a user has it."""
    write_wav(here / "reference.wav", np.zeros(24000, np.float32), 24000)
    for name in ("model.gguf", "prompt.gguf", "tokenizer.json"):
        (here / name).write_bytes(b"GGUF")
    path = here / f"{preset}.toml"
    path.write_text(read_preset(preset).filled(given), encoding="utf-8")
    (variants,) = load_variants(path)
    ADAPTERS.get(variants.adapter).check(variants)
    return variants


def speak(found: Variant, folder: Path, texts: Sequence[str], seed: int | None = 5) -> list[Reply]:
    """One living worker speaks the texts, restarted where it dies."""
    worker = Worker(found, folder / "work", progress_timeout=30.0)
    try:
        worker.start()
        replies = []
        for index, text in enumerate(texts):
            if not worker.alive:
                worker.restart()
            replies.append(worker.request(Request(f"c{index}", text, seed, found.voice)))
        return replies
    finally:
        worker.stop()


def layout_of(found: Variant) -> TokenLayout | None:
    """The geometry that the settings give."""
    tokens = found.settings.get("tokens")
    if tokens is None:
        return None
    return TokenLayout(tuple(tokens["codebook_sizes"]), tokens["frame_seconds"], tokens.get("cap"))


def seen(
    backend: Variant, reply: Reply, text: str, scorers: Sequence[str] = ("signal", "pitch", "tokens"), **more: Any
) -> DetectorInput:
    """An attempt with what these scorers observe in it."""
    record = Attempt(
        session=0, epoch=0, sequence=0, chunk_id="c", variant=backend.name, outcome=reply.outcome, detail=reply.detail,
        sample_rate=reply.sample_rate, tokens=reply.tokens, token_count=reply.token_count,
        finish_reason=reply.finish_reason, notes=dict(reply.notes),
        duration=None if reply.samples is None else len(reply.samples) / (reply.sample_rate or 1),
    )  # fmt: skip
    chunk, layout = Chunk("c", text), layout_of(backend)
    clip: Clip = SharedClip(chunk, record, reply.samples, reply.sample_rate, backend, layout)
    observations: dict[str, Measurement] = {}
    for name in scorers:
        kind: Any = SCORERS.get(name)
        scorer = kind()
        scorer.setup()
        observations[name] = observe(scorer, clip)
    return DetectorInput(chunk, record, observations, layout=layout, **more)


def judged(view: DetectorInput) -> Verdict:
    """The verdict by the catalogue's own limits, those of a voice that was never calibrated."""
    judge = VerdictPolicy(Limits.default())
    return judge.verdict(view, judge.evidence(view))


def names(verdict: Verdict) -> set[str]:
    """Faults that were found, those folded into another included."""
    folded = [word.strip(" ;") for f in verdict.findings for word in f.detail.partition("with it: ")[2].split(",")]
    return {finding.fault for finding in verdict.findings} | {word for word in folded if word}


def reference_of(view: DetectorInput) -> ReferenceRecord:
    """A reference that did on this text what ``view`` shows."""
    evidence = {e.fault: (e.value,) for e in VerdictPolicy(Limits.default()).evidence(view) if e.value is not None}
    return ReferenceRecord("c", evidence, durations=(view.attempt.duration or 0.0,))
