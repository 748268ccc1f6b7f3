"""Points one attention head at the marker said last, where it stands in the prompt, to read the phone before it.

Training alone does not find this: what was said last nearly always tells the next phone as well, so no head looks a
marker up, and a voice that has slipped by one phone stays astray. The head is fitted to the network's own states and
training goes on from there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as functional
from torch import Tensor

from tools.voice.family import END, FIRST_MARKER, MARKERS, PHONE_SLOTS
from tools.voice.model import EPSILON, SpeechModel

LAYER = 2  # behind the layers that let a marker know the phone before it
SHARPNESS = 4.0  # gain of queries and of keys along the markers' own directions
FLAG = 14.0  # of the channel that keeps the head from looking at the output's own marker
STRENGTH = 3.0  # of what is read, beside the phone's embedding
RIDGE = 10.0
FIRST_PHONE = FIRST_MARKER + MARKERS


@dataclass(frozen=True, slots=True)
class Head:
    """Which head was pointed, and how well the phone before a marker could be read there, 0 to 1."""

    layer: int
    head: int
    read: float


@torch.no_grad()
def states(model: SpeechModel, tokens: Tensor, layer: int) -> Tensor:
    """What the attention of a layer reads, (batch, length, width), for token ids (batch, length)."""
    h = model.embedding(tokens)
    for block in model.blocks[:layer]:
        h = block(h, model.cos[: tokens.shape[1]], model.sin[: tokens.shape[1]])
    return functional.rms_norm(h, (model.shape.width,), model.blocks[layer].attention_norm, EPSILON)


def _ridge(x: Tensor, y: Tensor) -> Tensor:
    return torch.linalg.solve(x.T @ x + RIDGE * torch.eye(x.shape[1], device=x.device), x.T @ y)


def _positions(row: Tensor) -> tuple[Tensor, Tensor]:
    """Positions of the markers in the prompt that stand behind a phone, and of those in the output."""
    end = int((row == END).nonzero()[0])
    marker = ((row >= FIRST_MARKER) & (row < FIRST_PHONE)).nonzero().squeeze(1)
    behind = (row[marker - 1] >= FIRST_PHONE) & (row[marker - 1] < FIRST_PHONE + PHONE_SLOTS)
    return marker[(marker < end) & behind], marker[marker > end]


def _least_used(model: SpeechModel, x: Tensor, layer: int) -> int:
    block, width = model.blocks[layer], model.shape.width // model.shape.heads
    values = block.value(x)
    spans = [slice(h * width, (h + 1) * width) for h in range(model.shape.heads)]
    return int(torch.stack([(values[:, s] @ block.out.weight[:, s].T).norm(dim=1).mean() for s in spans]).argmin())


@torch.no_grad()
def point(model: SpeechModel, inputs: Sequence[Tensor], layer: int = LAYER) -> Head:
    """Rewrite the least used head of ``layer``. ``inputs``: token ids (batch, length) in the voice's format.

    Queries and keys: the principal directions of the markers' embeddings in the channels that do not turn, and one
    channel that is high for markers of the prompt. Values: a ridge regression from the state at a prompt marker to the
    embedding of the phone before it. A model of fewer layers has its last one pointed. Raises ValueError when the shape
    has no free pairs.
    """
    layer = min(layer, model.shape.layers - 1)
    if not model.shape.free_pairs:
        raise ValueError("a head can be pointed only where some of its channels do not turn (Shape.free_pairs)")
    rows = [(state, row) for batch in inputs for state, row in zip(states(model, batch, layer), batch, strict=True)]
    embedding = model.embedding.weight
    seen, before, everywhere, in_prompt, in_output = [], [], [], [], []
    for state, row in rows:
        asked, said = _positions(row)
        used = int((row != 0).sum())
        seen.append(state[asked])
        before.append(row[asked - 1])
        everywhere.append(state[1:used])
        key, query = torch.full((len(row),), -1.0), torch.zeros(len(row))
        key[asked.cpu()], query[said.cpu()] = 1.0, 1.0
        in_prompt.append(key[1:used])
        in_output.append(query[1:used])
    x, phones = torch.cat(seen), torch.cat(before)
    middle = embedding[phones.unique()].mean(0)
    probe = _ridge(x, embedding[phones] - middle)
    slots = embedding[FIRST_PHONE : FIRST_PHONE + PHONE_SLOTS] - middle
    right = ((x @ probe) @ slots.T).argmax(1) == phones - FIRST_PHONE
    every = torch.cat(everywhere)
    key_flag = _ridge(every, torch.cat(in_prompt).to(x.device))
    query_flag = _ridge(every, torch.cat(in_output).to(x.device))

    block, width = model.blocks[layer], model.shape.width // model.shape.heads
    head = _least_used(model, every, layer)
    span, still = slice(head * width, (head + 1) * width), 2 * model.shape.free_pairs
    u, s, v = torch.linalg.svd(probe)
    block.value.weight[span] = (u[:, :width] * s[:width].sqrt()).T
    block.out.weight[:, span] = STRENGTH * (v[:width].T * s[:width].sqrt())
    markers = embedding[FIRST_MARKER:FIRST_PHONE]
    directions = torch.linalg.svd(markers - markers.mean(0), full_matrices=False).Vh[: still - 1]
    looking = torch.zeros(width, model.shape.width, device=x.device)
    looking[width - still : width - 1] = SHARPNESS * directions
    for weight, flag in ((block.query.weight, query_flag), (block.key.weight, key_flag)):
        weight[span] = looking
        weight[span.stop - 1] = FLAG * flag
    return Head(layer, head, float(right.float().mean()))
