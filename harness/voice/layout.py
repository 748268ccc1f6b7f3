"""Phones to prompt tokens, generated tokens to codebook indices and word times (layer 1)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from harness.types import Tokens
from harness.voice.frontend import Segment
from harness.voice.geometry import Codebook, Geometry

MISSING = -1  # index of a code that was never generated, in a frame that was begun


class FrameLayout(Protocol):
    """What of a geometry is needed to take a generation apart."""

    @property
    def codebooks(self) -> tuple[Codebook, ...]: ...

    @property
    def eos(self) -> int: ...

    @property
    def marker_offset(self) -> int: ...

    @property
    def markers(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Reading:
    """What a generation holds once taken apart."""

    codes: Tokens  # (frames, codebooks); indices may lie outside of their codebook where the model erred
    malformed_tokens: int  # tokens out of order: wrong codebook, or no speech token at all
    markers: tuple[tuple[int, int], ...]  # (marker id modulo the count, frame it stands before)
    ended: bool  # the stop token was generated

    @property
    def speech_tokens(self) -> int:
        return int(np.count_nonzero(self.codes != MISSING))


def prompt(phones: Sequence[str], speaker: int, geometry: Geometry, start: int = 0) -> list[int]:
    """BOS, a marker before each phone, a last marker, END, the speaker. Raises ValueError on an unknown phone."""
    index = {p: i for i, p in enumerate(geometry.phones)}
    out = [geometry.bos]
    for position, phone in enumerate(phones):
        if phone not in index:
            raise ValueError(f"phone {phone!r} is not in the voice's set")
        out += [geometry.marker_offset + (start + position) % geometry.markers, geometry.phone_offset + index[phone]]
    return [*out, geometry.marker_offset + (start + len(phones)) % geometry.markers, geometry.end, speaker]


def read(generated: Iterable[int], geometry: FrameLayout) -> Reading:
    """Take generated token ids apart, keeping malformed frames visible.

    A code that was skipped is ``MISSING``; a token that is no code of the expected codebook and of no other either
    keeps its place as token id minus offset, which lies outside of the codebook.
    """
    frames: list[list[int]] = []
    current: list[int] = []
    markers: list[tuple[int, int]] = []
    malformed, ended = 0, False
    width = len(geometry.codebooks)
    last_marker = geometry.marker_offset + geometry.markers
    for token in generated:
        if token == geometry.eos:
            ended = True
            break
        if geometry.marker_offset <= token < last_marker:
            if current:
                frames.append(current + [MISSING] * (width - len(current)))
                current, malformed = [], malformed + 1
            markers.append((token - geometry.marker_offset, len(frames)))
            continue
        book = _codebook_of(token, geometry)
        expected = len(current)
        if book is not None and book != expected:
            malformed += 1
            if book < expected:
                frames.append(current + [MISSING] * (width - expected))
                current = []
            current += [MISSING] * (book - len(current))
        elif book is None:
            malformed += 1
        current.append(token - geometry.codebooks[len(current)].offset)
        if len(current) == width:
            frames.append(current)
            current = []
    if current:
        frames.append(current + [MISSING] * (width - len(current)))
        malformed += 1
    codes = np.array(frames, np.int32).reshape(-1, width)
    return Reading(codes, malformed, tuple(markers), ended)


def _codebook_of(token: int, geometry: FrameLayout) -> int | None:
    for index, book in enumerate(geometry.codebooks):
        if book.offset <= token < book.offset + book.size:
            return index
    return None


def marker_errors(reading: Reading, phones: int, geometry: Geometry, start: int = 0) -> tuple[int, int]:
    """(missing, extra): of the ``phones`` + 1 expected markers, those not met in order; and those met beyond them."""
    wanted = 0
    for marker, _ in reading.markers:
        if wanted <= phones and marker == (start + wanted) % geometry.markers:
            wanted += 1
    return phones + 1 - wanted, len(reading.markers) - wanted


def phone_ends(reading: Reading, phones: int, geometry: Geometry, start: int = 0) -> list[float] | None:
    """End time of each phone in seconds from the segment's first frame; None unless every marker came in order."""
    expected = [(start + i) % geometry.markers for i in range(phones + 1)]
    if [m for m, _ in reading.markers] != expected:
        return None
    return [round(frame * geometry.frame_seconds, 4) for _, frame in reading.markers[1:]]


def word_times(segment: Segment, ends: Sequence[float], offset: float = 0.0) -> list[tuple[str, float, float]]:
    """(word, start, end) in seconds from phone ends, to the frame."""
    return [
        (word, round(offset + ends[first - 1], 4), round(offset + ends[stop - 1], 4))
        for word, first, stop in segment.word_spans
    ]
