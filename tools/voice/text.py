"""Training text from Debian packages: sentences, long passages, short utterances and spelled-out numbers.

Nothing that occurs in the project's corpora or in the held-out sentences gets in: a line is dropped when any of its
sentences, reduced to lower-case words, occurs there.
"""

from __future__ import annotations

import random
import re
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

FORTUNES = Path("/usr/share/games/fortunes")
WORDNET = Path("/usr/share/wordnet")
WORDS = Path("/usr/share/dict/words")
SKIPPED_FORTUNES = ("art", "ascii-art", "zippy", "perl", "translate-me", "songs-poems")
ALLOWED = re.compile(r"[A-Za-z ,.;:?!'\-]+")
SENTENCE_END = re.compile(r"(?<=[.?!;:])\s+")
STARTS = ("Yes", "No", "Well", "Oh", "Stop", "Now", "Indeed", "Perhaps", "Never", "Good", "Right", "Look", "Please")
REPEATED = ("no", "yes", "very", "never", "come", "far", "long", "more", "well", "on", "there", "ha", "round")


@dataclass(frozen=True, slots=True)
class Shares:
    """Lines of each kind."""

    sentences: int
    passages: int
    short: int

    @classmethod
    def of_hours(cls, hours: float) -> Shares:
        """Return roughly half the hours in passages, four tenths in sentences, a tenth in short utterances."""
        return cls(sentences=int(hours * 480), passages=int(hours * 120), short=int(hours * 360))


def bare(text: str) -> str:
    """Return lower-case words only: what two texts must share to count as the same."""
    return " ".join(re.findall(r"[a-z']+", text.lower()))


def _clean(text: str) -> str | None:
    text = re.sub(r"[\"()\[\]_*`{}<>]", "", re.sub(r"\s+", " ", text)).strip()
    if not ALLOWED.fullmatch(text) or not re.search(r"[A-Za-z]", text):
        return None
    return text.lower() if re.search(r"[A-Z]{3}", text) else text


def _bible() -> Iterator[list[str]]:
    printed = subprocess.run(["bible", "-f", "gen1:1-rev22:21"], capture_output=True, text=True, check=True).stdout
    for line in printed.splitlines():
        yield SENTENCE_END.split(re.sub(r"^\S+\s+", "", line))


def _fortunes() -> Iterator[list[str]]:
    for path in sorted(FORTUNES.glob("*.u8")):
        if path.stem in SKIPPED_FORTUNES:
            continue
        for quote in path.read_text(errors="ignore").split("\n%\n"):
            yield SENTENCE_END.split(re.sub(r"\s+", " ", re.sub(r"\n\s*--.*", "", quote, flags=re.DOTALL)))


def _wordnet() -> Iterator[list[str]]:
    for path in sorted(WORDNET.glob("data.*")):
        for line in path.read_text(errors="ignore").splitlines():
            if "|" in line:
                gloss = line.split("|", 1)[1]
                yield from ([quoted] for quoted in re.findall(r'"([^"]+)"', gloss))
                yield [re.sub(r'".*', "", gloss).split(";")[0]]


def _documents() -> list[list[str]]:
    documents = []
    for source in (_bible(), _fortunes(), _wordnet()):
        for sentences in source:
            kept = [s for s in map(_clean, sentences) if s]
            if kept:
                documents.append(kept)
    return documents


def _words() -> list[str]:
    return [w for w in WORDS.read_text().split() if re.fullmatch(r"[a-z]{2,14}", w)]


def _number(rng: random.Random) -> str:
    import inflect

    engine = inflect.engine()
    value = rng.choice([rng.randint(0, 99), rng.randint(100, 9999), rng.randint(1100, 2099), rng.randint(1, 10**6)])
    spoken = engine.number_to_words(value, andword=rng.choice(["and", ""]))
    if 1100 <= value < 2100 and rng.random() < 0.7:
        spoken = engine.number_to_words(value, group=2, comma="")
    if rng.random() < 0.2:
        spoken = engine.ordinal(spoken)
    return re.sub(r"[^a-z \-]", "", str(spoken))


def short_utterance(rng: random.Random, words: list[str]) -> str:
    """Return texts of one to four words, which is what an undertrained model loops on."""
    word = rng.choice(words)
    end = rng.choice("...?!")
    pick = rng.random()
    if pick < 0.35:
        return f"{rng.choice(STARTS) if rng.random() < 0.3 else word.capitalize()}{end}"
    if pick < 0.55:
        return f"{rng.choice(STARTS)}, {rng.choice([word, rng.choice(STARTS).lower()])}{end}"
    if pick < 0.65:
        repeated = rng.choice(REPEATED)
        return ", ".join([repeated.capitalize(), *[repeated] * rng.randint(1, 4)]) + end
    if pick < 0.8:
        return _number(rng).capitalize() + end
    return " ".join([word.capitalize(), *rng.choices(words, k=rng.randint(1, 3))]) + end


def _passage(documents: list[list[str]], connected: list[list[str]], words: list[str], rng: random.Random) -> str:
    """25 to 62 words: consecutive sentences of one document, filled up from others or with numbers and loose words."""
    target = rng.randint(25, 62)
    parts: list[str] = []
    while (count := len(" ".join(parts).split())) < target:
        if rng.random() < 0.1:
            part = f"{' '.join(rng.choices(words, k=rng.randint(2, 6)))}, {_number(rng)}."
        else:
            document = rng.choice(connected if rng.random() < 0.65 else documents)
            start = rng.randrange(len(document))
            part = " ".join(document[start : start + rng.randint(1, 3)])
        room = target - count
        pieces = part.split()[: max(room, 4)]
        parts.append(" ".join(pieces).rstrip(",;:-") if len(pieces) == room else " ".join(pieces))
        if parts[-1] and parts[-1][-1].isalpha():
            parts[-1] += rng.choice(".,")
    text = " ".join(parts).strip(" ,")
    return text if text[-1] in ".?!" else text + "."


def _fresh(lines: Iterator[str], count: int, forbidden: set[str]) -> list[str]:
    chosen: list[str] = []
    lines_taken: set[str] = set()
    for line in lines:
        if len(chosen) == count:
            break
        keys = {bare(s) for s in SENTENCE_END.split(line) if len(s.split()) > 3}
        if line not in lines_taken and not keys & forbidden:
            lines_taken.add(line)
            chosen.append(line)
    return chosen


def forbidden_sentences(texts: Iterable[str]) -> set[str]:
    """Return every sentence of the texts, bare, that is long enough (over 3 words) to be told from chance."""
    return {bare(s) for text in texts for s in SENTENCE_END.split(text) if len(s.split()) > 3}


def build(shares: Shares, seed: int, forbidden: set[str]) -> list[str]:
    """Return lines for the teacher, shuffled. The same seed and packages give the same lines.

    Raises FileNotFoundError when a Debian package of the recipe is missing.
    """
    rng = random.Random(seed)
    documents = _documents()
    connected = [d for d in documents if len(d) > 1]
    words = _words()
    sentences = [s for d in documents for s in d if 3 <= len(s.split()) <= 24 and len(s) <= 140]
    rng.shuffle(sentences)
    loose = (" ".join(rng.choices(words, k=rng.randint(3, 8))).capitalize() + "." for _ in range(10**9))
    mixed = (next(loose) if rng.random() < 0.12 else s for s in sentences)
    lines = _fresh(mixed, shares.sentences, forbidden)
    lines += _fresh((_passage(documents, connected, words, rng) for _ in range(10**9)), shares.passages, forbidden)
    lines += _fresh((short_utterance(rng, words) for _ in range(10**9)), shares.short, forbidden)
    rng.shuffle(lines)
    return lines
