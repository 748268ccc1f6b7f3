"""Length buckets, marker rolling and the curriculum from short to long inputs."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

IGNORED = -100
# Shares of wrong phones, with their frames, in what the model is shown as already said; one drawn for each sequence.
# A model that may trust what it said finds its place by that, and once astray stays astray; this one needs the marker.
DISTURBED = (0.0, 0.0, 0.15, 0.3)
# Share of these shares over the training: none at the end, for what was really said does tell how to go on speaking.
CALM = ((0.5, 0.85), (1.0, 0.0))
# Share of sequences whose runs of phones are said in another order, at the start and at the end of training. What was
# said last then tells nothing of the next: without it, a model that has once slipped by a phone goes on from there,
# whatever its markers say. Few at the end, since a model that has seen too many forgets to count its markers.
SHUFFLED = (0.5, 0.05)
RUN = (1, 8)  # phones, shortest and longest


class Sequences:
    """Training sequences of all speakers, flat in memory."""

    def __init__(self, paths: Sequence[Path], first_marker: int, markers: int, first_code: int, codes: int) -> None:
        parts = [np.load(p) for p in paths]
        self._tokens = [p["tokens"] for p in parts]
        self._starts = [p["starts"] for p in parts]
        self._prompts = [p["prompts"] for p in parts]
        self.items = [(s, i) for s, part in enumerate(self._prompts) for i in range(len(part))]
        self._first, self._markers = first_marker, markers
        self._first_code, self._width = first_code, codes

    def length(self, item: tuple[int, int]) -> int:
        """Return tokens of one sequence."""
        s, i = item
        return int(self._starts[s][i + 1] - self._starts[s][i])

    def batch(
        self,
        items: Sequence[tuple[int, int]],
        width: int,
        rng: np.random.Generator,
        shuffled: float,
        disturbed: float = 1.0,
    ) -> tuple[Tensor, Tensor]:
        """Return inputs and targets (items, width). Markers are rolled by a random start; prompts are no target.

        ``shuffled``: share of the items, 0 to 1, whose runs of phones are said in another order. ``disturbed``: 0 to 1,
        how much of ``DISTURBED`` counts.
        """
        inputs = torch.zeros(len(items), width, dtype=torch.long)
        targets = torch.full((len(items), width), IGNORED)
        for row, (s, i) in enumerate(items):
            tokens = self._tokens[s][self._starts[s][i] : self._starts[s][i + 1]].astype(np.int64)
            marker = (tokens >= self._first) & (tokens < self._first + self._markers)
            shift = int(rng.integers(self._markers))
            tokens[marker] = self._first + (tokens[marker] - self._first + shift) % self._markers
            asked, last = int(self._prompts[s][i]), len(tokens) - 1
            unknown = self._shuffle(tokens[asked:], rng) if rng.random() < shuffled else np.zeros(0, np.int64)
            targets[row, asked - 1 : last] = torch.from_numpy(tokens[asked:])
            targets[row, asked - 1 + unknown] = IGNORED
            self._disturb(tokens[asked:], disturbed * float(rng.choice(DISTURBED)), rng)
            inputs[row, :last] = torch.from_numpy(tokens[:-1])
        return inputs, targets

    def _shuffle(self, said: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
        """In place: runs of phones in another order. Returns where a run begins: nobody can know which marker comes."""
        marker = np.flatnonzero((said >= self._first) & (said < self._first + self._markers))
        cuts = [0]
        while cuts[-1] < len(marker) - 1:
            cuts.append(min(len(marker) - 1, cuts[-1] + int(rng.integers(RUN[0], RUN[1] + 1))))
        edges = marker[cuts]
        runs = [said[a:b].copy() for a, b in pairwise(edges)]
        order = rng.permutation(len(runs))
        lengths = np.array([len(runs[k]) for k in order], np.int64)
        if len(runs):
            said[edges[0] : edges[-1]] = np.concatenate([runs[k] for k in order])
        begins = edges[0] + np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        follows = np.concatenate([[0], order + 1])  # the run that would have come
        comes = np.concatenate([order, [len(runs)]])
        return begins[follows != comes]

    def _disturb(self, said: NDArray[np.int64], share: float, rng: np.random.Generator) -> None:
        """In place: give a share of the phones another name and frames from elsewhere in the utterance."""
        first_phone = self._first + self._markers
        marker = (said >= self._first) & (said < first_phone)
        chosen = (rng.random(int(marker.sum()) + 1) < share)[np.cumsum(marker)]
        named = chosen & (said >= first_phone) & (said < self._first_code)
        said[named] = rng.integers(first_phone, self._first_code, int(named.sum()))
        codes = np.flatnonzero(said >= self._first_code)
        frames = said[codes].reshape(-1, self._width)
        wrong = chosen[codes[:: self._width]]
        frames[wrong] = frames[rng.integers(0, max(1, len(frames)), int(wrong.sum()))]
        said[codes] = frames.reshape(-1)


class Buckets:
    """Draws batches of about ``tokens`` positions; long inputs come in as training goes on."""

    def __init__(self, data: Sequences, edges: Sequence[int], tokens: int, seed: int, held_out: int) -> None:
        self._data, self._tokens = data, tokens
        self.edges = list(edges)
        self._rng = np.random.default_rng(seed)
        order = [data.items[i] for i in np.random.default_rng(0).permutation(len(data.items))]
        self.held_out = order[:held_out]
        self._of: dict[int, list[tuple[int, int]]] = {e: [] for e in edges}
        for item in order[held_out:]:
            edge = self._edge(item)
            if edge is not None:
                self._of[edge].append(item)
        self._at = dict.fromkeys(edges, 0)

    def _edge(self, item: tuple[int, int]) -> int | None:
        return next((e for e in self.edges if self._data.length(item) <= e + 1), None)

    def weights(self, progress: float) -> list[float]:
        """Return the share of each bucket: by its tokens, the longest held back until half of the training is done."""
        out = []
        for edge in self.edges:
            opened = min(1.0, max(0.0, (progress - 0.1) / 0.3)) if edge > 1100 else 1.0
            out.append(len(self._of[edge]) * edge * opened if len(self._of[edge]) >= self._tokens // edge else 0.0)
        return out

    def draw(self, progress: float) -> tuple[Tensor, Tensor, int]:
        """Return inputs, targets and the width of the bucket. ``progress`` runs from 0 to 1."""
        weights = np.array(self.weights(progress))
        edge = int(self._rng.choice(self.edges, p=weights / weights.sum()))
        pool, count = self._of[edge], max(1, self._tokens // edge)
        if self._at[edge] == 0 or self._at[edge] + count > len(pool):
            self._rng.shuffle(pool)  # type: ignore[arg-type]
            self._at[edge] = 0
        chosen = pool[self._at[edge] : self._at[edge] + count]
        self._at[edge] += count
        shuffled = SHUFFLED[0] + (SHUFFLED[1] - SHUFFLED[0]) * progress
        disturbed = float(np.interp(progress, *CALM))
        return *self._data.batch(chosen, edge, self._rng, shuffled, disturbed), edge

    def validation(self, seed: int = 1) -> list[tuple[Tensor, Tensor]]:
        """Return one batch a bucket of held-out sequences, always the same, in order and as they were said."""
        rng = np.random.default_rng(seed)
        out = []
        for edge in self.edges:
            chosen = [i for i in self.held_out if self._edge(i) == edge][: max(1, self._tokens // edge)]
            if chosen:
                chosen = (chosen * (self._tokens // edge + 1))[: max(1, self._tokens // edge)]
                out.append(self._data.batch(chosen, edge, rng, shuffled=0.0, disturbed=0.0))
        return out
