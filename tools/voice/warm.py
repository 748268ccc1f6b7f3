"""Starts a voice of several speakers from a finished voice of its first speaker.

Rows of the embedding move to their new ids. New rows start near their relatives: a marker near the marker one old ring
before it, a code of a new speaker near the codes that the first speaker uses at the same places of the same phones.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from harness.backends.voice.geometry import Geometry
from tools.voice.model import SpeechModel

SEQUENCES = 3000  # of each speaker, to see which codes stand where
NOISE = 0.4  # of a row's own spread, so that relatives can part
LAYERS = {
    "attn_q": "query", "attn_k": "key", "attn_v": "value", "attn_output": "out",
    "ffn_gate": "gate", "ffn_up": "up", "ffn_down": "down",
}  # fmt: skip


def _tensors(path: Path) -> dict[str, Tensor]:
    import gguf

    reader = gguf.GGUFReader(str(path))
    return {t.name: torch.from_numpy(np.array(t.data, np.float32)) for t in reader.tensors}


def _states(path: Path, geometry: Geometry, sequences: int) -> NDArray[np.intp]:
    """(frames, 4): phone x third of the phone, and the three codes, of the first sequences of an encoded speaker."""
    with np.load(path) as stored:
        tokens, starts, prompts = stored["tokens"], stored["starts"], stored["prompts"]
    rows: list[tuple[int, ...]] = []
    for begin, end, asked in zip(starts[:sequences], starts[1:], prompts, strict=False):
        prompt = tokens[begin : begin + asked]
        phones = prompt[np.isin(prompt, geometry.said_phones)] - geometry.phone_offset
        at, window = -1, []
        for token in [*tokens[begin + asked : end].tolist(), geometry.marker_offset]:
            if geometry.marker_offset <= token < geometry.marker_offset + geometry.markers:
                frames = [window[k : k + 3] for k in range(0, len(window) - 2, 3)]
                rows += [(int(phones[at]) * 3 + 3 * n // len(frames), *f) for n, f in enumerate(frames)]
                at, window = at + 1, []
            elif token != geometry.eos and token not in geometry.said_phones:
                window.append(token)
    return np.array(rows)


def _by_place(old: Tensor, first: NDArray[np.intp], other: NDArray[np.intp], was: slice, now: slice) -> Tensor:
    """Rows for the codes ``now`` of another speaker: the first speaker's rows, averaged over their places."""
    states = int(max(first[:, 0].max(), other[:, 0].max())) + 1
    counts = np.zeros((states, was.stop - was.start), np.float32)
    np.add.at(counts, (first[:, 0], first[:, 1] - was.start), 1)
    mean = torch.from_numpy(counts / np.maximum(counts.sum(1, keepdims=True), 1)) @ old
    places = np.full((now.stop - now.start, states), 1e-6, np.float32)
    np.add.at(places, (other[:, 1] - now.start, other[:, 0]), 1)
    return torch.from_numpy(places / places.sum(1, keepdims=True)) @ mean


def _noisy(rows: Tensor, chance: torch.Generator) -> Tensor:
    return rows + NOISE * rows.std(1, keepdim=True) * torch.randn(rows.shape, generator=chance)


def _embedding(old: Tensor, before: Geometry, after: Geometry, encoded: Sequence[Path], size: int) -> Tensor:
    chance = torch.Generator().manual_seed(0)
    out = torch.randn(size, old.shape[1], generator=chance) * 0.02
    out[: before.end + 1] = old[: before.end + 1]
    known_speaker = old[before.speaker_token(None)][None]
    for index, token in enumerate(after.speakers.values()):
        out[token] = known_speaker[0] if index == 0 else _noisy(known_speaker, chance)[0]
    ring = old[before.marker_offset : before.marker_offset + before.markers]
    for start in range(0, after.markers, before.markers):
        part = ring[: min(before.markers, after.markers - start)]
        begin = after.marker_offset + start
        out[begin : begin + len(part)] = part if start == 0 else _noisy(part, chance)
    count = len(before.phones)
    out[after.phone_offset : after.phone_offset + count] = old[before.phone_offset : before.phone_offset + count]
    states = [_states(path, after, SEQUENCES) for path in encoded]
    for index, (was, now) in enumerate(zip(before.codebooks, after.codebooks, strict=True)):
        rows = old[was.offset : was.offset + was.size]
        out[now.offset : now.offset + was.size] = rows
        for speaker in range(1, now.size // was.size):
            begin = now.offset + speaker * was.size
            places = [s[:, [0, 1 + index]] for s in (states[0], states[speaker])]
            spans = slice(now.offset, now.offset + was.size), slice(begin, begin + was.size)
            like = _by_place(rows, *places, *spans)
            out[begin : begin + was.size] = like + NOISE * rows.std() * torch.randn(like.shape, generator=chance)
    return out


def start(model: SpeechModel, path: Path, before: Geometry, after: Geometry, encoded: Sequence[Path]) -> None:
    """Fill ``model`` from the f16 GGUF of the earlier voice; ``encoded``: training data of each speaker.

    Raises KeyError when the shapes do not agree.
    """
    tensors = _tensors(path)
    state: dict[str, Any] = model.state_dict()
    old = tensors["token_embd.weight"]
    state["embedding.weight"] = _embedding(old, before, after, encoded, len(state["embedding.weight"]))
    state["norm"] = tensors["output_norm.weight"]
    for layer in range(model.shape.layers):
        for theirs, ours in LAYERS.items():
            state[f"blocks.{layer}.{ours}.weight"] = tensors[f"blk.{layer}.{theirs}.weight"]
        state[f"blocks.{layer}.attention_norm"] = tensors[f"blk.{layer}.attn_norm.weight"]
        state[f"blocks.{layer}.feed_norm"] = tensors[f"blk.{layer}.ffn_norm.weight"]
    model.load_state_dict(state)
