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
    """Return what the attention of a layer reads, (batch, length, width), for token ids (batch, length)."""
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


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the head is fitted on, (positions, width) each: states anywhere, states at the prompt's markers."""

    anywhere: Tensor
    at_markers: Tensor
    phones: Tensor  # (positions at the prompt's markers), the phone before each
    in_prompt: Tensor  # (positions anywhere), 1 at the markers of the prompt, else -1
    in_output: Tensor  # the same, 1 at the markers of the output, else 0


def _seen(model: SpeechModel, inputs: Sequence[Tensor], layer: int) -> _Seen:
    rows = [(state, row) for batch in inputs for state, row in zip(states(model, batch, layer), batch, strict=True)]
    anywhere, at_markers, phones, in_prompt, in_output = [], [], [], [], []
    for state, row in rows:
        asked, said = _positions(row)
        used = int((row != 0).sum())
        key, query = torch.full((len(row),), -1.0, device=row.device), torch.zeros(len(row), device=row.device)
        key[asked], query[said] = 1.0, 1.0
        anywhere.append(state[1:used])
        at_markers.append(state[asked])
        phones.append(row[asked - 1])
        in_prompt.append(key[1:used])
        in_output.append(query[1:used])
    return _Seen(*map(torch.cat, (anywhere, at_markers, phones, in_prompt, in_output)))


@torch.no_grad()
def point(model: SpeechModel, inputs: Sequence[Tensor], layer: int = LAYER) -> Head:
    """Rewrite the least used head of ``layer``. ``inputs``: token ids (batch, length) in the voice's format.

    Queries and keys: the principal directions of the markers' embeddings in the channels that do not turn, and one
    channel that is high for markers of the prompt. Values: a ridge regression from the state at a prompt marker to the
    embedding of the phone before it. A model of fewer layers has its last one pointed. Raises ValueError when the shape
    has no free pairs.
    """
    if not model.shape.free_pairs:
        raise ValueError("a head can be pointed only where some of its channels do not turn (Shape.free_pairs)")
    layer = min(layer, model.shape.layers - 1)
    attention = _seen(model, inputs, layer)
    block, width = model.blocks[layer], model.shape.width // model.shape.heads
    head = _least_used(model, attention.anywhere, layer)
    span = slice(head * width, (head + 1) * width)
    embedding = model.embedding.weight

    middle = embedding[attention.phones.unique()].mean(0)
    probe = _ridge(attention.at_markers, embedding[attention.phones] - middle)
    slots = embedding[FIRST_PHONE : FIRST_PHONE + PHONE_SLOTS] - middle
    right = ((attention.at_markers @ probe) @ slots.T).argmax(1) == attention.phones - FIRST_PHONE
    u, s, v = torch.linalg.svd(probe)
    block.value.weight[span] = (u[:, :width] * s[:width].sqrt()).T
    block.out.weight[:, span] = STRENGTH * (v[:width].T * s[:width].sqrt())

    still = 2 * model.shape.free_pairs
    markers = embedding[FIRST_MARKER:FIRST_PHONE]
    looking = torch.zeros(width, model.shape.width, device=embedding.device)
    directions = torch.linalg.svd(markers - markers.mean(0), full_matrices=False).Vh[: still - 1]
    looking[width - still : width - 1] = SHARPNESS * directions
    for weight, high in ((block.query.weight, attention.in_output), (block.key.weight, attention.in_prompt)):
        weight[span] = looking
        weight[span.stop - 1] = FLAG * _ridge(attention.anywhere, high)
    return Head(layer, head, float(right.float().mean()))
