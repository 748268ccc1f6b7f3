"""Batches for the trainer, composed in place or by worker processes, so that a GPU does not wait for one core."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from tools.recognizer.bank import Bank
from tools.recognizer.objective import Batch
from tools.recognizer.window import WHOLE, Composer

SHARES = {"slt": 0.32, "codec-slt": 0.28, "rms": 0.13, "codec-rms": 0.10, "kal16": 0.03, "espeak": 0.09}
SHORT = 800  # frames of a window for most of the training
LATE_SHORT = 0.2  # their share at the end
TOKENS_A_WINDOW = {SHORT: 72, WHOLE: 232}
PASS = 400  # batches of one composer before the bank is read again: new files may have come

# Strength of the augmentation over the training: little until the decoder has found its place, and less again at the
# end, when a network this small has to spend what it can hold on the voices it will hear.
DISTURBANCE = ((0.0, 0.45, 0.7, 1.0), (0.3, 1.0, 1.0, 0.3))


class Batches:
    """Endless batches on the CPU. ``progress`` (0 to 1) is the trainer's, seen by all workers."""

    def __init__(self, folder: Path, *, seconds: int, long_from: float, workers: int = 0, seed: int = 0) -> None:
        self._folder, self._seconds, self._long_from, self._seed = folder, seconds, long_from, seed
        self._workers = workers
        self.progress: Any = multiprocessing.Value("d", 0.0)

    def __iter__(self) -> Iterator[Batch]:
        if not self._workers:
            yield from self.composed(self._seed)
            return
        from torch.utils.data import DataLoader, IterableDataset, get_worker_info

        owner = self

        class Stream(IterableDataset):  # type: ignore[type-arg]
            def __iter__(self) -> Iterator[Batch]:
                info = get_worker_info()
                yield from owner.composed(owner._seed * 1000 + (info.id if info else 0))

        yield from DataLoader(Stream(), batch_size=None, num_workers=self._workers, prefetch_factor=4)

    def composed(self, seed: int) -> Iterator[Batch]:
        """The batches of one process."""
        rng = np.random.default_rng(seed)
        while True:
            composer = Composer(Bank(self._folder), SHARES, int(rng.integers(2**31)))
            for _ in range(PASS):
                progress = float(self.progress.value)
                frames = WHOLE if progress >= self._long_from and rng.random() >= LATE_SHORT else SHORT
                count = max(2, self._seconds * 100 // frames)
                strength = float(np.interp(progress, *DISTURBANCE))
                yield Batch.of([composer.window(frames, strength) for _ in range(count)], TOKENS_A_WINDOW[frames])
