"""Teacher phones and parameters to training sequences of token ids."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.audio import codec as runtime
from harness.backends.voice.geometry import Geometry
from harness.backends.voice.layout import prompt
from tools.voice import codec as fitting

ROW = 1 + runtime.CEPSTRA + len(runtime.BANDS_HZ) - 1
SHORTEST = 30  # steps of 5 ms
ROOM = 8  # tokens of the context kept free


@dataclass(frozen=True, slots=True)
class Utterance:
    """One line as the teacher said it."""

    phones: list[str]
    ends: NDArray[np.float64]  # s
    first: int  # row in the parameter file
    steps: int


def utterances(listing: Path) -> Iterator[Utterance]:
    """Read the teacher's phone listing."""
    for line in listing.read_text().splitlines():
        first, steps, *phones = line.split("\t")[0].split()
        pairs = [p.rsplit(":", 1) for p in phones]
        yield Utterance([p for p, _ in pairs], np.array([float(e) for _, e in pairs]), int(first), int(steps))


def parameter_rows(path: Path) -> NDArray[np.float32]:
    """Return the teacher's parameter file, mapped, shape (steps, 31)."""
    flat = np.memmap(path, dtype=np.float32, mode="r")
    return flat[: len(flat) // ROW * ROW].reshape(-1, ROW)


def sample_features(rows: NDArray[np.float32], frames: int, seed: int) -> tuple[Any, Any]:
    """Return features of about ``frames`` frames, in pieces of 20 spread over the file."""
    piece = 20 * runtime.STEPS
    pieces = len(rows) // piece
    starts = np.random.default_rng(seed).choice(pieces, min(pieces, max(1, frames // 20)), replace=False)
    return fitting.features(np.concatenate([rows[s * piece : (s + 1) * piece] for s in np.sort(starts)]))


def target(codes: NDArray[np.int32], ends: NDArray[np.float64], phones: Sequence[str], geometry: Geometry) -> list[int]:
    """Return the output tokens: of each phone its marker, itself and the frames whose centre lies in it; a last marker;
    EOS.

    A model that only counts markers learns to count: it then takes its place in the text from somewhere else, and skips
    and repeats. Saying the phone after its marker can only be learned by looking the marker up.
    """
    names = {name: geometry.phone_offset + i for i, name in enumerate(geometry.phones)}
    out: list[int] = []
    met = -1
    last = len(ends) - 1

    def mark() -> None:
        out.append(geometry.marker_offset + met % geometry.markers)
        if met <= last:
            out.append(names[phones[met]])

    for index, frame in enumerate(codes):
        phone = min(int(np.searchsorted(ends, (index + 0.5) * geometry.frame_seconds)), last)
        while met < phone:
            met += 1
            mark()
        out += [book.offset + int(code) for book, code in zip(geometry.codebooks, frame, strict=True)]
    while met <= last:
        met += 1
        mark()
    return [*out, geometry.eos]


def sequences(
    listing: Path, parameters: Path, speaker: str, codec: runtime.Codec, sizes: fitting.Sizes, geometry: Geometry
) -> Iterator[tuple[list[int], list[int]]]:
    """Yield (prompt, target) of every usable line of one speaker."""
    rows = parameter_rows(parameters)
    phones = set(geometry.phones)
    index = list(geometry.speakers).index(speaker)
    for spoken in utterances(listing):
        fits = spoken.steps >= SHORTEST and len(spoken.phones) < geometry.markers
        if not fits or not phones.issuperset(spoken.phones) or spoken.first + spoken.steps > len(rows):
            continue
        codes = fitting.encode(np.array(rows[spoken.first : spoken.first + spoken.steps]), codec, sizes, index)
        asked = prompt(spoken.phones, geometry.speaker_token(speaker), geometry)
        said = target(codes, spoken.ends, spoken.phones, geometry)
        if len(asked) + len(said) + ROOM <= geometry.context:
            yield asked, said


def write(pairs: Iterator[tuple[list[int], list[int]]], path: Path) -> int:
    """Store sequences flat: ``tokens`` int16, ``starts`` (n + 1), ``prompts`` (n). Returns their number."""
    tokens: list[NDArray[np.int16]] = []
    starts, prompts = [0], []
    for asked, said in pairs:
        tokens.append(np.array(asked + said, np.int16))
        starts.append(starts[-1] + len(tokens[-1]))
        prompts.append(len(asked))
    np.savez(path, tokens=np.concatenate(tokens), starts=np.array(starts), prompts=np.array(prompts))
    return len(prompts)
