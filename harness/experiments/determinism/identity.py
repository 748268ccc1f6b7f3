"""Whether renditions of one text under one seed are the same, and what it means when they are not."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from harness.core.records import Attempt, Outcome

Step = Mapping[int, float]  # token id -> natural logarithm of its probability, the most probable ones


class DeterminismWord(StrEnum):
    """What the arms amount to."""

    BIT = "bit-identical"
    TOKEN = "token-identical"
    UNSEEDED = "unseeded sampling"  # fresh differs from fresh
    BLEED = "state bleed"
    TIE = "numerical tie-flip"
    UNKNOWN = "state-dependent, cause unknown"
    SAME_BYTES = "same bytes for different texts"
    NOT_JUDGED = "not judged"


@dataclass(frozen=True, slots=True)
class Rendition:
    """One attempt as it is compared. ``choices``: all generated ids; ``top``: the most probable at each step."""

    chunk_id: str
    pcm: str | None  # hash
    tokens: tuple[int, ...] | None  # speech tokens, frame by frame
    choices: tuple[int, ...] = ()
    top: tuple[Step, ...] = ()

    @classmethod
    def of(cls, attempt: Attempt) -> Rendition | None:
        """Return the rendition of an attempt that gave speech; None of one that failed."""
        if attempt.outcome is not Outcome.OK:
            return None
        noted = attempt.noted.get("choices") or {}
        return cls(
            attempt.chunk_id,
            attempt.audio_sha256,
            tuple(int(t) for t in attempt.tokens.reshape(-1)) if attempt.tokens is not None else None,
            tuple(noted.get("tokens", ())),
            tuple({int(token): float(value) for token, value in step} for step in noted.get("top", ())),
        )


@dataclass(frozen=True, slots=True)
class ArmComparison:
    """One arm's rendition against the fresh one. The three levels are kept apart."""

    arm: str
    chunk_id: str
    same_tokens: bool | None  # None: the backend shows no tokens
    divergence: int | None  # index of the first speech token that differs
    same_pcm: bool
    shift: float | None = None  # total variation distance of the next-token distributions at the first divergence
    gap: float | None = None  # between the two best logits there, fresh rendition (nats)
    mel_db: float | None = None
    same_words: bool | None = None

    @property
    def same(self) -> bool:
        """Return whether both are identical in tokens, or in PCM where there are no tokens."""
        return self.same_pcm if self.same_tokens is None else self.same_tokens


def first_difference(a: Sequence[int], b: Sequence[int]) -> int | None:
    """Return the index of the first element that differs (of a prefix: its length); None for equals."""
    for index, (x, y) in enumerate(zip(a, b, strict=False)):
        if x != y:
            return index
    return None if len(a) == len(b) else min(len(a), len(b))


def total_variation(a: Step, b: Step) -> float:
    """Return half the summed difference of probabilities of the noted tokens, in [0, 1]; one not noted counts as 0."""
    return 0.5 * sum(abs(_probability(a, token) - _probability(b, token)) for token in {*a, *b})


def _probability(step: Step, token: int) -> float:
    return math.exp(step[token]) if token in step else 0.0


def compare_synthesis(
    fresh: Rendition, other: Rendition, arm: str, *, mel_db: float | None = None, same_words: bool | None = None
) -> ArmComparison:
    """Return tokens, PCM, and where the choices of every step were noted, how far the model itself had moved.

    Up to the first divergence both have seen the same tokens: what differs in the distributions there was carried in.
    """
    both_tokens = fresh.tokens is not None and other.tokens is not None
    divergence = first_difference(fresh.tokens or (), other.tokens or ()) if both_tokens else None
    shift = gap = None
    step = first_difference(fresh.choices, other.choices)
    if step is not None and step < min(len(fresh.top), len(other.top)):
        shift = total_variation(fresh.top[step], other.top[step])
        best = sorted(fresh.top[step].values(), reverse=True)
        gap = best[0] - best[1] if len(best) > 1 else None
    same_pcm = fresh.pcm is not None and fresh.pcm == other.pcm
    same_tokens = divergence is None if both_tokens else None
    return ArmComparison(arm, fresh.chunk_id, same_tokens, divergence, same_pcm, shift, gap, mel_db, same_words)


# ------------------------------------------------------------------------------------------- content of what was before
@dataclass(frozen=True, slots=True)
class Content:
    """Words of the previous text heard in the next one, against the same count with the previous texts shuffled."""

    hits: int
    words: int
    p_value: float
    pairs: int


def content(pairs: Sequence[tuple[str, str, str]], *, seed: int, repeats: int = 1999) -> Content | None:
    """Return (own text, previous text, transcript) each, normalised alike; one-sided permutation test over the pairing.

    Words of the own text never count. None for fewer than 4 pairs: no shuffle of them could be significant.
    """
    if len(pairs) < 4:
        return None
    heard = [set(transcript.split()) - set(own.split()) for own, _, transcript in pairs]
    before = [set(previous.split()) for _, previous, _ in pairs]
    own = [set(text.split()) for text, _, _ in pairs]
    hits = np.array([[len(heard[i] & before[j]) for j in range(len(pairs))] for i in range(len(pairs))])
    rows = np.arange(len(pairs))
    observed = int(hits[rows, rows].sum())
    rng = np.random.default_rng(seed)
    null = np.array([hits[rows, rng.permutation(len(pairs))].sum() for _ in range(repeats)])
    total = sum(len(before[i] - own[i]) for i in range(len(pairs)))
    return Content(observed, total, (1 + int((null >= observed).sum())) / (1 + repeats), len(pairs))


def same_bytes(renditions: Sequence[Rendition], texts: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return pairs of chunks with different texts and the very same samples, each pair once."""
    first_text: dict[str, str] = {}
    pairs: dict[tuple[str, str], None] = {}
    for rendition in renditions:
        if rendition.pcm is None:
            continue
        other = first_text.setdefault(rendition.pcm, rendition.chunk_id)
        if texts[other] != texts[rendition.chunk_id]:
            pairs[min(other, rendition.chunk_id), max(other, rendition.chunk_id)] = None
    return list(pairs)


@dataclass(frozen=True, slots=True)
class DeterminismData:
    """All that a verdict rests on."""

    fresh: Sequence[ArmComparison]  # a second fresh process against the first
    later: Sequence[ArmComparison]  # repeated at once, after other texts, late in a long session
    content: Content | None
    collisions: Sequence[tuple[str, str]] = ()  # different texts with the same samples, whatever the arm
    texts: int = 0  # different chunks that were looked at for that
    tie_max: float = 0.1
    alpha: float = 0.01


def decide_determinism(seen: DeterminismData) -> tuple[DeterminismWord, str]:
    """Return one word and why, in a sentence with figures."""
    if seen.collisions:
        first, second = seen.collisions[0]
        return DeterminismWord.SAME_BYTES, f"{first} and {second} have different texts and the same samples"
    if not seen.fresh or not seen.later:
        return DeterminismWord.NOT_JUDGED, "no probe was spoken in two fresh processes and again after others"
    heard = seen.content is not None and seen.content.p_value <= seen.alpha
    unequal = [c for c in seen.fresh if not c.same]
    if unequal:
        statement = f"{len(unequal)} of {len(seen.fresh)} probes differ between two fresh processes under one seed"
        if heard:
            return DeterminismWord.BLEED, f"{statement}; {_heard(seen.content)}"
        return (
            DeterminismWord.UNSEEDED,
            f"{statement}, so bleed can be judged from content alone: {_heard(seen.content)}",
        )
    moved = [c for c in seen.later if not c.same]
    if not moved:
        if all(c.same_pcm for c in (*seen.fresh, *seen.later)):
            return DeterminismWord.BIT, f"all {len(seen.later)} later renditions have the samples of a fresh process"
        return (
            DeterminismWord.TOKEN,
            f"all {len(seen.later)} later renditions have the tokens of a fresh process, not its samples",
        )
    return _cause(seen, moved, heard)


def _cause(seen: DeterminismData, moved: Sequence[ArmComparison], heard: bool) -> tuple[DeterminismWord, str]:
    statement = f"fresh processes agree, {len(moved)} of {len(seen.later)} later renditions differ"
    shifts = [c.shift for c in moved if c.shift is not None]
    if heard:
        return DeterminismWord.BLEED, f"{statement}; {_heard(seen.content)}"
    if not shifts:
        return (
            DeterminismWord.UNKNOWN,
            f"{statement}; the backend shows no probabilities to tell why; {_heard(seen.content)}",
        )
    worst = max(shifts)
    where = f"at the first divergence the next-token distributions lie up to {worst:.2g} apart (total variation)"
    if worst > seen.tie_max:
        return DeterminismWord.BLEED, f"{statement}; {where}, more than the {seen.tie_max:g} of a tie"
    if len(shifts) < len(moved):
        return (
            DeterminismWord.UNKNOWN,
            f"{statement}; {where}, but {len(moved) - len(shifts)} of them show no probabilities",
        )
    return DeterminismWord.TIE, f"{statement}; {where}, no more than a tie ({seen.tie_max:g})"


def _heard(found: Content | None) -> str:
    if found is None:
        return "too few transcripts to look for words of the previous text"
    return (
        f"{found.hits} of {found.words} words of the previous texts were heard in {found.pairs} transcripts "
        f"(shuffled null: p {found.p_value:.2g})"
    )
