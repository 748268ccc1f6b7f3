"""Phones to prompt tokens, generated tokens to codebook indices and word times."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from rapidfuzz.distance import LCSseq

from harness.backends.voice.frontend import Segment
from harness.backends.voice.geometry import Codebook, Geometry
from harness.core.records import Tokens

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

    @property
    def said_phones(self) -> range: ...


@dataclass(frozen=True, slots=True)
class Reading:
    """What a generation holds once taken apart."""

    codes: Tokens  # (frames, codebooks); indices may lie outside of their codebook where the model erred
    malformed_tokens: int  # tokens out of order: wrong codebook, or no speech token at all
    markers: tuple[tuple[int, int], ...]  # (marker id modulo the count, frame it stands before)
    phones: tuple[int, ...]  # the phone said after each marker, its index; MISSING where there is none
    ended: bool  # the stop token was generated

    @property
    def met(self) -> list[tuple[int, int]]:
        """Return each marker with the phone said behind it."""
        return [(marker, phone) for (marker, _), phone in zip(self.markers, self.phones, strict=True)]

    @property
    def speech_tokens(self) -> int:
        return int(np.count_nonzero(self.codes != MISSING))


def prompt(phones: Sequence[str], speaker: int, geometry: Geometry, start: int = 0) -> list[int]:
    """Return BOS, a marker for each phone, a last marker, END, the speaker. Raises ValueError on an unknown phone.

    A marker stands before its phone; in a voice that says its phones behind it, where it can hold what it marks.
    """
    index = {p: i for i, p in enumerate(geometry.phones)}
    out = [geometry.bos]
    for position, phone in enumerate(phones):
        if phone not in index:
            raise ValueError(f"phone {phone!r} is not in the voice's set")
        pair = [geometry.marker_offset + (start + position) % geometry.markers, geometry.phone_offset + index[phone]]
        out += reversed(pair) if geometry.says_phones else pair
    return [*out, geometry.marker_offset + (start + len(phones)) % geometry.markers, geometry.end, speaker]


def parse_generated(generated: Iterable[int], geometry: FrameLayout) -> Reading:
    """Take generated token ids apart, keeping malformed frames visible.

    A code that was skipped is ``MISSING``; a token that is no code of the expected codebook and of no other either
    keeps its place as token id minus offset, which lies outside of the codebook. A phone belongs right after a marker,
    in a voice that says its phones; anywhere else it is a malformed token like any other.
    """
    parser, ended = _Parser(geometry), False
    for token in generated:
        if token == geometry.eos:
            ended = True
            break
        parser.take(token)
    return parser.reading(ended)


class _Parser:
    """Frames, markers and phones as they come; ``opens``: a marker was the last token, so that a phone may follow."""

    def __init__(self, geometry: FrameLayout) -> None:
        self._geometry, self._width = geometry, len(geometry.codebooks)
        self._frames: list[list[int]] = []
        self._current: list[int] = []
        self._markers: list[tuple[int, int]] = []
        self._phones: list[int] = []
        self._opens, self._malformed = False, 0

    def take(self, token: int) -> None:
        """Put a token where it belongs."""
        geometry = self._geometry
        opens, self._opens = self._opens, False
        if geometry.marker_offset <= token < geometry.marker_offset + geometry.markers:
            self._break_off()
            self._markers.append((token - geometry.marker_offset, len(self._frames)))
            self._phones.append(MISSING)
            self._opens = True
        elif opens and token in geometry.said_phones:
            self._phones[-1] = token - geometry.said_phones.start
        else:
            self._code(token)

    def reading(self, ended: bool) -> Reading:
        """Return what was taken apart; a frame that was begun is malformed."""
        self._break_off()
        codes = np.array(self._frames, np.int32).reshape(-1, self._width)
        return Reading(codes, self._malformed, tuple(self._markers), tuple(self._phones), ended)

    def _break_off(self) -> None:
        if self._current:
            self._frames.append(self._current + [MISSING] * (self._width - len(self._current)))
            self._current, self._malformed = [], self._malformed + 1

    def _code(self, token: int) -> None:
        book, expected = _codebook_of(token, self._geometry), len(self._current)
        if book != expected:
            self._malformed += 1
        if book is not None and book < expected:
            self._frames.append(self._current + [MISSING] * (self._width - expected))
            self._current = []
        if book is not None:
            self._current += [MISSING] * (book - len(self._current))
        self._current.append(token - self._geometry.codebooks[len(self._current)].offset)
        if len(self._current) == self._width:
            self._frames.append(self._current)
            self._current = []


def _codebook_of(token: int, geometry: FrameLayout) -> int | None:
    for index, book in enumerate(geometry.codebooks):
        if book.offset <= token < book.offset + book.size:
            return index
    return None


def marker_errors(reading: Reading, phones: Sequence[str], geometry: Geometry, start: int = 0) -> tuple[int, int]:
    """Return (missing, extra): of the expected markers those not met in order; and those met beyond them.

    One is expected for each phone, and a last one. In a voice that says its phones, a marker with another phone than
    the one it stands before is not met.
    """
    expected, came = _expected(phones, geometry, start), reading.met
    shared = LCSseq.similarity(expected, came)
    return len(expected) - shared, len(came) - shared


def phone_ends(reading: Reading, phones: Sequence[str], geometry: Geometry, start: int = 0) -> list[float] | None:
    """End time of each phone in seconds from the segment's first frame; None unless every marker came in order."""
    if reading.met != _expected(phones, geometry, start):
        return None
    return [round(frame * geometry.frame_seconds, 4) for _, frame in reading.markers[1:]]


def _expected(phones: Sequence[str], geometry: Geometry, start: int) -> list[tuple[int, int]]:
    """Markers in order, each with the phone that is said behind it."""
    said = [geometry.phones.index(phone) if geometry.says_phones else MISSING for phone in phones]
    return [((start + i) % geometry.markers, phone) for i, phone in enumerate([*said, MISSING])]


def word_times(segment: Segment, ends: Sequence[float], offset: float = 0.0) -> list[tuple[str, float, float]]:
    """Return (word, start, end) in seconds from phone ends, to the frame."""
    return [
        (word, round(offset + ends[first - 1], 4), round(offset + ends[stop - 1], 4))
        for word, first, stop in segment.word_spans
    ]
