"""Which of the expected words were spoken: forced alignment that may skip, go back, and meet foreign speech.

The recognizer walks a chain with one expected word an arc. Beside the straight way it may skip words, go back (speech
that loops), or take a free phone loop (speech that is not in the text), each at a price. It knows the text, so that it
cannot say how intelligible the speech is; but for words left out or said twice it is far sharper than free recognition
with the same acoustic model (lightly supervised alignment, Moreno et al. 1998, with the prices chosen on speech with
words taken out and spliced in), and faster.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from harness.scorers.asr_pocketsphinx import FRAME_SECONDS, level, prime, utterance
from harness.types import Json, Samples

SKIP, SKIP_MORE = 1e-15, 1e-2  # price of leaving one word out, and of each further one
BACK = 1e-15  # price of going back to an earlier word
FOREIGN = 1e-4  # price of each phone that belongs to no word
REACH = 60  # words that one jump may span, but for jumps to either end of the text
LONGEST_TEXT = 400  # words
_SCORE_SCALE = 1024  # pocketsphinx keeps acoustic scores shifted by ten bits
_PHONES = tuple(
    "AA AE AH AO AW AY B CH D DH EH ER EY F G HH IH IY JH K L M N NG OW OY P R S SH T TH UH UW V W Y Z ZH".split()  # noqa: SIM905
)
_VARIANT = re.compile(r"\(\d+\)$")

Arc = tuple[int, int, float] | tuple[int, int, float, str]


@dataclass(frozen=True, slots=True)
class Step:
    """One word of the path: its index in the expected text, seconds, and mean score in nats a frame (0 is perfect)."""

    word: int
    start: float
    end: float
    score: float


class ForcedAligner:
    """Aligns 16 kHz English speech with the text that was asked for. One instance serves any number of clips."""

    @cached_property
    def _decoder(self) -> Any:
        from pocketsphinx import Decoder

        decoder = Decoder(loglevel="FATAL", lm=None, bestpath=False, topn=2)
        for phone in _PHONES:
            decoder.add_word(f"_{phone}", phone, phone == _PHONES[-1])
        self._load(decoder, ["_AH"], (0,))
        prime(decoder)
        return decoder

    @cached_property
    def _lexicon(self) -> Any:
        from harness.voice.pronounce import Lexicon

        return Lexicon()

    def setup(self) -> None:
        """Load the acoustic model."""
        _ = self._decoder

    def align(self, samples: Samples, text: str) -> Json | None:
        """Return the evidence ``forced`` of ARCHITECTURE.md; None for a text without words or beyond 400 words."""
        from harness.voice.spoken import normalise_spoken

        words = normalise_spoken(text).split()
        if not words or len(words) > LONGEST_TEXT:
            return None
        self._learn(words)
        levelled, n = level(samples), len(words)
        heard = self._decode(words, levelled, (0, n)) or self._decode(words, levelled, range(n + 1))
        if heard is None:
            return {**_evidence(words, [], []), **dict.fromkeys(_UNKNOWN), "aligned": False}
        steps = follow(words, heard[0])
        return {**_evidence(words, steps, heard[1]), "aligned": True}

    def _learn(self, words: Sequence[str]) -> None:
        unknown = sorted({w for w in words if not self._decoder.lookup_word(w)})
        for word in unknown:
            phones = [_cmu(p) for p in self._lexicon.pronounce(word)]
            self._decoder.add_word(word, " ".join(phones) or "AH", word == unknown[-1])

    @staticmethod
    def _load(decoder: Any, words: Sequence[str], foreign: Sequence[int]) -> None:
        decoder.add_fsg("text", decoder.create_fsg("text", 0, len(words), arcs(words, foreign)))
        decoder.activate_search("text")

    def _decode(
        self, words: Sequence[str], samples: Samples, foreign: Sequence[int]
    ) -> tuple[list[tuple[str, float, float, float]], list[list[float]]] | None:
        """Return (word, start, end, score) along the best path and the spans of foreign speech, None without a path."""
        self._load(self._decoder, words, foreign)
        path: list[tuple[str, float, float, float]] = []
        strange: list[list[float]] = []
        for seg in utterance(self._decoder, samples):
            start, end = seg.start_frame * FRAME_SECONDS, (seg.end_frame + 1) * FRAME_SECONDS
            if seg.word.startswith("_"):
                if strange and start - strange[-1][1] < 0.05:
                    strange[-1][1] = end
                else:
                    strange.append([start, end])
            elif not seg.word.startswith(("<", "[", "++", "(")):
                score = -_SCORE_SCALE * math.log(max(seg.ascore, 1e-300)) * FRAME_SECONDS / (end - start)
                path.append((_VARIANT.sub("", seg.word), start, end, score))
        return (path, strange) if path else None


def arcs(words: Sequence[str], foreign: Sequence[int]) -> list[Arc]:
    """Return the grammar over states 0..n; ``foreign``: states at which speech outside of the text may stand."""
    n = len(words)
    found: list[Arc] = [(i, i + 1, 1.0, word) for i, word in enumerate(words)]
    for i in range(n + 1):
        ahead = {*range(i + 1, min(n, i + REACH) + 1), n} - {i}
        found += [(i, j, max(SKIP * SKIP_MORE ** (j - i - 1), 1e-38)) for j in sorted(ahead)]
        found += [(i, j, BACK) for j in sorted({0, *range(max(0, i - REACH), i)} - {i})]
    return found + [(i, i, FOREIGN, f"_{phone}") for i in foreign for phone in _PHONES]


def follow(words: Sequence[str], path: Sequence[tuple[str, float, float, float]]) -> list[Step]:
    """Give each word of the path its index in the text, by the cheapest way through the chain (words may recur)."""
    skip, more, back = (-math.log(x) for x in (SKIP, SKIP_MORE, BACK))
    best: dict[int, tuple[float, list[int]]] = {-1: (0.0, [])}
    for word, *_ in path:
        reached: dict[int, tuple[float, list[int]]] = {}
        for index in (i for i, w in enumerate(words) if w == word):
            ways = []
            for last, (cost, trail) in best.items():
                gap = index - last - 1
                ways.append((cost + (0 if gap == 0 else back if gap < 0 else skip + more * (gap - 1)), trail))
            cost, trail = min(ways, key=lambda way: way[0])
            reached[index] = (cost, [*trail, index])
        best = reached
    trail = min(best.values(), key=lambda way: way[0])[1]
    return [Step(i, start, end, score) for i, (_, start, end, score) in zip(trail, path, strict=True)]


# What nothing is known of where no path through the text fits the audio.
_UNKNOWN = (
    *("missing", "longest_missing", "leading_missing", "trailing_missing", "missing_runs"),
    *("repeated", "repeats", "foreign", "foreign_seconds", "score"),
)


def _evidence(words: Sequence[str], steps: Sequence[Step], foreign: Sequence[Sequence[float]]) -> Json:
    spoken = {step.word for step in steps}
    gaps = _runs([i for i in range(len(words)) if i not in spoken])
    seen: set[int] = set()
    again: list[Step] = []
    for step in steps:
        if step.word in seen:
            again.append(step)
        seen.add(step.word)
    frames = sum(step.end - step.start for step in steps)
    return {
        "engine": "pocketsphinx",
        "reference": " ".join(words),
        "words": [[s.word, round(s.start, 2), round(s.end, 2), round(s.score, 2)] for s in steps],
        "missing": sum(j - i for i, j in gaps),
        "longest_missing": max((j - i for i, j in gaps), default=0),
        "leading_missing": next((j for i, j in gaps if i == 0), 0),
        "trailing_missing": next((j - i for i, j in gaps if j == len(words)), 0),
        "missing_runs": [
            {
                "ref": [i, j],
                "text": " ".join(words[i:j]),
                "time": _time_before(steps, i),
                "foreign": _foreign_between(steps, i, j, foreign),
            }
            for i, j in gaps
        ],
        "repeated": len(again),
        "repeats": [
            {"ref": s.word, "text": words[s.word], "span": [round(s.start, 2), round(s.end, 2)]} for s in again
        ],
        "foreign": [[round(a, 2), round(b, 2)] for a, b in foreign],
        "foreign_seconds": round(sum(b - a for a, b in foreign), 2),
        "score": round(sum(s.score * (s.end - s.start) for s in steps) / frames, 3) if frames else None,
    }


def _runs(indices: Sequence[int]) -> list[tuple[int, int]]:
    runs: list[tuple[int, int]] = []
    for index in indices:
        if runs and runs[-1][1] == index:
            runs[-1] = (runs[-1][0], index + 1)
        else:
            runs.append((index, index + 1))
    return runs


def _time_before(steps: Sequence[Step], index: int) -> float:
    """Return the end of the last word spoken before the missing one, 0 at the beginning."""
    return round(max((s.end for s in steps if s.word < index), default=0.0), 2)


def _foreign_between(steps: Sequence[Step], first: int, last: int, foreign: Sequence[Sequence[float]]) -> float:
    """Return the seconds of foreign speech in place of missing words: much of it means mumbled rather than left out."""
    start = max((s.end for s in steps if s.word < first), default=0.0)
    end = min((s.start for s in steps if s.word >= last and s.start >= start), default=math.inf)
    return round(sum(max(0.0, min(b, end) - max(a, start)) for a, b in foreign), 2)


def _cmu(phone: str) -> str:
    return "AH" if phone.startswith("ax") else phone.rstrip("012").upper()
