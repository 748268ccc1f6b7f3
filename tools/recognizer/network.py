"""The network in training: Whisper's parameters by Whisper's names, a forward pass that compiles, auxiliary heads.

The auxiliary heads (characters by CTC, phones and tokens frame by frame) teach the encoder what is heard where; stock
Whisper ignores them.
"""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from whisper.model import ModelDimensions, Whisper, sinusoids

from tools.recognizer.vocabulary import CHARACTERS, PHONES, STAMP_STEP, vocabulary

HEADS = 3
FREQUENCIES = 32
SPARE = -1  # the embedding's last dimension: zero in training, at export it switches unused ids off


class Recognizer(nn.Module):
    """A small Whisper with its heads; ``whisper`` holds the parameters that are exported."""

    def __init__(self, width: int = 192, encoder_layers: int = 4, decoder_layers: int = 2) -> None:
        super().__init__()
        names = vocabulary()
        heads = max(1, width // 64)
        self.dims = ModelDimensions(
            80, 1500, width, heads, encoder_layers, len(names), 448, width, heads, decoder_layers
        )
        self.whisper = Whisper(self.dims)
        self.characters = nn.Linear(width, len(CHARACTERS) + 1)
        self.phones = nn.Linear(width, len(PHONES))
        self.frame_tokens = nn.Linear(width, names.text_size)
        self._start(width)

    @torch.no_grad()
    def _start(self, width: int) -> None:
        """Initial values: near-frame attention, and time stamps that look like the frames they name."""
        encoder, decoder, names = self.whisper.encoder, self.whisper.decoder, vocabulary()
        decoder.positional_embedding.copy_(sinusoids(448, width) * 0.1)
        decoder.token_embedding.weight.normal_(0, 0.06)
        frames = torch.arange(len(names) - names.first_stamp).mul(STAMP_STEP).clamp(max=1499)
        decoder.token_embedding.weight[names.first_stamp :] += sinusoids(1500, width)[frames] * 0.1
        encoder.conv2.weight.mul_(2)
        for block, shift in zip(encoder.blocks, (2, 3, 5, 8, 13, 21), strict=False):
            _look_at(block.attn, 0, -shift, 1.1)
            if width > 64:
                _look_at(block.attn, 1, shift, 1.1)
        for block in decoder.blocks:
            _look_at(block.attn, 0, -1, 1.4)
        self.keep_spare()

    @torch.no_grad()
    def keep_spare(self) -> None:
        """Keep the spare dimension out of the logits; call after every step."""
        decoder = self.whisper.decoder
        decoder.token_embedding.weight[:, SPARE] = 0
        decoder.ln.weight[SPARE] = 0
        decoder.ln.bias[SPARE] = 0

    def encode(self, mel: Tensor, offsets: Tensor) -> Tensor:
        """Normalized log-mel (batch, 80, frames) to states (batch, frames / 2, width), as Whisper's encoder does.

        ``offsets`` (batch,): the encoder frame each window begins at, in the 30 s it is taken to lie in.
        """
        encoder: Any = self.whisper.encoder
        x = F.gelu(F.conv1d(mel, encoder.conv1.weight, encoder.conv1.bias, padding=1))
        x = F.gelu(F.conv1d(x, encoder.conv2.weight, encoder.conv2.bias, stride=2, padding=1)).permute(0, 2, 1)
        places = offsets[:, None] + torch.arange(x.shape[1], device=x.device)
        x = x + F.embedding(places, encoder.positional_embedding)
        for block in encoder.blocks:
            x = x + _attend(block.attn, _norm(block.attn_ln, x), None)
            x = x + _mlp(block, x)
        return _norm(encoder.ln_post, x)

    def decode(self, tokens: Tensor, states: Tensor, offsets: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (batch, tokens, vocabulary) and the last layer's cross-attention (batch, heads, tokens, frames).

        ``offsets`` (batch,): text positions left out after the first token.
        """
        decoder: Any = self.whisper.decoder
        order = torch.arange(tokens.shape[1], device=tokens.device)
        places = (order + offsets[:, None] * (order > 0)).clamp(max=len(decoder.positional_embedding) - 1)
        x = F.embedding(tokens, decoder.token_embedding.weight) + F.embedding(places, decoder.positional_embedding)
        weights = states
        for block in decoder.blocks:
            x = x + _attend(block.attn, _norm(block.attn_ln, x), None, causal=True)
            attended, weights = _attend_openly(block.cross_attn, _norm(block.cross_attn_ln, x), states)
            x = x + attended
            x = x + _mlp(block, x)
        return _norm(decoder.ln, x) @ decoder.token_embedding.weight.T, weights


def _norm(layer: Any, x: Tensor) -> Tensor:
    return F.layer_norm(x, layer.normalized_shape, layer.weight, layer.bias, layer.eps)


def _linear(layer: Any, x: Tensor) -> Tensor:
    return F.linear(x, layer.weight, layer.bias)


def _split(x: Tensor, heads: int) -> Tensor:
    return x.unflatten(-1, (heads, -1)).transpose(1, 2)


def _attend(layer: Any, x: Tensor, source: Tensor | None, *, causal: bool = False) -> Tensor:
    source = x if source is None else source
    q = _split(_linear(layer.query, x), layer.n_head)
    k = _split(_linear(layer.key, source), layer.n_head)
    v = _split(_linear(layer.value, source), layer.n_head)
    mixed = F.scaled_dot_product_attention(q, k, v, is_causal=causal)
    return _linear(layer.out, mixed.transpose(1, 2).flatten(2))


def _attend_openly(layer: Any, x: Tensor, source: Tensor) -> tuple[Tensor, Tensor]:
    q = _split(_linear(layer.query, x), layer.n_head)
    k = _split(_linear(layer.key, source), layer.n_head)
    v = _split(_linear(layer.value, source), layer.n_head)
    weights = torch.softmax((q @ k.transpose(-1, -2)).float() * q.shape[-1] ** -0.5, dim=-1)
    return _linear(layer.out, (weights.to(v.dtype) @ v).transpose(1, 2).flatten(2)), weights


def _mlp(block: Any, x: Tensor) -> Tensor:
    hidden = F.gelu(_linear(block.mlp[0], _norm(block.mlp_ln, x)))
    return _linear(block.mlp[2], hidden)


def _look_at(layer: Any, head: int, shift: int, gain: float) -> None:
    """Let one head begin by looking ``shift`` positions away: a rotation of the sinusoidal position embedding."""
    half = layer.query.weight.shape[1] // 2
    rates = torch.exp(-math.log(10_000) / (half - 1) * torch.arange(half).float())
    q, k = layer.query.weight, layer.key.weight
    for i in range(min(FREQUENCIES, half)):
        row, angle = 64 * head + 2 * i, float(rates[i]) * shift
        if row + 1 >= q.shape[0]:
            return
        q[row : row + 2] *= 0.5
        k[row : row + 2] *= 0.5
        q[row, i] += gain * math.cos(angle)
        q[row, half + i] += gain * math.sin(angle)
        q[row + 1, half + i] += gain * math.cos(angle)
        q[row + 1, i] -= gain * math.sin(angle)
        k[row, i] += gain
        k[row + 1, half + i] += gain
