"""One Whisper that is asked about edits: the recognizer's own encoder, and its decoder under teacher forcing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from harness.core.records import Samples, Span
from harness.scorers.asr_faster_whisper import FasterWhisper, model_path
from harness.scorers.asr_window import FULL_FRAMES, WindowedModel
from harness.scorers.base import Unavailable
from harness.scorers.teacher_forcing import TeacherForcedDecoder, TextReading, TokenEdit
from harness.scorers.whisper_tokens import whole_tokenizer
from harness.scorers.word_edits import WordEdit
from harness.text import UNSPACED

if TYPE_CHECKING:
    from ctranslate2 import StorageView

FRAME_SECONDS = 0.02  # of the encoder's output
CONTINUED = 12  # tokens; a word that was put in and the next of the text


@dataclass(frozen=True)
class WordReading:
    """One text read beside one clip, word by word. Log-likelihoods in nats."""

    reader: EditReader
    words: tuple[str, ...]
    starts: tuple[int, ...]  # place of each word's first token, and of the end
    tokens: TextReading
    encoded: StorageView
    frames: int

    @property
    def logprobs(self) -> list[float]:
        """Return the log-probability of each word as written, given the audio and the words before."""
        return [-self.tokens.loss(a, b) for a, b in pairwise(self.starts)]

    @property
    def end_logprob(self) -> float:
        """Return the log-probability that the speech ends with the text."""
        return self.tokens.logprob(self.starts[-1])

    def bound(self, edit: WordEdit) -> float:
        """Return what an edit gains at most."""
        return max(self.tokens.bound(one) for one in self._spelled(edit))

    def gains(self, edits: Sequence[WordEdit]) -> list[float]:
        """Return the gain of each edit over the text as written, by its best spelling."""
        spelled = [(number, one) for number, edit in enumerate(edits) for one in self._spelled(edit)]
        best = [-np.inf] * len(edits)
        for (number, _), gain in zip(spelled, self.tokens.gains([one for _, one in spelled]), strict=True):
            best[number] = max(best[number], gain)
        return best

    def end_at(self, word: int) -> float:
        """Return how much likelier the end is than ``word``, once the words before it are spoken.

        Only this place is compared: the whole rest of a text is always less likely than one sign for the end.
        """
        place, end = self.starts[word], self.starts[-1]
        return self.tokens.logprob(place, self.tokens.tokens[end]) + self.tokens.loss(place, self.starts[word + 1])

    def early_end(self, first: int) -> tuple[int, float]:
        """Return the word from ``first`` on before which the speech most likely ends, and by how much.

        The last word is always asked about; (0, -inf) for a text of one word.
        """
        first = max(1, min(first, len(self.words) - 1))
        gain, word = max(((self.end_at(word), word) for word in range(first, len(self.words))), default=(-np.inf, 0))
        return word, gain

    def continued(self, word: int) -> tuple[str, ...]:
        """Return the words that the model itself goes on with behind the words before ``word``."""
        return self.reader.continued(self, word)

    def times(self) -> list[Span]:
        """Return when each word is spoken, in seconds of the audio that was read, by Whisper's own alignment."""
        return self.reader.times(self)

    def _spelled(self, edit: WordEdit) -> list[TokenEdit]:
        return [
            TokenEdit(self.starts[one.first], self.starts[one.after], self.reader.encode_words(one.words))
            for one in edit.spellings(self.words)
        ]


class EditReader:
    """A model that reads texts in one language beside audio of up to 30 s."""

    def __init__(self, model: str, language: str) -> None:
        from faster_whisper.tokenizer import Tokenizer

        self.model_name = Path(model).name
        engine = FasterWhisper(model)
        engine.setup()
        self._model: WindowedModel = engine.model()
        self._decoder = _decoder(model_path(model) / "model.bin")
        try:
            self._tokenizer = Tokenizer(
                whole_tokenizer(model_path(model) / "tokenizer.json"),
                self._model.model.is_multilingual,
                task="transcribe",
                language=language,
            )
        except ValueError:
            raise Unavailable(f"Whisper {self.model_name} does not know the language {language!r}") from None
        self._spaced = language not in UNSPACED

    def split(self, text: str) -> tuple[str, ...]:
        """Return the words of a text; in languages without spaces the shortest pieces that the tokenizer knows."""
        if self._spaced:
            return tuple(text.split())
        tokens = self._tokenizer.encode("".join(text.split()))
        return tuple(self._tokenizer.split_to_word_tokens(tokens)[0])

    def encode_words(self, words: Sequence[str]) -> tuple[int, ...]:
        """Return the tokens of words within a text."""
        if not self._spaced:
            return tuple(self._tokenizer.encode("".join(words))) if words else ()
        return tuple(token for word in words if word for token in self._tokenizer.encode(f" {word}"))

    def read(self, samples: Samples, words: Sequence[str]) -> WordReading:
        """Read words beside 16 kHz audio. Raises Unavailable for a text beyond the model's length."""
        pieces = [self.encode_words([word]) for word in words]
        prompt = [*self._tokenizer.sot_sequence, self._tokenizer.no_timestamps]
        starts = np.cumsum([len(prompt), *map(len, pieces)]).tolist()
        tokens = [*prompt, *(token for piece in pieces for token in piece), self._tokenizer.eot]
        if len(tokens) > self._decoder.most_tokens:
            raise Unavailable(f"{len(tokens)} tokens in one window, Whisper has room for {self._decoder.most_tokens}")
        encoded, frames = self.encode(samples)
        states = np.array(encoded, dtype=np.float32)[0]
        return WordReading(self, tuple(words), tuple(starts), self._decoder.read(states, tokens), encoded, frames)

    def encode(self, samples: Samples, full_window: bool = False) -> tuple[StorageView, int]:
        """Return the encoder's output for 16 kHz audio and its mel frames, as the recognizer's own first window."""
        from faster_whisper.audio import pad_or_trim

        features = self._model.feature_extractor(np.ascontiguousarray(samples, np.float32))[:, :-1]
        frames = min(features.shape[-1], FULL_FRAMES)
        self._model.full_window = full_window
        return self._model.encode(pad_or_trim(features[:, :frames])), frames

    def continued(self, reading: WordReading, word: int) -> tuple[str, ...]:
        """Return up to ``CONTINUED`` tokens, as words, that the model writes behind the words before ``word``."""
        prompt = list(reading.tokens.tokens[: reading.starts[word]])
        before = len(prompt) - reading.starts[0]  # CTranslate2 counts and returns what the text begins with, too
        length = min(len(prompt) + before + CONTINUED, self._decoder.most_tokens)
        written = self._model.model.generate(reading.encoded, [prompt], beam_size=1, max_length=length)
        return self.split(self._tokenizer.decode(written[0].sequences_ids[0][before:]))

    def times(self, reading: WordReading) -> list[Span]:
        """Return the span of each word in seconds."""
        text = list(reading.tokens.tokens[reading.starts[0] :])
        aligned = self._model.model.align(
            reading.encoded, list(self._tokenizer.sot_sequence), [text], [reading.frames]
        )[0]
        first: dict[int, int] = {}
        for token, frame in aligned.alignments:
            first.setdefault(token, frame)
        edges = [first.get(place - reading.starts[0], 0) * FRAME_SECONDS for place in reading.starts]
        return [(a, max(a, b)) for a, b in pairwise(edges)]

    def language_scores(self, samples: Samples) -> dict[str, float]:
        """Return the probability of each language that a multilingual model hears in up to 30 s of audio."""
        encoded, _ = self.encode(samples, full_window=True)  # in a short one a second of speech sounds English
        scores = self._model.model.detect_language(encoded)[0]
        return {token.strip("<|>"): float(score) for token, score in scores}


@lru_cache(maxsize=4)
def _decoder(path: Path) -> TeacherForcedDecoder:
    """Return the decoder of a model file, loaded once a process."""
    return TeacherForcedDecoder(path)
