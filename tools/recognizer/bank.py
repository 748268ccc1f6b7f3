"""Stored speech: un-normalized log-mel frames in raw files, with words, times and phones beside them."""

from __future__ import annotations

import functools
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

MELS = 80
FRAMES_A_SECOND = 100


@dataclass(slots=True)
class Entry:
    """One utterance of a bank; times in frames of 10 ms. ``phones`` is empty where the teacher gives none."""

    first: int
    frames: int
    source: str
    words: list[str]
    times: list[tuple[int, int]]
    phones: list[tuple[str, int]]


class Bank:
    """All utterances of the given files, the log-mels as memory maps (frames x 80, float16, log10 power)."""

    def __init__(self, folder: Path, names: str = "speech-*") -> None:
        self.entries: list[Entry] = []
        self._maps: list[np.ndarray] = []
        self._map_of: list[int] = []
        for path in sorted(folder.glob(f"{names}.jsonl")):
            frames = np.memmap(path.with_suffix(".mel"), np.float16, "r").reshape(-1, MELS)
            entries = [Entry(**json.loads(line)) for line in path.read_text().splitlines()]
            self._map_of += [len(self._maps)] * len(entries)
            self._maps.append(frames)
            self.entries += entries

    def mel(self, index: int, start: int = 0, end: int | None = None) -> np.ndarray:
        """Frames ``start`` to ``end`` of one utterance, float32."""
        entry = self.entries[index]
        end = entry.frames if end is None else min(end, entry.frames)
        return self._maps[self._map_of[index]][entry.first + start : entry.first + end].astype(np.float32)

    def hours(self) -> float:
        """Hours of speech in the bank."""
        return sum(e.frames for e in self.entries) / FRAMES_A_SECOND / 3600


class Writer:
    """Writes one bank file; it appears under its name only when complete."""

    def __init__(self, folder: Path, name: str) -> None:
        self._path = folder / f"{name}.mel"
        self._open = (folder / f"{name}.mel.part").open("wb")
        self._entries: list[Entry] = []
        self.frames = 0

    def add(
        self,
        samples: np.ndarray,
        source: str,
        words: Sequence[str] = (),
        times: Sequence[tuple[float, float]] = (),
        phones: Sequence[tuple[str, float]] = (),
    ) -> None:
        """Add one utterance: samples at 16 kHz, times in seconds."""
        mel = log_mel(samples)
        scaled = [(round(a * FRAMES_A_SECOND), round(b * FRAMES_A_SECOND)) for a, b in times]
        ends = [(name, round(end * FRAMES_A_SECOND)) for name, end in phones]
        self._entries.append(Entry(self.frames, len(mel), source, list(words), scaled, ends))
        self._open.write(mel.tobytes())
        self.frames += len(mel)

    def close(self) -> None:
        """Finish the file."""
        self._open.close()
        Path(self._open.name).rename(self._path)
        self._path.with_suffix(".jsonl").write_text("".join(json.dumps(asdict(e)) + "\n" for e in self._entries))


@functools.cache
def _transform() -> tuple[object, object]:
    import torch
    from whisper.audio import mel_filters

    return mel_filters("cpu", MELS), torch.hann_window(400)


def log_mel(samples: np.ndarray) -> np.ndarray:
    """Whisper's log10 mel power before its normalization: frames of 10 ms x 80, float16."""
    import torch

    filters, window = _transform()
    wave = torch.from_numpy(np.ascontiguousarray(samples, np.float32))
    spectrum = torch.stft(wave, 400, 160, window=window, return_complex=True)[..., :-1].abs() ** 2
    return torch.clamp(filters @ spectrum, min=1e-10).log10().T.contiguous().numpy().astype(np.float16)
