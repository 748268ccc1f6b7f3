"""The language model: a llama-shaped decoder in torch whose weights go into GGUF as they are."""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from tools.voice.family import Shape

EPSILON = 1e-5


FREE = 1e9  # what the frequency of a free pair is divided by: it turns by nothing within any context


def rope_factors(width: int, free: int) -> Tensor:
    """Return what each frequency of a head is divided by, (width / 2,); llama.cpp reads them from the file."""
    return torch.cat([torch.ones(width // 2 - free), torch.full((free,), FREE)])


def rotary(length: int, width: int, base: float, free: int = 0) -> tuple[Tensor, Tensor]:
    """Return cos and sin of the rotary embedding, (length, width / 2); the last ``free`` pairs stand still."""
    frequency = base ** (-torch.arange(0, width, 2).float() / width) / rope_factors(width, free)
    angle = torch.outer(torch.arange(length).float(), frequency)
    return angle.cos(), angle.sin()


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotate neighbouring pairs of channels, as llama.cpp does for arch "llama"."""
    pairs = x.unflatten(-1, (-1, 2))
    a, b = pairs[..., 0], pairs[..., 1]
    return torch.stack([a * cos - b * sin, a * sin + b * cos], -1).flatten(-2)


class Block(nn.Module):
    """Attention and gated feed-forward, each behind an RMS norm."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        width = shape.width
        self.heads = shape.heads
        self.attention_norm = nn.Parameter(torch.ones(width))
        self.feed_norm = nn.Parameter(torch.ones(width))
        self.query, self.key, self.value, self.out = (nn.Linear(width, width, bias=False) for _ in range(4))
        self.gate = nn.Linear(width, shape.feed_forward, bias=False)
        self.up = nn.Linear(width, shape.feed_forward, bias=False)
        self.down = nn.Linear(shape.feed_forward, width, bias=False)

    def matrices(self) -> list[nn.Parameter]:
        """Return the weights that Muon trains."""
        return [m.weight for m in (self.query, self.key, self.value, self.out, self.gate, self.up, self.down)]

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        batch, length, width = x.shape

        def split(y: Tensor) -> Tensor:
            return y.view(batch, length, self.heads, -1).transpose(1, 2)

        h = functional.rms_norm(x, (width,), self.attention_norm, EPSILON)
        value = split(self.value(h))
        query, key = (rotate(split(p(h)), cos, sin).to(value.dtype) for p in (self.query, self.key))
        mixed = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
        x = x + self.out(mixed.transpose(1, 2).reshape(batch, length, width))
        h = functional.rms_norm(x, (width,), self.feed_norm, EPSILON)
        return x + self.down(functional.silu(self.gate(h)) * self.up(h))


class SpeechModel(nn.Module):
    """Token ids (batch, length) to hidden states; logits share the embedding's weights."""

    def __init__(self, vocabulary: int, shape: Shape, longest: int) -> None:
        super().__init__()
        self.shape = shape
        self.embedding = nn.Embedding(vocabulary, shape.width)
        self.blocks = nn.ModuleList([Block(shape) for _ in range(shape.layers)])
        self.norm = nn.Parameter(torch.ones(shape.width))
        cos, sin = rotary(longest, shape.width // shape.heads, shape.rope_base, shape.free_pairs)
        self.register_buffer("cos", cos, persistent=False)
        self.register_buffer("sin", sin, persistent=False)
        nn.init.normal_(self.embedding.weight, std=0.02)
        for block in self.blocks:
            for weight in block.matrices():
                nn.init.normal_(weight, std=0.5 / math.sqrt(weight.shape[1]))
            nn.init.zeros_(block.out.weight)
            nn.init.zeros_(block.down.weight)

    def forward(self, tokens: Tensor) -> Tensor:
        """Return the hidden states (batch, length, width) after the last norm."""
        length = tokens.shape[1]
        h = self.embedding(tokens)
        cos: Any = self.cos[:length]
        sin: Any = self.sin[:length]
        for block in self.blocks:
            h = block(h, cos, sin)
        return functional.rms_norm(h, (self.shape.width,), self.norm, EPSILON)

    def logits(self, hidden: Tensor) -> Tensor:
        """Return scores of the next token."""
        return functional.linear(hidden, self.embedding.weight)
