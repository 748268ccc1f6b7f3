"""What two models say of the next token, step by step, from their logits. Pure arithmetic, in nats."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import ArrayLike, NDArray

_ROWS = 256  # steps taken at once: bounds the memory of large vocabularies


@dataclass(frozen=True, slots=True)
class Steps:
    """One element a generated token, generation by generation; every array has shape (steps,).

    ``divergence`` is the Kullback-Leibler divergence of the variant's next-token distribution from the reference's,
    KL(reference || variant), over the whole vocabulary and before any sampler; ``surprise`` the negative logarithm of
    the probability that the variant gives to the token that was really spoken, ``surprise0`` that of the reference.
    """

    token: NDArray[np.int64]  # the id that was spoken
    position: NDArray[np.int64]  # within its generation, from 0
    group: NDArray[np.int64]  # index of the chunk
    divergence: NDArray[np.float64]
    surprise0: NDArray[np.float64]
    surprise: NDArray[np.float64]
    agree: NDArray[np.bool_]  # both find the same token most probable
    expected: NDArray[np.bool_]  # the variant finds the spoken token most probable

    def __len__(self) -> int:
        return len(self.token)

    def where(self, mask: NDArray[np.bool_]) -> Steps:
        """Return the steps that ``mask`` keeps."""
        return Steps(*(getattr(self, field.name)[mask] for field in fields(self)))


def log_softmax(logits: ArrayLike) -> NDArray[np.float64]:
    """Return the natural logarithms of probabilities, over the last axis, in double precision."""
    values = np.asarray(logits, np.float64)
    values = values - values.max(axis=-1, keepdims=True)
    logs: NDArray[np.float64] = values - np.log(np.exp(values).sum(axis=-1, keepdims=True))
    return logs


def steps_of_generation(reference: ArrayLike, variant: ArrayLike, spoken: ArrayLike, group: int = 0) -> Steps:
    """Return steps of one generation.

    ``reference`` and ``variant``: logits of the next token, shape (steps, vocabulary), row i before token i of
    ``spoken`` was known. Raises ValueError for shapes that do not fit or a value that is not finite.
    """
    first, second, tokens = np.asarray(reference), np.asarray(variant), np.asarray(spoken, np.int64)
    if first.shape != second.shape or first.ndim != 2 or tokens.shape != first.shape[:1]:
        raise ValueError(f"shapes do not fit: {first.shape}, {second.shape}, {tokens.shape}")
    if not (np.isfinite(first).all() and np.isfinite(second).all()):
        raise ValueError("a logit is not finite")
    parts = [
        _block(first[i : i + _ROWS], second[i : i + _ROWS], tokens[i : i + _ROWS]) for i in range(0, len(tokens), _ROWS)
    ]
    columns = [np.concatenate(column) for column in zip(*parts, strict=True)] if parts else [np.zeros(0)] * 5
    divergence, surprise0, surprise, agree, expected = columns
    place, of = np.arange(len(tokens)), np.full(len(tokens), group)
    return Steps(tokens, place, of, divergence, surprise0, surprise, agree.astype(bool), expected.astype(bool))


def _block(first: NDArray[np.float32], second: NDArray[np.float32], tokens: NDArray[np.int64]) -> tuple[NDArray[np.float64], ...]:  # fmt: skip # noqa: E501
    p, q = log_softmax(first), log_softmax(second)
    divergence = np.maximum((np.exp(p) * (p - q)).sum(axis=1), 0.0)  # rounding alone can make it negative
    rows = np.arange(len(tokens))
    best = q.argmax(axis=1)
    return divergence, -p[rows, tokens], -q[rows, tokens], p.argmax(axis=1) == best, best == tokens


def join_steps(parts: list[Steps]) -> Steps:
    """Return steps of several generations, one after the other."""
    return Steps(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Steps)))
