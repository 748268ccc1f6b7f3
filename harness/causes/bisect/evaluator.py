"""The process that holds the reference's expectations and evaluates one model file after the other against them.

Called with the reference's GGUF file, the ids (``.npz``, as for the divergence) and the speech slots as JSON. Each line
on stdin is the path of a model; each line on stdout is JSON: ``nats``, the mean KL(reference || model) over speech
tokens (null where a logit is not finite), or ``error``. A native crash ends this process alone.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.experiments.divergence.child import generations, load_for_logits, logits
from harness.experiments.divergence.steps import log_softmax

Todo = list[tuple[int, list[int], list[int]]]


def expectations(path: str, todo: Todo, speech: list[tuple[int, int]]) -> list[NDArray[np.float32]]:
    """Return the log-probabilities of the next token before every speech token, one array a generation."""
    context = max(len(prompt) + len(spoken) for _, prompt, spoken in todo)
    highest = max(max(max(prompt), max(spoken)) for _, prompt, spoken in todo)
    model = load_for_logits(path, context)
    try:
        if highest >= model.n_vocab():
            raise ValueError(f"token {highest} is beyond the vocabulary of {model.n_vocab()}")
        rows = []
        for _, prompt, spoken in todo:
            ids = np.asarray(spoken)
            chosen = np.zeros(len(ids), bool)
            for first, count in speech:
                chosen |= (ids >= first) & (ids < first + count)
            rows.append(log_softmax(logits(model, prompt, spoken)[chosen]).astype(np.float32))
        return rows
    finally:
        model.close()


def mean_divergence(reference: list[NDArray[np.float32]], other: list[NDArray[np.float32]]) -> float | None:
    """Return the mean KL(reference || other) in nats over all rows; None where it is not finite."""
    total, rows = 0.0, 0
    for p, q in zip(reference, other, strict=True):
        if p.shape != q.shape:
            raise ValueError(f"the vocabularies differ: {p.shape[-1]} and {q.shape[-1]} tokens")
        with np.errstate(invalid="ignore"):
            each = (np.exp(p, dtype=np.float64) * (p.astype(np.float64) - q)).sum(axis=1)
        total, rows = total + float(np.maximum(each, 0.0).sum()), rows + len(each)
    value = total / rows
    return value if np.isfinite(value) else None


def serve_models(reference: str, given: str, slots: str) -> None:
    """Evaluate the reference, say that it is ready, and answer every path."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what a library prints must not be taken for an answer
    todo: Todo = list(generations(Path(given)))
    speech = [(int(first), int(count)) for first, count in json.loads(slots)]
    base = expectations(reference, todo, speech)
    if not sum(map(len, base)):
        raise ValueError("none of the tokens is a speech token by the slots given")
    print(json.dumps({"steps": sum(map(len, base))}), file=answers)
    for line in sys.stdin:
        try:
            answer: dict[str, float | str | None] = {
                "nats": mean_divergence(base, expectations(line.rstrip("\n"), todo, speech))
            }
        except (ValueError, OSError) as error:
            answer = {"error": (str(error).splitlines() or [type(error).__name__])[0]}
        print(json.dumps(answer), file=answers)


if __name__ == "__main__":
    try:
        serve_models(*sys.argv[1:])
    except (ValueError, OSError) as error:  # what llama_cpp raises for a file it cannot use, and what is checked above
        print((str(error).splitlines() or [type(error).__name__])[0], file=sys.stderr)
        sys.exit(2)
