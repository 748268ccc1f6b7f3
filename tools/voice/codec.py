"""Fits the codec (residual k-means on the teacher's parameters) and encodes parameters as codes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.audio import codec as runtime

Floats = NDArray[np.float32]
POSTFILTER = 0.6  # docs/voice.md says what it does to word errors and opinion scores


@dataclass(frozen=True, slots=True)
class Sizes:
    """Entries of the codebooks. Stage 1 and prosody have a part for each speaker; stage 2 is shared."""

    stage1: int = 1024  # a speaker
    stage2: int = 1024
    prosody: int = 256  # a speaker
    speakers: int = 2

    def stage1_part(self, speaker: int) -> slice:
        """Return the stage-1 codes that belong to one speaker, so that a switch of voice shows in the tokens."""
        return slice(speaker * self.stage1, (speaker + 1) * self.stage1)

    def prosody_part(self, speaker: int) -> slice:
        """Return prosody codes of one speaker."""
        return slice(speaker * self.prosody, (speaker + 1) * self.prosody)


def cepstral_weight() -> Floats:
    """Return weight of each cepstrum in the distance: the level (c0) counts less than the shape."""
    weight = np.ones(runtime.CEPSTRA, np.float32)
    weight[0] = 0.6
    return weight


def features(rows: Floats) -> tuple[Floats, Floats]:
    """Convert teacher rows (steps, 31) to envelope (frames, 100) and prosody (frames, 9) features."""
    count = len(rows) // runtime.STEPS
    steps = rows[: count * runtime.STEPS].reshape(count, runtime.STEPS, -1)
    basis = runtime.dct_basis(runtime.STEPS, runtime.ENVELOPE_COEFFICIENTS)
    slow = runtime.dct_basis(runtime.STEPS, runtime.F0_COEFFICIENTS)
    envelope = np.einsum("kw,nwd->nkd", basis, steps[:, :, 1:26] * cepstral_weight()).reshape(count, -1)
    f0 = steps[:, :, 0]
    voiced = (f0 > runtime.LOWEST_F0).astype(np.float32)
    log_f0 = np.where(voiced > 0, np.log(np.maximum(f0, runtime.LOWEST_F0) / runtime.F0_REFERENCE), 0)
    mean = log_f0.sum(1, keepdims=True) / np.maximum(voiced.sum(1, keepdims=True), 1)
    log_f0 = np.where(voiced > 0, log_f0, mean)
    strengths = np.einsum("kw,nwd->nkd", slow[:1], steps[:, :, 26:31]).reshape(count, -1)
    prosody = np.concatenate(
        [
            np.einsum("kw,nw->nk", slow, log_f0) * runtime.F0_SCALE,
            np.einsum("kw,nw->nk", slow, voiced) * runtime.VOICING_SCALE,
            strengths * runtime.STRENGTH_SCALE,
        ],
        axis=1,
    )
    return envelope.astype(np.float32), prosody.astype(np.float32)


def _assign(points: Any, centres: Any, block: int = 32768) -> Any:
    import torch

    norm = (centres * centres).sum(1)
    return torch.cat([(norm - 2 * points[i : i + block] @ centres.T).argmin(1) for i in range(0, len(points), block)])


def _kmeans(points: Any, count: int, iterations: int, seed: int) -> Any:
    import torch

    chance = torch.Generator().manual_seed(seed)
    centres = points[torch.randperm(len(points), generator=chance)[:count].to(points.device)].clone()
    for _ in range(iterations):
        nearest = _assign(points, centres)
        members = torch.bincount(nearest, minlength=count).to(points.dtype)
        sums = torch.zeros_like(centres).index_add_(0, nearest, points)
        spare = points[torch.randint(0, len(points), (count,), generator=chance).to(points.device)]
        centres = torch.where(members[:, None] > 0, sums / members.clamp(min=1)[:, None], spare)
    return centres


def fit(
    features_of: Sequence[tuple[Floats, Floats]],
    sizes: Sizes,
    seed: int,
    device: str = "cpu",
    iterations: int = 15,
    first: runtime.Codec | None = None,
) -> runtime.Codec:
    """Return codebooks from (envelope, prosody) features of each speaker, a hundred thousand frames or more.

    ``first``: a codec of the first speaker alone whose codebooks are kept, so that a model trained on it can go on.
    """
    import torch

    mean = first.mean if first else np.concatenate([e for e, _ in features_of]).mean(0)
    stage1, prosody, residuals = [], [], []
    for index, (envelope, slow) in enumerate(features_of):
        points = torch.tensor(envelope - mean, device=device)
        kept = first if index == 0 else None
        centres = torch.tensor(kept.stage1) if kept else _kmeans(points, sizes.stage1, iterations, seed + index)
        centres = centres.to(device)
        stage1.append(centres)
        residuals.append(points - centres[_assign(points, centres)])
        of_prosody = torch.tensor(slow, device=device)
        prosody.append(
            torch.tensor(kept.prosody) if kept else _kmeans(of_prosody, sizes.prosody, iterations, seed + 10 + index)
        )
    stage2 = torch.tensor(first.stage2) if first else _kmeans(torch.cat(residuals), sizes.stage2, iterations, seed + 20)
    return runtime.Codec(
        mean,
        torch.cat([c.cpu() for c in stage1]).numpy(),
        stage2.cpu().numpy(),
        torch.cat([p.cpu() for p in prosody]).numpy(),
        cepstral_weight(),
        POSTFILTER,
    )


def encode(rows: Floats, codec: runtime.Codec, sizes: Sizes, speaker: int) -> NDArray[np.int32]:
    """Convert teacher rows (steps, 31) to codes (frames, 3), each stage by the nearest code of the speaker."""
    import torch

    envelope, prosody = features(rows)
    own, slow_own = sizes.stage1_part(speaker), sizes.prosody_part(speaker)
    residual = torch.from_numpy(envelope - codec.mean)
    first = torch.from_numpy(codec.stage1[own])
    stage1 = _assign(residual, first)
    stage2 = _assign(residual - first[stage1], torch.from_numpy(codec.stage2))
    slow = _assign(torch.from_numpy(prosody), torch.from_numpy(codec.prosody[slow_own]))
    return torch.stack([stage1 + own.start, stage2, slow + slow_own.start], 1).to(torch.int32).numpy()


def save(codec: runtime.Codec, path: Path) -> None:
    """Write ``codec.npz``, the file that ``harness.audio.codec.load_codec`` reads."""
    np.savez(
        path,
        mu=codec.mean,
        stage1=codec.stage1,
        stage2=codec.stage2,
        prosody=codec.prosody,
        cepstral_weight=codec.cepstral_weight,
        postfilter=np.float32(codec.postfilter),
    )
