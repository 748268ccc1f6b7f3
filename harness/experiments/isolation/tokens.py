"""Tokens that show a decoder: silence, one frame, random ones, codebooks out of order, codes off by one."""

from __future__ import annotations

import math
from itertools import pairwise, permutations

import numpy as np

from harness.core.records import Samples, TokenLayout, Tokens

SECONDS = 2.0  # of sound a probe stands for
MOST_ORDERS = 24


def valid(tokens: Tokens, layout: TokenLayout) -> Tokens:
    """Return the frames whose every code lies in its codebook."""
    sizes = np.array(layout.codebook_sizes)
    kept: Tokens = tokens[((tokens >= 0) & (tokens < sizes)).all(axis=1)]
    return kept


def probes(tokens: Tokens, samples: Samples, rate: int, layout: TokenLayout, seed: int) -> dict[str, Tokens]:
    """Probe tokens by name, made from what the reference decoder made of ``tokens`` (frames, codebooks).

    ``silence`` and ``one-token`` repeat the frame in which that sound is quietest and loudest: the codes are looked up,
    not believed. ``order`` is missing where there is one codebook only.
    """
    tokens = valid(tokens, layout)
    sizes = np.array(layout.codebook_sizes, np.int32)
    count = max(2, math.ceil(SECONDS / layout.frame_seconds))
    quietest, loudest = _extremes(len(tokens), samples, rate, layout)
    rng = np.random.default_rng(seed)
    by_kind = {
        "silence": np.tile(tokens[quietest], (count, 1)),
        "one-token": np.tile(tokens[loudest], (count, 1)),
        "random": np.stack([rng.integers(0, size, count) for size in sizes], axis=1),
        "offset": (tokens + 1) % sizes,
    }
    if len(sizes) > 1:
        by_kind["order"] = np.roll(tokens, 1, axis=1) % sizes
    return {name: np.asarray(tokens_of_kind, np.int32) for name, tokens_of_kind in by_kind.items()}


def _extremes(frames: int, samples: Samples, rate: int, layout: TokenLayout) -> tuple[int, int]:
    width = layout.frame_seconds * rate
    borders = [round(i * width) for i in range(frames + 1)]
    power = np.array(
        [float(np.mean(samples[a:b] ** 2)) if a < b <= len(samples) else np.nan for a, b in pairwise(borders)]
    )
    inner = slice(1, -1) if frames > 4 else slice(None)
    offset = 1 if frames > 4 else 0
    return int(np.nanargmin(power[inner])) + offset, int(np.nanargmax(power[inner])) + offset


def decoder_readings(tokens: Tokens, layout: TokenLayout) -> dict[str, Tokens]:
    """Return what a decoder might take the tokens for: each with the sentence that it would mean."""
    tokens = valid(tokens, layout)
    sizes = np.array(layout.codebook_sizes, np.int32)
    width = len(sizes)
    changed = {
        "it reads every code one too high": (tokens + 1) % sizes,
        "it reads every code one too low": (tokens - 1) % sizes,
    }
    for book in range(width if width > 1 else 0):
        for step, word in ((1, "high"), (-1, "low")):
            moved = tokens.copy()
            moved[:, book] = (moved[:, book] + step) % sizes[book]
            changed[f"it reads the codes of codebook {book + 1} one too {word}"] = moved
    orders = [order for order in permutations(range(width)) if order != tuple(range(width))]
    for order in orders if len(orders) <= MOST_ORDERS else _exchanges(width):
        statement = ", ".join(str(book + 1) for book in order)
        changed[f"it reads the codebooks in the order {statement}"] = tokens[:, list(order)] % sizes
    return {name: np.asarray(tokens_as_read, np.int32) for name, tokens_as_read in changed.items()}


def _exchanges(width: int) -> list[tuple[int, ...]]:
    """Orders with two neighbours exchanged, for voices with many codebooks."""
    exchanges = []
    for book in range(width - 1):
        order = list(range(width))
        order[book], order[book + 1] = order[book + 1], order[book]
        exchanges.append(tuple(order))
    return exchanges
