"""The training objective: the next token, where it is heard, and what the encoder hears frame by frame."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from tools.recognizer.network import Recognizer
from tools.recognizer.vocabulary import vocabulary
from tools.recognizer.window import Window

TOLERANCE = 3  # encoder frames (60 ms) by which a head may look beside the token it is led to
SMOOTHING = 0.03


@dataclass(slots=True)
class Batch:
    """Windows of one length, padded to one number of tokens."""

    mel: Tensor  # (batch, 80, frames)
    tokens: Tensor  # (batch, tokens)
    targets: Tensor  # (batch, tokens), -100 where nothing is asked
    spans: Tensor  # (batch, tokens, 2) encoder frames, -1 where no place is known
    phones: Tensor  # (batch, frames / 2), -1 where unknown
    frame_tokens: Tensor
    offsets: Tensor  # (batch,) encoder frames
    text_offsets: Tensor  # (batch,) text positions
    characters: list[list[int]]

    @classmethod
    def of(cls, windows: list[Window], length: int) -> Batch:
        """Stack ``windows``, their tokens padded (or cut) to ``length``."""
        count = len(windows)
        tokens = np.full((count, length), vocabulary().eot)
        targets = np.full((count, length), -100)
        spans = np.full((count, length, 2), -1)
        for i, w in enumerate(windows):
            used = min(length, len(w.tokens))
            tokens[i, :used], targets[i, :used], spans[i, :used] = w.tokens[:used], w.targets[:used], w.spans[:used]
        mel = torch.from_numpy(np.stack([w.mel for w in windows])).transpose(1, 2).contiguous()
        made = [tokens, targets, spans, np.stack([w.phones for w in windows])]
        made.append(np.stack([w.frame_tokens for w in windows]))
        made += [np.array([w.offset // 2 for w in windows]), np.array([w.text_offset for w in windows])]
        moved = [torch.from_numpy(a).long() for a in made]
        return cls(mel, *moved, [w.characters for w in windows])

    def to(self, device: str) -> Batch:
        """The same batch on a device."""
        moved = {
            f.name: value.to(device) if isinstance(value := getattr(self, f.name), Tensor) else value
            for f in fields(self)
        }
        return Batch(**moved)


def encoder_losses(network: Recognizer, states: Tensor, batch: Batch) -> dict[str, Tensor]:
    """``ctc`` in nats a character; ``phone`` and ``frame_token`` in nats a frame with a known label."""
    logits = network.characters(states).float()
    said = [i for i, c in enumerate(batch.characters) if 0 < len(c) < states.shape[1]]
    losses = {"ctc": logits.sum() * 0.0}
    if said:
        lengths = torch.tensor([len(batch.characters[i]) for i in said])
        labels = torch.cat([torch.tensor(batch.characters[i]) for i in said])
        frames = torch.full((len(said),), logits.shape[1])
        scores = F.log_softmax(logits[said], -1).transpose(0, 1)
        losses["ctc"] = F.ctc_loss(
            scores, labels.to(scores.device), frames, lengths, reduction="sum", zero_infinity=True
        ) / int(lengths.sum())
    for name, head, labels in (
        ("phone", network.phones, batch.phones),
        ("frame_token", network.frame_tokens, batch.frame_tokens),
    ):
        known = labels >= 0
        losses[name] = F.cross_entropy(head(states[known]).float(), labels[known]) if known.any() else logits.sum() * 0
    return losses


def decoder_losses(logits: Tensor, weights: Tensor, batch: Batch) -> dict[str, Tensor]:
    """``token`` cross-entropy; ``place``: minus the log of the attention mass near the token, over the led heads."""
    flat, targets = logits.float().flatten(0, 1), batch.targets.flatten()
    token = F.cross_entropy(flat, targets, ignore_index=-100, label_smoothing=SMOOTHING)
    frames = torch.arange(weights.shape[-1], device=weights.device)
    near = (frames >= batch.spans[..., :1] - TOLERANCE) & (frames <= batch.spans[..., 1:] + TOLERANCE)
    led = batch.spans[..., 0] >= 0
    mass = (weights * near[:, None].to(weights.dtype)).sum(-1).transpose(1, 2)[led]
    with torch.no_grad():
        asked = targets >= 0
        right = (flat.argmax(-1) == targets)[asked].float().mean()
    return {"token": token, "place": -torch.log(mass.clamp(min=1e-5)).mean(), "right": right}
