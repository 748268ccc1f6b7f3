"""Whisper's text decoder under teacher forcing: the log-likelihood of a text, and of many edits of it, given the audio.

The edits of one text share all that comes before the edit, and nearly all that follows. So the text as written is read
once and kept (keys, values and the scores of every next token); an edit costs only its own few tokens, and all edits
are read in one pass, each behind a mask that shows it the text up to its own place and nothing of the others (as in
tree attention for speculative decoding, Miao et al. 2023). Log-likelihoods are in nats, over the whole vocabulary.
The decoder is float32, from the same file that CTranslate2 reads; the encoder's output comes from there too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from harness.scorers.weights.ctranslate2_file import ModelFile

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    Memory = list[tuple[Tensor, Tensor]]  # keys and values of each layer, shape (heads, positions, width)

AFTERWARDS = 5  # tokens behind an edit that it may still make likelier or less likely
MOST_ROWS = 256  # positions read in one pass: bounds the memory of their scores


@dataclass(frozen=True, slots=True)
class TokenEdit:
    """Tokens [start, stop) of a sequence replaced by ``tokens`` (which may be none)."""

    start: int
    stop: int
    tokens: tuple[int, ...]


class TeacherForcedDecoder:
    """The decoder of one Whisper model. Raises ConfigError for a file that holds none."""

    def __init__(self, model_file: Path) -> None:
        import torch

        stored = ModelFile.open(model_file)
        self._weights: dict[str, Tensor] = {
            name.removeprefix("decoder/"): torch.from_numpy(_floats(stored, name))
            for name in stored.variables
            if name.startswith("decoder/") and name.endswith(("weight", "bias", "gamma", "beta", "encodings"))
        }
        self._heads = int(stored.array("decoder/num_heads"))
        self._layers = sum(name.endswith("/ffn/linear_0/weight") for name in self._weights)
        self.most_tokens = int(self._weights["position_encodings/encodings"].shape[0])

    def read(self, encoded: NDArray[np.float32], tokens: Sequence[int]) -> TextReading:
        """Read ``tokens`` (prompt, text and end) beside the encoder's output of shape (frames, width)."""
        import torch

        with torch.inference_mode():
            states = torch.from_numpy(np.ascontiguousarray(encoded, np.float32))
            heard = [self._pair(self._linear(states, f"layer_{i}/attention/linear_1")) for i in range(self._layers)]
            rows = len(tokens) - 1
            mask = torch.ones(rows, rows, dtype=torch.bool).tril()
            hidden, memory = self.hidden(list(tokens[:-1]), list(range(rows)), mask, heard, None)
            return TextReading(self, tuple(tokens), heard, memory, self.scores(hidden))

    def hidden(
        self, tokens: list[int], positions: list[int], mask: Tensor, heard: Memory, memory: Memory | None
    ) -> tuple[Tensor, Memory]:
        """Return the last layer's states of ``tokens``, shape (rows, width), and the keys and values they leave.

        ``mask`` says which of the positions in ``memory`` and of the rows themselves each row sees.
        """
        import torch
        from torch.nn.functional import gelu

        x = self._weights["embeddings/weight"][tokens] + self._weights["position_encodings/encodings"][positions]
        left: Memory = []
        for i in range(self._layers):
            at = f"layer_{i}"
            query, key, value = self._linear(
                self._norm(x, f"{at}/self_attention/layer_norm"), f"{at}/self_attention/linear_0"
            ).chunk(3, -1)
            keys, values = self._split(key), self._split(value)
            left.append((keys, values))
            if memory is not None:
                keys, values = (torch.cat(parts, 1) for parts in zip(memory[i], (keys, values), strict=True))
            x = x + self._linear(self._attend(query, keys, values, mask), f"{at}/self_attention/linear_1")
            query = self._linear(self._norm(x, f"{at}/attention/layer_norm"), f"{at}/attention/linear_0")
            x = x + self._linear(self._attend(query, *heard[i], None), f"{at}/attention/linear_2")
            wide = gelu(self._linear(self._norm(x, f"{at}/ffn/layer_norm"), f"{at}/ffn/linear_0"))
            x = x + self._linear(wide, f"{at}/ffn/linear_1")
        return self._norm(x, "layer_norm"), left

    def scores(self, hidden: Tensor) -> Tensor:
        """Return the log-probability of every token next after each row, shape (rows, vocabulary)."""
        from torch.nn.functional import linear

        logits = linear(hidden, self._weights["embeddings/weight"])
        return logits.sub_(logits.logsumexp(-1, keepdim=True))  # in place: a copy would be 200 kB a row

    def _linear(self, x: Tensor, name: str) -> Tensor:
        from torch.nn.functional import linear

        return linear(x, self._weights[f"{name}/weight"], self._weights.get(f"{name}/bias"))

    def _norm(self, x: Tensor, name: str) -> Tensor:
        from torch.nn.functional import layer_norm

        return layer_norm(x, x.shape[-1:], self._weights[f"{name}/gamma"], self._weights[f"{name}/beta"])

    def _attend(self, query: Tensor, keys: Tensor, values: Tensor, mask: Tensor | None) -> Tensor:
        from torch.nn.functional import scaled_dot_product_attention

        mixed = scaled_dot_product_attention(self._split(query)[None], keys[None], values[None], attn_mask=mask)
        return mixed[0].transpose(0, 1).flatten(1)

    def _split(self, x: Tensor) -> Tensor:
        return x.view(x.shape[0], self._heads, -1).transpose(0, 1)

    def _pair(self, x: Tensor) -> tuple[Tensor, Tensor]:
        key, value = x.chunk(2, -1)
        return self._split(key), self._split(value)


@dataclass(frozen=True)
class TextReading:
    """One text read beside one clip. ``scores[k]``: log-probability of every token at place k + 1 of the sequence."""

    decoder: TeacherForcedDecoder
    tokens: tuple[int, ...]
    heard: Memory
    memory: Memory
    scores: Tensor

    def logprob(self, place: int, token: int | None = None) -> float:
        """Return the log-probability of ``token`` (by default the text's own) at a place, given what comes before."""
        return float(self.scores[place - 1, self.tokens[place] if token is None else token])

    def loss(self, start: int, stop: int) -> float:
        """Return minus the log-likelihood of tokens [start, stop)."""
        return -sum(self.logprob(place) for place in range(start, stop))

    def bound(self, edit: TokenEdit) -> float:
        """Return what an edit gains at most: all that it replaces and all behind it would have to become certain."""
        start, tokens, stop = self._different(edit)
        return self.loss(start, stop) + (self.logprob(start, tokens[0]) if tokens else 0.0)

    def gains(self, edits: Sequence[TokenEdit]) -> list[float]:
        """Return the log-likelihood ratio of each edit against the text as written, in nats: above 0 it fits better."""
        gains: list[float] = []
        batch: list[tuple[int, tuple[int, ...], int]] = []
        rows = 0
        for edit in edits:
            place = self._different(edit)
            if rows + len(place[1]) > MOST_ROWS:
                gains += self._read(batch)
                batch, rows = [], 0
            batch.append(place)
            rows += len(place[1])
        return gains + self._read(batch)

    def _different(self, edit: TokenEdit) -> tuple[int, tuple[int, ...], int]:
        """Return where an edited text begins to differ, its tokens from there on, and the end of what is compared."""
        stop = min(edit.stop + AFTERWARDS, len(self.tokens))
        tokens = (*edit.tokens, *self.tokens[edit.stop : stop])
        start = edit.start
        while tokens and start < stop and tokens[0] == self.tokens[start]:
            start, tokens = start + 1, tokens[1:]
        return start, tokens, stop

    def _read(self, batch: Sequence[tuple[int, tuple[int, ...], int]]) -> list[float]:
        import torch

        rows = [(number, start + k) for number, (start, tokens, _) in enumerate(batch) for k in range(len(tokens) - 1)]
        scores = None
        if rows:
            tokens = [token for _, own, _ in batch for token in own[:-1]]
            owner, place = (torch.tensor(column) for column in zip(*rows, strict=True))
            begun = torch.tensor([batch[number][0] for number, _ in rows])
            shared = torch.arange(len(self.tokens) - 1)[None] < begun[:, None]
            own = (owner[:, None] == owner[None]) & (place[:, None] >= place[None])
            with torch.inference_mode():
                hidden, _ = self.decoder.hidden(
                    tokens, place.tolist(), torch.cat([shared, own], 1), self.heard, self.memory
                )
                scores = self.decoder.scores(hidden)
        gains, row = [], 0
        for start, own_tokens, stop in batch:
            gain = self.loss(start, stop) + (self.logprob(start, own_tokens[0]) if own_tokens else 0.0)
            for token in own_tokens[1:]:
                gain += float(scores[row, token])  # type: ignore[index]
                row += 1
            gains.append(gain)
        return gains


def _floats(stored: ModelFile, name: str) -> NDArray[np.float32]:
    """Return an array as float32; what was stored as 8-bit integers has its scale beside it."""
    array = stored.array(name)
    if array.dtype == np.int8:
        scale = stored.array(f"{name}_scale").astype(np.float32)
        return np.ascontiguousarray(array.astype(np.float32) / scale.reshape(-1, *[1] * (array.ndim - 1)))
    return np.ascontiguousarray(array, np.float32)
