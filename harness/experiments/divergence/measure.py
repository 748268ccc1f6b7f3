"""Feed one model's speech to another and see how far their expectations part.

Teacher forcing: every variant sees the reference's own tokens, so that a figure is of the arithmetic alone, with no
sampling in it and no difference carried on from an earlier token.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from harness.core.errors import SoakError, need_packages
from harness.core.paths import child_environment
from harness.experiments.divergence.figures import Divergence, Slot, summarise_divergence
from harness.experiments.divergence.steps import Steps

TIMEOUT = 1800.0  # s for one pair of models


class NotMeasured(SoakError):
    """The divergence of one pair of models could not be measured; the message says why in one line."""


@dataclass(frozen=True, slots=True)
class Generation:
    """What one generation was asked, and the ids it gave, the end token included where it came."""

    chunk_id: str
    prompt: tuple[int, ...]
    generated: tuple[int, ...]


def measure_divergence(
    reference: Path,
    variant: Path,
    generations: Sequence[Generation],
    slots: Sequence[Slot],
    *,
    seed: int = 0,
    timeout: float = TIMEOUT,
) -> Divergence:
    """Return divergence of the GGUF file ``variant`` from ``reference`` on these generations, in a process of its own.

    Raises MissingExtra without llama-cpp-python, and NotMeasured when there is nothing to feed, when a model cannot be
    loaded, when the vocabularies differ, or when the process crashes or takes longer than ``timeout`` (s).
    """
    usable = [one for one in generations if one.prompt and one.generated]
    if not usable:
        raise NotMeasured("there is no generation with a prompt and generated ids to feed")
    steps = evaluate(reference, variant, usable, timeout)
    try:
        return summarise_divergence(steps, slots, len(usable), seed=seed)
    except ValueError as error:
        raise NotMeasured(str(error)) from None


def evaluate(reference: Path, variant: Path, generations: Sequence[Generation], timeout: float = TIMEOUT) -> Steps:
    """Return the steps of all generations, in order; raises as :func:`measure` does."""
    need_packages("llama-cpp-python (the extra 'divergence')", "llama_cpp")
    chunks = {chunk: index for index, chunk in enumerate(dict.fromkeys(one.chunk_id for one in generations))}
    with tempfile.TemporaryDirectory(prefix="tts-soak-divergence-") as folder:
        given, result = Path(folder) / "ids.npz", Path(folder) / "steps.npz"
        save_ids(given, generations, [chunks[one.chunk_id] for one in generations])
        _run([str(reference), str(variant), str(given), str(result)], variant, timeout)
        with np.load(result) as stored:
            return Steps(*(stored[field.name] for field in fields(Steps)))


def save_ids(path: Path, generations: Sequence[Generation], groups: Iterable[int]) -> None:
    """Write what a child process feeds: all ids, and for each generation its group and the sizes of its two parts."""
    sizes = [[group, len(one.prompt), len(one.generated)] for group, one in zip(groups, generations, strict=False)]
    ids = [token for one in generations for token in (*one.prompt, *one.generated)]
    np.savez(path, ids=np.asarray(ids, np.int64), sizes=np.asarray(sizes, np.int64))


def _run(arguments: list[str], variant: Path, timeout: float) -> None:
    try:
        done = subprocess.run(
            [sys.executable, "-m", "harness.experiments.divergence.child", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=timeout,
            env=child_environment(OMP_NUM_THREADS="1"),
        )
    except subprocess.TimeoutExpired:
        raise NotMeasured(f"{variant.name}: the evaluation took longer than {timeout:g} s") from None
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise NotMeasured(f"{variant.name}: the evaluation {_ended(done.returncode)}{f': {said[-1]}' if said else ''}")


def _ended(code: int) -> str:
    if code > 0:
        return "failed" if code == 2 else f"ended with exit code {code}"
    try:
        return f"was ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"was ended by signal {-code}"
