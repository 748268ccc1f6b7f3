"""The part of Whisper's English vocabulary that the recognizer uses, and the labels of its auxiliary heads."""

from __future__ import annotations

import base64
import functools
import re
from pathlib import Path
from typing import Any

MERGES = 600  # BPE merges beyond the bytes: 1.8 tokens a word, short enough to stay local in time
STAMP_STEP = 5  # of Whisper's 0.02 s timestamp steps: a grid of 0.1 s
WHISPER_VOCABULARY = 51864
CHARACTERS = "abcdefghijklmnopqrstuvwxyz' "
_VOWELS = "aa ae ah ao aw ax ay eh er ey ih iy ow oy uh uw"
_CONSONANTS = "b ch d dh f g hh jh k l m n ng p r s sh t th v w y z zh"
PHONES = ["pau", *_VOWELS.split(), *_CONSONANTS.split()]


class Vocabulary:
    """Maps between Whisper's token ids and the compact ids that training computes with."""

    def __init__(self) -> None:
        import tiktoken
        import whisper
        from whisper.tokenizer import get_tokenizer

        ranks = _ranks(Path(whisper.__file__).parent / "assets" / "gpt2.tiktoken")
        kept = {token: rank for token, rank in ranks.items() if rank < 256 + MERGES}
        self._encoding = tiktoken.Encoding(
            "lower-case English", pat_str=r" ?[a-z']+| ", mergeable_ranks=kept, special_tokens={}
        )
        tokenizer: Any = get_tokenizer(False)
        text = sorted(rank for token, rank in kept.items() if re.fullmatch(rb" ?[a-z']*", token))
        stamps = [tokenizer.timestamp_begin + STAMP_STEP * i for i in range(1500 // STAMP_STEP + 1)]
        special = [tokenizer.eot, tokenizer.sot, tokenizer.no_speech, tokenizer.no_timestamps]
        self.whisper_ids = [*text, *special, *stamps]
        self._compact = {whisper_id: i for i, whisper_id in enumerate(self.whisper_ids)}
        self.text_size = len(text)
        self.eot, self.sot, self.no_speech, self.no_timestamps = (self._compact[i] for i in special)
        self.first_stamp = self._compact[stamps[0]]

    def __len__(self) -> int:
        return len(self.whisper_ids)

    def stamp(self, seconds: float) -> int:
        """Compact id of the timestamp nearest to ``seconds`` (0 to 30)."""
        return self.first_stamp + min(300, max(0, round(seconds * 50 / STAMP_STEP)))

    @functools.lru_cache(maxsize=200_000)  # noqa: B019 - one vocabulary lives as long as the process
    def word(self, word: str) -> tuple[int, ...]:
        """Compact ids of a lower-case word with its leading space."""
        return tuple(self._compact[i] for i in self._encoding.encode(" " + word))

    def characters_of(self, token: int) -> int:
        """Length of a text token in characters, at least 1 and without the leading space."""
        return max(1, len(self._encoding.decode([self.whisper_ids[token]]).strip()))


@functools.cache
def vocabulary() -> Vocabulary:
    """The vocabulary, built once a process."""
    return Vocabulary()


def _ranks(path: Path) -> dict[bytes, int]:
    pairs = (line.split() for line in path.read_text().splitlines() if line.strip())
    return {base64.b64decode(token): int(rank) for token, rank in pairs}
