"""Trains the language model: Muon and AdamW, bf16, compiled, resumable from its checkpoint."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch._dynamo
import torch.nn.functional as functional
from torch import Tensor

from tools.voice.batches import IGNORED, Buckets, Sequences
from tools.voice.family import Shape
from tools.voice.model import SpeechModel
from tools.voice.pointer import point

EDGES = (192, 320, 512, 832, 1344, 1920, 2688)
WARM_UP = 60  # steps
DECAY_FROM = 0.45  # of the training
LONGEST_POINTED = 832  # tokens of the inputs that the pointed head is fitted on
POINTED_AT = 0.4  # of the training: by then a marker of the prompt knows the phone before it


@dataclass(frozen=True, slots=True)
class Plan:
    """How long and how hard. Ends at ``minutes`` of training or ``steps``, whichever comes first."""

    minutes: float
    steps: int = 10**9
    batch_tokens: int = 6144
    muon_rate: float = 2e-3
    adam_rate: float = 3e-3
    seed: int = 0
    threads: int = 1
    compiled: bool = True
    check_every: int = 200
    longest: int = EDGES[-1]  # tokens; longer inputs are left out
    until: float = float("inf")  # Unix time at which training must be over; shortens ``minutes``


class Trainer:
    """Model, optimizers and position in the training, as one thing that can be saved."""

    def __init__(self, vocabulary: int, shape: Shape, plan: Plan, device: str) -> None:
        torch.manual_seed(plan.seed)
        torch.set_num_threads(plan.threads)
        self.plan, self.device, self.shape, self.vocabulary = plan, device, shape, vocabulary
        self.model = SpeechModel(vocabulary, shape, EDGES[-1] + 1).to(device)
        matrices = [w for b in self.model.blocks for w in b.matrices()]
        shared = {id(w) for w in matrices}
        self.others = [p for p in self.model.parameters() if id(p) not in shared]
        self.muon = torch.optim.Muon(
            matrices, lr=plan.muon_rate, momentum=0.95, weight_decay=0.05, adjust_lr_fn="match_rms_adamw"
        )
        self.adam = torch.optim.AdamW(self.others, lr=plan.adam_rate, betas=(0.9, 0.97), weight_decay=0.0)
        self.step, self.seconds, self.tokens = 0, 0.0, 0
        self.pointed = False
        self._forward: Any = self.model
        if plan.compiled:
            torch._dynamo.config.recompile_limit = 64
            self._forward = torch.compile(self.model, dynamic=True)

    def progress(self) -> float:
        """Return 0 to 1: the larger of the shares of time and of steps."""
        left = self.plan.until - time.time()
        whole = min(self.plan.minutes * 60, self.seconds + max(left, 1e-6))
        return max(self.seconds / whole, self.step / self.plan.steps)

    def loss(self, inputs: Tensor, targets: Tensor, forward: Any = None) -> tuple[Tensor, Tensor]:
        """Return cross-entropy of every target token and the tokens."""
        with torch.autocast(self.device, dtype=torch.bfloat16):
            hidden = (forward or self._forward)(inputs.to(self.device))
        wanted = targets.to(self.device).reshape(-1)
        chosen = (wanted != IGNORED).nonzero().squeeze(1)
        with torch.autocast(self.device, dtype=torch.bfloat16):
            scores = self.model.logits(hidden.reshape(-1, hidden.shape[-1])[chosen])
        return functional.cross_entropy(scores.float(), wanted[chosen], reduction="none"), wanted[chosen]

    def train_step(self, inputs: Tensor, targets: Tensor, progress: float) -> float:
        """Return one update. Rate: warm-up, plateau, linear decay to 2%."""
        rate = min(1.0, (self.step + 1) / WARM_UP)
        if progress > DECAY_FROM:
            rate *= max(0.02, (1 - progress) / (1 - DECAY_FROM))
        for optimizer, base in ((self.muon, self.plan.muon_rate), (self.adam, self.plan.adam_rate)):
            for group in optimizer.param_groups:
                group["lr"] = base * rate
        losses, _ = self.loss(inputs, targets)
        mean = losses.mean()
        mean.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.others, 1.0)
        for optimizer in (self.muon, self.adam):
            optimizer.step()
            optimizer.zero_grad()
        self.step += 1
        self.tokens += inputs.numel()
        return float(mean.detach())

    @torch.no_grad()
    def validate(self, batches: Sequence[tuple[Tensor, Tensor]]) -> dict[str, float]:
        """Return mean loss over the held-out batches and of each length."""
        losses = {f"w{x.shape[1]}": self.loss(x, y, self.model)[0] for x, y in batches}
        out = {k: round(float(v.mean()), 3) for k, v in losses.items()}
        out["all"] = round(float(torch.cat(list(losses.values())).mean()), 4)
        return out

    def save(self, path: Path) -> None:
        """Write everything needed to go on, atomically."""
        state = {
            "model": self.model.state_dict(),
            "muon": self.muon.state_dict(),
            "adam": self.adam.state_dict(),
            "position": (self.step, self.seconds, self.tokens),
            "pointed": self.pointed,
            "shape": asdict(self.shape),
            "vocabulary": self.vocabulary,
        }
        torch.save(state, path.with_suffix(".part"))
        path.with_suffix(".part").replace(path)

    def resume(self, path: Path) -> None:
        """Go on from a checkpoint of the same shape."""
        state = torch.load(path, map_location=self.device, weights_only=True)
        self.model.load_state_dict(state["model"])
        self.muon.load_state_dict(state["muon"])
        self.adam.load_state_dict(state["adam"])
        self.step, self.seconds, self.tokens = state["position"]
        self.pointed = state["pointed"]


def run(trainer: Trainer, buckets: Buckets, checkpoint: Path, log: Path) -> dict[str, float]:
    """Train to the end of the plan; resumes when ``checkpoint`` exists. Returns the last validation."""
    if checkpoint.exists():
        trainer.resume(checkpoint)
    held_out = buckets.validation()
    recent: list[float] = []
    entry: dict[str, Any] = {}
    with log.open("a", encoding="utf-8") as out:
        while (progress := trainer.progress()) < 1:
            began = time.monotonic()
            if progress >= POINTED_AT and not trainer.pointed:
                print(point(trainer.model, [x for x, _ in held_out if x.shape[1] <= LONGEST_POINTED]), flush=True)
                trainer.pointed = True
            inputs, targets, _ = buckets.draw(progress)
            recent.append(trainer.train_step(inputs, targets, progress))
            trainer.seconds += time.monotonic() - began
            if trainer.step == 1 or trainer.step % trainer.plan.check_every == 0:
                entry = _check(trainer, held_out, recent, checkpoint)
                out.write(json.dumps(entry) + "\n")
                out.flush()
        entry = _check(trainer, held_out, recent, checkpoint)
        out.write(json.dumps(entry | {"final": True}) + "\n")
    return entry


def _check(trainer: Trainer, held_out: Any, recent: list[float], checkpoint: Path) -> dict[str, Any]:
    trainer.save(checkpoint)
    return {
        "step": trainer.step,
        "seconds": round(trainer.seconds),
        "million_positions": round(trainer.tokens / 1e6, 2),
        "train": round(float(np.mean(recent[-50:])), 3) if recent else None,
        **trainer.validate(held_out),
    }


def load_data(paths: Sequence[Path], markers: tuple[int, int], codes: tuple[int, int], plan: Plan) -> Buckets:
    """Return buckets over the encoded speakers. ``markers``: first id, count; ``codes``: first id, codes a frame."""
    data = Sequences(paths, *markers, *codes)
    edges = [e for e in EDGES if e <= plan.longest]
    return Buckets(data, edges, plan.batch_tokens, plan.seed, held_out=min(400, len(data.items) // 10))
