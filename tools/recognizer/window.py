"""Training windows: speech of the bank on a time line, whole or with constructed faults, and its true transcript."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from tools.recognizer.augment import Augmenter, reversed_frames, shuffled, stretched
from tools.recognizer.bank import MELS, Bank
from tools.recognizer.vocabulary import CHARACTERS, PHONES, vocabulary

TRIES = 6  # utterances tried for the rest of a window
WHOLE = 3000  # frames of Whisper's 30 s
SILENT = -99.0  # marks frames whose level the augmenter chooses
PHONE_ID = {name: i for i, name in enumerate(PHONES)}
CHARACTER_ID = {c: i + 1 for i, c in enumerate(CHARACTERS)}
SHARE_WITHOUT_STAMPS = 0.25
SHARE_WITHOUT_SPEECH = 0.05
WRONG_HISTORY = 0.06  # share of previous tokens replaced: a decoder that cannot trust its history must listen
FAULTS = {"none": 0.70, "part": 0.14, "loop": 0.07, "cut": 0.04, "reversed": 0.015, "shuffled": 0.015, "babble": 0.02}


@dataclass(slots=True)
class Piece:
    """Frames of un-normalized log-mel with what is said in them; times in frames of the piece."""

    mel: np.ndarray
    words: list[tuple[str, int, int]] = field(default_factory=list)
    phones: np.ndarray | None = None

    def labels(self) -> np.ndarray:
        return np.full(len(self.mel), -1, np.int16) if self.phones is None else self.phones


@dataclass(slots=True)
class Window:
    """One training example; token spans and labels are in encoder frames of 20 ms."""

    mel: np.ndarray
    tokens: list[int]
    targets: list[int]
    spans: list[tuple[int, int]]
    characters: list[int]
    phones: np.ndarray
    frame_tokens: np.ndarray
    offset: int  # frames of 10 ms from the start of the 30 s that the window is taken to lie in
    text_offset: int  # text positions taken to come before it


class Composer:
    """Draws windows from a bank."""

    def __init__(self, bank: Bank, shares: dict[str, float], seed: int) -> None:
        self._bank = bank
        self._rng = np.random.default_rng(seed)
        self._augmenter = Augmenter(self._rng)
        by_source: dict[str, list[int]] = {}
        for index, entry in enumerate(bank.entries):
            by_source.setdefault(entry.source, []).append(index)
        self._pools = {name: np.array(by_source[name]) for name in shares if name in by_source}
        weights = np.array([shares[name] for name in self._pools])
        self._weights = weights / weights.sum()

    def window(self, frames: int, strength: float = 1.0) -> Window:
        """One window of ``frames`` log-mel frames; ``strength`` (0 to 1) scales the augmentation."""
        rng = self._rng
        if rng.random() < SHARE_WITHOUT_SPEECH:
            pieces, cut_off = [self._without_words(int(frames * rng.uniform(0.15, 1)))], False
        else:
            pieces, cut_off = self._fill(frames)
        mel = np.concatenate([p.mel for p in pieces])[:frames]
        phones = np.concatenate([p.labels() for p in pieces])[:frames]
        words, offset, breaks = [], 0, set()
        for piece in pieces:
            breaks.add(len(words))
            words += [(w, a + offset, b + offset) for w, a, b in piece.words if a + 0.7 * (b - a) + offset <= frames]
            offset += len(piece.mel)
        normal = self._augmenter.finish(mel, strength)
        padded = np.zeros((frames, MELS), np.float32)
        padded[: len(normal)] = normal
        return self._labelled(padded, phones, words, breaks, cut_off and bool(words), self._offset(frames))

    def _offset(self, frames: int) -> int:
        """Where in 30 s a short window is taken to lie, so that short windows teach all places and time stamps."""
        if frames >= WHOLE or self._rng.random() < 0.3:
            return 0
        return 2 * int(self._rng.integers((WHOLE - frames) // 2))

    def _pool(self) -> np.ndarray:
        return self._pools[list(self._pools)[int(self._rng.choice(len(self._weights), p=self._weights))]]

    def _fill(self, frames: int) -> tuple[list[Piece], bool]:
        """Pieces up to the window's length, or past it (then True: the speech is cut off by the window)."""
        rng = self._rng
        want = frames if rng.random() < 0.3 else int(frames * rng.uniform(0.25 if frames > 1500 else 0.6, 1.0))
        pieces = [_silence(int(rng.integers(0, 20)) if rng.random() < 0.9 else int(rng.integers(20, 150)))]
        total, tries, pool = len(pieces[0].mel), 0, self._pool()
        while total < want - 40:
            if rng.random() < 0.1:
                pool = self._pool()
            piece = self._piece(int(pool[rng.integers(len(pool))]))
            if total + len(piece.mel) > want and want < frames:
                piece = self._shortened(piece, want - total)
                tries += 1
                if piece is None and tries < TRIES:
                    continue
                piece = piece or _silence(want - total)
            pieces.append(piece)
            total += len(piece.mel)
            if rng.random() < 0.6 and total < want:
                pieces.append(_silence(min(int(rng.exponential(25)) + 2, 150, want - total)))
                total += len(pieces[-1].mel)
        if not total:
            pieces.append(_silence(want))
        return pieces, total > frames and bool(pieces[-1].words)

    def _shortened(self, piece: Piece, room: int) -> Piece | None:
        kept = [(w, a, b) for w, a, b in piece.words if b <= room]
        if not kept:
            return None
        end = min(room, kept[-1][2] + 1)
        return Piece(piece.mel[:end], kept, piece.labels()[:end])

    def _whole(self, index: int) -> Piece:
        entry = self._bank.entries[index]
        words = [(w, a, b) for w, (a, b) in zip(entry.words, entry.times, strict=True)]
        phones = np.full(entry.frames, -1, np.int16)
        start = 0
        for name, end in entry.phones:
            phones[start:end] = PHONE_ID[name]
            start = end
        piece = Piece(self._bank.mel(index), words, phones if entry.phones else None)
        return _faster(piece, float(self._rng.uniform(0.88, 1.14))) if self._rng.random() < 0.5 else piece

    def _piece(self, index: int) -> Piece:
        piece = self._whole(index)
        fault = str(self._rng.choice(list(FAULTS), p=list(FAULTS.values())))
        if fault == "part" and len(piece.words) > 1:
            first = int(self._rng.integers(len(piece.words)))
            return _part(piece, first, int(self._rng.integers(first, len(piece.words))))
        if fault == "loop":
            return self._loop(piece)
        if fault == "cut":
            end = int(self._rng.integers(20, max(21, len(piece.mel))))
            kept = [(w, a, min(b, end)) for w, a, b in piece.words if a + 0.7 * (b - a) <= end]
            return Piece(piece.mel[:end], kept, piece.labels()[:end])
        if fault == "reversed":
            return Piece(reversed_frames(piece.mel))
        if fault == "shuffled":
            return Piece(shuffled(piece.mel, int(self._rng.integers(5, 16)), self._rng))
        if fault == "babble":
            return self._babble(len(piece.mel))
        return piece

    def _loop(self, piece: Piece) -> Piece:
        """A few words said again and again, sometimes inside the sentence, sometimes alone."""
        rng, count = self._rng, len(piece.words)
        if not count:
            return piece
        first = int(rng.integers(count))
        last = min(count - 1, first + int(rng.choice([0, 0, 1, 2, 5])))
        middle = _part(piece, first, last)
        if not len(middle.mel):
            return piece
        times = int(rng.choice([2, 2, 3, 3, 4, 6, 9]))
        gap = _silence(int(rng.integers(1, 25))) if rng.random() < 0.4 else None
        repeated = [part for _ in range(times) for part in ([middle, gap] if gap else [middle])]
        if rng.random() < 0.5:
            return _joined(repeated)
        before = [_part(piece, 0, first - 1)] if first else []
        after = [_part(piece, last + 1, count - 1)] if last + 1 < count else []
        return _joined([*before, *repeated, *after])

    def _babble(self, frames: int) -> Piece:
        """Five to eight voices at once: sound of speech in which nothing is said."""
        total = np.full((frames, MELS), 1e-10, np.float32)
        for _ in range(int(self._rng.integers(5, 9))):
            pool = self._pool()
            mel = self._bank.mel(int(pool[self._rng.integers(len(pool))]))
            total += 10.0 ** np.take(mel, np.arange(frames) + int(self._rng.integers(len(mel))), axis=0, mode="wrap")
        return Piece(np.log10(total))

    def _without_words(self, frames: int) -> Piece:
        rng = self._rng
        pick = rng.random()
        if pick < 0.2:
            return _silence(frames)
        if pick < 0.6:
            return Piece(self._augmenter.noise(frames) + rng.uniform(-4, 1))
        if pick < 0.7:
            return self._babble(frames)
        pool = self._pool()
        mel = self._bank.mel(int(pool[rng.integers(len(pool))]))[:frames]
        if pick < 0.85:
            return Piece(self._augmenter.noise(frames, shape=mel.mean(0)))
        return Piece(reversed_frames(mel) if pick < 0.93 else shuffled(mel, int(rng.integers(5, 16)), rng))

    def _labelled(
        self,
        mel: np.ndarray,
        phones: np.ndarray,
        words: list[tuple[str, int, int]],
        breaks: set[int],
        cut_off: bool,
        offset: int,
    ) -> Window:
        half = len(mel) // 2
        padded = np.full(len(mel), -1, np.int64)
        padded[: len(phones)] = phones
        frame_tokens = np.full(half, -1, np.int64)
        for word, start, end in words:
            for token, a, b in token_spans(word, start / 2, end / 2):
                frame_tokens[int(a) : max(int(a) + 1, int(b))] = token
        tokens, targets, spans = self._sequence(words, breaks, cut_off, offset)
        characters = [CHARACTER_ID[c] for c in " ".join(w for w, _, _ in words)]
        before = int(offset / 100 * self._rng.uniform(4, 8))
        tokens = self._disturbed(tokens)
        return Window(mel, tokens, targets, spans, characters, padded[::2][:half], frame_tokens, offset, before)

    def _disturbed(self, tokens: list[int]) -> list[int]:
        size = vocabulary().text_size
        wrong = self._rng.random(len(tokens)) < WRONG_HISTORY
        return [int(self._rng.integers(size)) if w and t < size else t for t, w in zip(tokens, wrong, strict=True)]

    def _sequence(
        self, words: list[tuple[str, int, int]], breaks: set[int], cut_off: bool, offset: int
    ) -> tuple[list[int], list[int], list[tuple[int, int]]]:
        """Decoder input, target and the encoder frames of each target ((-1, -1): none)."""
        names, none = vocabulary(), (-1, -1)
        stamped = self._rng.random() >= SHARE_WITHOUT_STAMPS
        if not words:
            opening = names.first_stamp if stamped else names.no_timestamps
            return [names.sot, opening], [names.no_speech, names.eot], [none, none]
        body: list[tuple[int, tuple[int, int]]] = []
        limit = int(self._rng.integers(4, 11))
        begun = 0
        for i, (word, start, end) in enumerate(words):
            gap = start - words[i - 1][2] if i else 0
            opens = i == 0 or gap > 20 or i - begun >= limit or (i in breaks and self._rng.random() < 0.7)
            if stamped and opens:
                if i:
                    body.append(_stamp(words[i - 1][2], offset))
                body.append(_stamp(min(start, 100) if i == 0 and not offset else start, offset))
                begun = i
            body += [(t, (int(a), int(b))) for t, a, b in token_spans(word, start / 2, end / 2)]
        if stamped:
            body += [_stamp(words[-1][2], offset)] * (2 if cut_off else 1)
        head = [names.sot] if stamped else [names.sot, names.no_timestamps]
        tokens = head + [t for t, _ in body]
        targets = [-100] * (len(head) - 1) + [t for t, _ in body] + [names.eot]
        spans = [none] * (len(head) - 1) + [s for _, s in body] + [none]
        return tokens, targets, spans


def token_spans(word: str, start: float, end: float) -> list[tuple[int, float, float]]:
    """The word's tokens, its time shared among them by their letters."""
    tokens = vocabulary().word(word)
    letters = np.array([vocabulary().characters_of(t) for t in tokens], float)
    edges = start + (end - start) * np.concatenate([[0.0], np.cumsum(letters) / letters.sum()])
    return [(t, float(a), float(b)) for t, a, b in zip(tokens, edges[:-1], edges[1:], strict=True)]


def _stamp(frame: int, offset: int) -> tuple[int, tuple[int, int]]:
    return vocabulary().stamp((frame + offset) / 100), (frame // 2, frame // 2)


def _silence(frames: int) -> Piece:
    pause = np.full(frames, PHONE_ID["pau"], np.int16)
    return Piece(np.full((frames, MELS), SILENT, np.float32), [], pause)


def _part(piece: Piece, first: int, last: int) -> Piece:
    """Words ``first`` to ``last``, cut in the middle of the pauses around them."""
    words = piece.words
    start = (words[first - 1][2] + words[first][1]) // 2 if first else max(0, words[0][1] - 5)
    end = (words[last][2] + words[last + 1][1]) // 2 if last + 1 < len(words) else min(len(piece.mel), words[-1][2] + 5)
    kept = [(w, a - start, b - start) for w, a, b in words[first : last + 1]]
    return Piece(piece.mel[start:end], kept, piece.labels()[start:end])


def _joined(pieces: list[Piece]) -> Piece:
    words, offset = [], 0
    for piece in pieces:
        words += [(w, a + offset, b + offset) for w, a, b in piece.words]
        offset += len(piece.mel)
    return Piece(np.concatenate([p.mel for p in pieces]), words, np.concatenate([p.labels() for p in pieces]))


def _faster(piece: Piece, factor: float) -> Piece:
    mel = stretched(piece.mel, factor)
    places = np.minimum((np.arange(len(mel)) * factor).astype(int), len(piece.mel) - 1)
    words = [(w, round(a / factor), round(b / factor)) for w, a, b in piece.words]
    return Piece(mel, words, piece.labels()[places])
