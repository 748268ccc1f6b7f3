"""Two texts that say the same in other spellings, made one: ``21`` and ``vingt et un``, ``rail road`` and ``railroad``.

Neither is rewritten by rules that could hide an error: a stretch of the transcript is set equal to a stretch of the
text only where it is one of the right readings of just that stretch, or the same letters with other spaces.
"""

from __future__ import annotations

import difflib
import itertools
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from harness.text.identifiers import DIGIT
from harness.text.tokens import OPTIONAL, plain_token

WIDE = 3  # written tokens that one reading may stand for together
DIGITS = 5  # digits of their own that may be read as one number
BORDER = "_"  # between written groups of digits
LONG = 16  # words that one reading may have
MOST = 512  # readings of one stretch that are tried
WHOLE = 40_000  # cells up to which both texts are aligned as wholes

Alternatives = Callable[[str], Sequence[str]]  # a token, or several joined -> their readings, letters joined
Spell = Callable[[str], Sequence[str]]  # a token -> the words of its usual reading


@dataclass(frozen=True, slots=True)
class _Side:
    words: list[str]  # without marks
    optional: list[bool]
    tokens: list[str]  # with all marks but that of the optional ones

    @classmethod
    def of(cls, tokens: Sequence[str]) -> _Side:
        marked = [t.lstrip(OPTIONAL) for t in tokens]
        return cls([plain_token(t) for t in marked], [t.startswith(OPTIONAL) for t in tokens], marked)

    def cut(self, start: int, end: int) -> _Side:
        return _Side(self.words[start:end], self.optional[start:end], self.tokens[start:end])

    def needed(self) -> list[str]:
        return [t for t, skip in zip(self.tokens, self.optional, strict=True) if not skip]

    def counted(self) -> list[str]:
        """Return the words without signs that may be left out."""
        return [w for w, skip in zip(self.words, self.optional, strict=True) if not skip or w.isalnum()]


def pair_tokens(
    reference: Sequence[str], hypothesis: Sequence[str], alternatives: Alternatives, spell: Spell
) -> tuple[list[str], list[str]]:
    """Return both sides with equal stretches spelled as in the reference, and unspoken optional tokens left out.

    A number, sign or abbreviation that was not said in any of its readings is spelled by ``spell``, so that a wrong
    number costs the words that are wrong in it.
    """
    ref, hyp = _Side.of(reference), _Side.of(hypothesis)
    if ref.words == hyp.words:
        return list(ref.words), list(hyp.words)
    if len(ref.words) * len(hyp.words) <= WHOLE:
        return _paired(ref, hyp, alternatives, spell)
    left: list[str] = []
    right: list[str] = []
    matcher = difflib.SequenceMatcher(None, ref.words, hyp.words, autojunk=False)
    for op, i, j, first, last in matcher.get_opcodes():
        if op == "equal":
            left, right = [*left, *ref.words[i:j]], [*right, *hyp.words[first:last]]
        elif (j - i) * (last - first) > WHOLE:
            left = [*left, *map(plain_token, ref.cut(i, j).needed())]
            right = [*right, *map(plain_token, hyp.cut(first, last).needed())]
        else:
            one, other = _paired(ref.cut(i, j), hyp.cut(first, last), alternatives, spell)
            left, right = [*left, *one], [*right, *other]
    return left, right


def _run_together(groups: str) -> set[str]:
    """Return groups of digits as a listener hears them: twenty, seven is twenty-seven; eight hundred, five is 805."""
    match = re.fullmatch(rf"([2-9])0{BORDER}([1-9])|([1-9])00{BORDER}([1-9]\d?)", groups)
    if match is None:
        return set()
    return {match[1] + match[2] if match[1] else match[3] + match[4].zfill(2)}


def _readings_at(side: _Side, alternatives: Alternatives) -> dict[tuple[int, int], set[str]]:
    """Return the readings of every stretch that has any besides its own letters."""
    readings: dict[tuple[int, int], set[str]] = {}
    each = [alternatives(token) for token in side.tokens]
    own = [
        [word, *readings, *([""] if skip else [])]
        for word, readings, skip in zip(side.words, each, side.optional, strict=True)
    ]
    for start in range(len(side.words)):
        for end in range(start + 1, min(start + WIDE, len(side.words)) + 1):
            joined = "".join(side.words[start:end])
            choices = own[start:end]
            several = set(alternatives(joined)) if end > start + 1 else set()
            if any(len(c) > 1 for c in choices):
                several |= {"".join(c) for c in itertools.islice(itertools.product(*choices), MOST)}
            if several:
                readings[start, end] = several - {""}
        for end, groups in _digit_runs(side, start):
            digits = groups.replace(BORDER, "")
            readings.setdefault((start, end), set()).update(alternatives(digits), _run_together(groups))
    return readings


def _digit_runs(side: _Side, start: int) -> Iterator[tuple[int, str]]:
    """Yield the ends of the runs of digits of their own from ``start`` on, each with ``BORDER`` between its groups."""
    groups = ""
    for at in range(start, len(side.words)):
        if side.tokens[at].startswith(DIGIT):
            groups += side.words[at]
            if sum(c.isdigit() for c in groups) > 1:
                yield at + 1, groups
        elif groups and side.optional[at]:
            groups = groups.rstrip(BORDER) + BORDER
        else:
            return
        if sum(c.isdigit() for c in groups) == DIGITS:
            return


def _runs(side: _Side) -> Iterator[tuple[tuple[int, int], str]]:
    """Yield every stretch and its letters, with what may be left out and without it."""
    for start in range(len(side.words)):
        joined = said = ""
        for end in range(start + 1, min(start + LONG, len(side.words)) + 1):
            joined += side.words[end - 1]
            said += "" if side.optional[end - 1] else side.words[end - 1]
            yield (start, end), joined
            if said and said != joined and not side.optional[start]:
                yield (start, end), said


def _spans(side: _Side, rich: dict[tuple[int, int], set[str]]) -> dict[str, list[tuple[int, int]]]:
    """Return the stretches by their letters: as they are written, and as they may be said."""
    spans: dict[str, list[tuple[int, int]]] = {}
    for span, joined in _runs(side):
        spans.setdefault(joined, []).append(span)
    for span, several in rich.items():
        for joined in several:
            spans.setdefault(joined, []).append(span)
    return spans


Edge = tuple[int, int, int]  # start in the reference, start in the hypothesis, its length there


def _edges(ref: _Side, hyp: _Side, alternatives: Alternatives) -> dict[tuple[int, int], set[Edge]]:
    """Return (end in the reference, end in the hypothesis) -> the stretches that end there and say the same."""
    rich_ref, rich_hyp = _readings_at(ref, alternatives), _readings_at(hyp, alternatives)
    there = _spans(hyp, rich_hyp)
    edges: dict[tuple[int, int], set[Edge]] = {}

    def add(span: tuple[int, int], joined: str) -> None:
        for first, last in there.get(joined, ()):
            edges.setdefault((span[1], last), set()).add((span[0], first, last - first))

    for span, several in rich_ref.items():
        for joined in several:
            add(span, joined)
    for span, joined in _runs(ref):
        add(span, joined)
    return edges


def _paired(ref: _Side, hyp: _Side, alternatives: Alternatives, spell: Spell) -> tuple[list[str], list[str]]:
    edges = _edges(ref, hyp, alternatives)
    rows, columns = len(ref.words), len(hyp.words)
    cost = [[0] * (columns + 1) for _ in range(rows + 1)]
    way: list[list[tuple[int, int]]] = [[(0, 0)] * (columns + 1) for _ in range(rows + 1)]
    for i in range(rows + 1):
        for j in range(columns + 1):
            ways = [(cost[a][b], -(i - a), -(j - b)) for a, b, _ in edges.get((i, j), ())]
            if i and j and not (ref.optional[i - 1] or hyp.optional[j - 1]):  # those are said, or left out
                ways.append((cost[i - 1][j - 1] + (ref.words[i - 1] != hyp.words[j - 1]), -1, -1))
            if i:
                ways.append((cost[i - 1][j] + (not ref.optional[i - 1]), -1, 0))
            if j:
                ways.append((cost[i][j - 1] + (not hyp.optional[j - 1]), 0, -1))
            if ways:
                cost[i][j], up, back = min(ways, key=lambda w: (w[0], w[1] + w[2] != -2, -w[1] - w[2]))
                way[i][j] = (-up, -back)
    return _trace(ref, hyp, way, edges, spell)


def _trace(
    ref: _Side,
    hyp: _Side,
    way: list[list[tuple[int, int]]],
    edges: dict[tuple[int, int], set[Edge]],
    spell: Spell,
) -> tuple[list[str], list[str]]:
    left: list[str] = []
    right: list[str] = []
    i, j = len(ref.words), len(hyp.words)
    while i or j:
        up, back = way[i][j]
        a, b = i - up, j - back
        if (a, b, back) in edges.get((i, j), ()):
            same = ref.cut(a, i).counted()
            left, right = [*same, *left], [*same, *right]
        elif up and back:
            left, right = [*spell(ref.tokens[a]), *left], [*spell(hyp.tokens[b]), *right]
        elif up:
            left = [*(word for token in ref.cut(a, i).needed() for word in spell(token)), *left]
        else:
            right = [*(word for token in hyp.cut(b, j).needed() for word in spell(token)), *right]
        i, j = a, b
    return left, right
