"""The process that holds both models: token ids in, steps out. A native crash ends this process alone.

Called with the paths of two GGUF files, of the ids (``.npz``) and of the result (``.npz``). Exit code 2 with one line
on stderr when a model or the ids cannot be used.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.lib.npyio import NpzFile
from numpy.typing import NDArray

from harness.backends.llama_python import without_repacking
from harness.experiments.divergence.steps import Steps, join_steps, steps_of_generation

if TYPE_CHECKING:
    from llama_cpp import Llama


def load_for_logits(model: str, context: int) -> Llama:
    """Return the model, to give the logits of every token; one thread, so that the same file gives the same logits."""
    import llama_cpp

    with without_repacking(llama_cpp):
        return llama_cpp.Llama(
            model, n_ctx=context, n_threads=1, n_threads_batch=1, flash_attn=False, logits_all=True, verbose=False
        )


def logits(model: Llama, prompt: list[int], spoken: list[int]) -> NDArray[np.float32]:
    """Return the logits of every generated token, before it was known; shape (generated, vocabulary)."""
    model.reset()
    model.eval([*prompt, *spoken[:-1]])
    rows: NDArray[np.float32] = model.scores[len(prompt) - 1 : len(prompt) - 1 + len(spoken)]
    return rows


def generations(path: Path) -> Iterator[tuple[int, list[int], list[int]]]:
    """Yield (chunk, prompt, generated) of every generation."""
    stored: NpzFile
    with np.load(path) as stored:
        ids, sizes = stored["ids"], stored["sizes"]
    at = 0
    for group, asked, spoken in sizes.tolist():
        yield group, ids[at : at + asked].tolist(), ids[at + asked : at + asked + spoken].tolist()
        at += asked + spoken


def evaluate_generations(reference: str, variant: str, given: str, result: str) -> None:
    """Evaluate both models on every generation and write the steps."""
    todo = list(generations(Path(given)))
    context = max(len(prompt) + len(spoken) for _, prompt, spoken in todo)
    models = [load_for_logits(path, context) for path in (reference, variant)]
    sizes = [model.n_vocab() for model in models]
    highest = max(max(max(prompt), max(spoken)) for _, prompt, spoken in todo)
    if sizes[0] != sizes[1]:
        raise ValueError(f"the vocabularies differ: {sizes[0]} and {sizes[1]} tokens")
    if highest >= sizes[0]:
        raise ValueError(f"token {highest} is beyond the vocabulary of {sizes[0]}")
    first, second = models
    steps = join_steps(
        [
            steps_of_generation(logits(first, prompt, spoken), logits(second, prompt, spoken), spoken, group)
            for group, prompt, spoken in todo
        ]
    )
    np.savez(result, **{field.name: getattr(steps, field.name) for field in fields(Steps)})


if __name__ == "__main__":
    try:
        evaluate_generations(*sys.argv[1:])
    except (ValueError, OSError) as error:  # what llama_cpp raises for a file it cannot use, and what is checked above
        print(str(error).splitlines()[0], file=sys.stderr)
        sys.exit(2)
