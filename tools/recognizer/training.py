"""Training by wall time, with checkpoints that a later run takes up."""

from __future__ import annotations

import json
import math
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tools.recognizer.batches import Batches
from tools.recognizer.network import Recognizer
from tools.recognizer.objective import Batch, decoder_losses, encoder_losses

WEIGHTS = {"ctc": 0.5, "phone": 0.3, "frame_token": 0.3, "token": 1.0, "place": 0.3}
EARLY_WEIGHTS = {"ctc": 1.0, "phone": 0.6, "frame_token": 0.6, "token": 0.3, "place": 0.3}
MATRIX_RATE, OTHER_RATE = 2e-3, 2e-3


@dataclass(frozen=True, slots=True)
class Plan:
    """How long and how large; shares of the run's progress (0 to 1)."""

    minutes: float
    seconds_a_step: int = 128
    decoder_from: float = 0.10  # before it, the decoder learns in one step of four
    long_from: float = 0.9  # windows of 30 s
    decay_from: float = 0.5
    warm_up: int = 40
    compiled: bool = True
    device: str = "cpu"
    save_every_s: float = 120.0
    workers: int = 0  # processes that compose batches; 0: the training process itself


class Trainer:
    """Holds network, optimizers and progress; ``run`` trains until the plan's minutes are used."""

    def __init__(self, network: Recognizer, bank: Path, checkpoint: Path, plan: Plan) -> None:
        self.network, self.plan = network.to(plan.device), plan
        self._checkpoint = checkpoint
        matrices = [p for b in self._blocks() for p in b.parameters() if p.ndim == 2]
        chosen = {id(p) for p in matrices}
        others = [p for p in network.parameters() if id(p) not in chosen]
        muon = torch.optim.Muon(
            matrices, lr=MATRIX_RATE, momentum=0.95, weight_decay=0.02, adjust_lr_fn="match_rms_adamw"
        )
        adam = torch.optim.AdamW(others, lr=OTHER_RATE, betas=(0.9, 0.98), weight_decay=0.0)
        self._optimizers = [(muon, MATRIX_RATE), (adam, OTHER_RATE)]
        self._encode: Any = torch.compile(network.encode, dynamic=False) if plan.compiled else network.encode
        self._decode: Any = torch.compile(network.decode, dynamic=False) if plan.compiled else network.decode
        self.step, self.used_s, self.heard_s = 0, 0.0, 0.0
        if checkpoint.exists():
            self._resume()
        self._batches = Batches(
            bank,
            seconds=plan.seconds_a_step,
            long_from=plan.long_from,
            workers=plan.workers,
            seed=self.step,
        )

    def _blocks(self) -> list[Any]:
        return [*self.network.whisper.encoder.blocks, *self.network.whisper.decoder.blocks]

    def _resume(self) -> None:
        saved = torch.load(self._checkpoint, map_location=self.plan.device, weights_only=False)
        self.network.load_state_dict(saved["network"])
        for (optimizer, _), state in zip(self._optimizers, saved["optimizers"], strict=True):
            optimizer.load_state_dict(state)
        self.step, self.used_s, self.heard_s = saved["step"], saved["used_s"], saved["heard_s"]

    def save(self) -> None:
        """Write the checkpoint; a stopped run leaves the previous one whole."""
        state = {
            "network": self.network.state_dict(),
            "optimizers": [o.state_dict() for o, _ in self._optimizers],
            "step": self.step,
            "used_s": self.used_s,
            "heard_s": self.heard_s,
        }
        part = self._checkpoint.with_suffix(".part")
        torch.save(state, part)
        part.rename(self._checkpoint)

    def progress(self) -> float:
        """Share of the plan's minutes used, over all runs of this checkpoint."""
        return self.used_s / (self.plan.minutes * 60)

    def run(self) -> None:
        """Train. Prints one JSON line every 20 steps."""
        batches = iter(self._batches)
        sums: dict[str, list[float]] = defaultdict(list)
        last = saved = time.monotonic()
        while self.progress() < 1:
            self._batches.progress.value = self.progress()
            for name, value in self._one(next(batches)).items():
                sums[name].append(value)
            now = time.monotonic()
            # A step can last minutes while it compiles; that is not training.
            self.used_s += min(now - last, 60.0)
            last = now
            if self.step % 20 == 0:
                means = {name: round(float(np.mean(values)), 3) for name, values in sums.items()}
                print(json.dumps({"step": self.step, "min": round(self.used_s / 60, 1), **means}), flush=True)
                sums.clear()
            if now - saved > self.plan.save_every_s:
                self.save()
                saved = now
        self.save()

    def _one(self, batch: Batch) -> dict[str, float]:
        began, plan = time.monotonic(), self.plan
        batch = batch.to(plan.device)
        early = self.progress() < plan.decoder_from
        decoded = not early or self.step % 4 == 0
        rate = self._set_rate()
        with torch.autocast(plan.device, dtype=torch.bfloat16):
            states = self._encode(batch.mel, batch.offsets)
            losses: dict[str, Tensor] = encoder_losses(self.network, states, batch)
            if decoded:
                logits, weights = self._decode(batch.tokens, states, batch.text_offsets)
                losses |= decoder_losses(logits, weights, batch)
        parts = EARLY_WEIGHTS if early else WEIGHTS
        total = torch.stack([losses[name].float() * weight for name, weight in parts.items() if name in losses]).sum()
        total.backward()
        norm = torch.nn.utils.clip_grad_norm_(self.network.parameters(), 2.0)
        for optimizer, _ in self._optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        self.network.keep_spare()
        self.step += 1
        self.heard_s += batch.mel.shape[0] * batch.mel.shape[2] / 100
        figures = {name: float(value.detach()) for name, value in losses.items()}
        figures |= {"norm": float(norm), "rate": rate, "hours": self.heard_s / 3600}
        return figures | {"step_s": time.monotonic() - began}

    def _set_rate(self) -> float:
        plan, progress = self.plan, self.progress()
        rate = min(1.0, (self.step + 1) / plan.warm_up)
        if progress > plan.decay_from:
            rate *= max(0.02, 0.5 + 0.5 * math.cos(math.pi * (progress - plan.decay_from) / (1 - plan.decay_from)))
        for optimizer, base in self._optimizers:
            for group in optimizer.param_groups:
                group["lr"] = base * rate
        return rate
