"""Would another text explain the audio better? Log-likelihood ratios of edits under Whisper's decoder, in nats.

The text as written is held against the same text with words left out, said again, put in, said otherwise, or ending
early. Every single word is tried; longer edits where the transcript gives cause. What looks suspicious is asked of a
second Whisper too. The log-probability of each word as written is its intelligibility.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

from harness.core.records import LOOPED, Samples
from harness.core.records.payloads import EditsPayload, UnexplainedStretch
from harness.scorers.asr import Recognizer, recognizer, speech_16k, transcript_of
from harness.scorers.asr_faster_whisper import model_path
from harness.scorers.asr_models import DEFAULT, ENGLISH, OTHERS, is_english, model_named
from harness.scorers.base import Clip, Unavailable
from harness.scorers.clip import SharedClip
from harness.scorers.hearing import SpokenPart, spoken_part
from harness.scorers.scored_edits import ScoredEdit, second_asked
from harness.scorers.unexplained import UnexplainedSpeech, unexplained
from harness.scorers.voice_activity import RATE, voiced
from harness.scorers.weights import model_names
from harness.scorers.word_edits import EditKind, WordEdit, as_heard, as_spelled, everywhere, last_heard
from harness.text import UNSPACED, default_normaliser, normaliser, primary, spoken_letters, spoken_text
from harness.text.alignment import TimedWord

if TYPE_CHECKING:
    from harness.scorers.edit_reader import EditReader, WordReading

TRIED = 6  # edits of each kind that are read in full, those that could gain most first
RUNS = 12  # runs of words that are read in full
LIKELY = -8.0  # nats; every edit that could gain more is read too
KEPT = 16  # edits of the payload
LOW_WORD = -3.0  # nats; a word this unlikely gives cause to try runs of words
LEAST_LANGUAGE = 1.0  # s of speech that tell a language
A_LANGUAGE = 2.0  # s that are asked about at once: part of a longer stretch may be in the text's own
MOST_PARTS = 4
LONGEST = 29.0  # s that one window holds


class EditLikelihoodScorer:
    """Scores edits with the model of the run's recognizer where it is a Whisper known here, else with the default's."""

    name = "edit_likelihood"
    room = "recognizer"
    needs = frozenset({"audio", "text"})

    def __init__(self, asr: str | None = None, device: str = "cpu") -> None:
        self._listener: Recognizer = recognizer(asr or DEFAULT, device)
        self._asr = asr
        self.version = f"3 {self._listener.spec}"
        self._readers: dict[tuple[str, str], EditReader] = {}

    def prepare(self, languages: Iterable[str]) -> None:
        """See to it that the weights for texts in these languages are on this machine. Raises ConfigError."""
        self._listener.prepare(languages)
        for model in {OTHERS, *(self._first(primary(language)) for language in languages)}:
            model_path(model)

    def setup(self) -> None:
        """Load nothing yet: which model is needed depends on the language of the text."""

    def observe(self, clip: Clip) -> EditsPayload:
        """Return the payload ``edit_likelihood`` of ARCHITECTURE.md."""
        language = primary(clip.chunk.language)
        samples = speech_16k(clip)
        part = spoken_part(samples)  # what the recognizer was given: it is encoded once for both
        audio = part.audio
        if not part.speech.spans:
            raise Unavailable("nobody speaks")
        if len(audio) > LONGEST * RATE:
            raise Unavailable(f"more than {LONGEST:.0f} s of speech")
        reader = self._reader(self._first(language), language)
        words = reader.split(_spoken(clip.chunk.expected_text))
        if not words:
            raise Unavailable("no words in the text")
        transcript = transcript_of(clip, self._listener)
        if transcript.looped:
            raise Unavailable(LOOPED)
        same = _same(language)
        heard = reader.split(transcript.text)
        spelled = as_spelled(words, heard, same)
        reading = reader.read(audio, spelled)
        scored = _scored(reading, words, heard, same)
        second = self._reader(OTHERS, language) if is_english(language) else None
        scored = second_asked(scored, second, audio, spelled)
        strange = _unexplained(clip, words, transcript.words, same, language)
        return {
            **_payload(reading, words, scored, part, second),
            "unexplained": [self._described(one, samples, language) for one in strange],
        }

    def _described(self, one: UnexplainedSpeech, samples: Samples, language: str) -> UnexplainedStretch:
        """Return a stretch as JSON, with the likeliest other language where it is long enough to tell."""
        piece = samples[round(one.span[0] * RATE) : round(one.span[1] * RATE)]
        if one.seconds < LEAST_LANGUAGE or voiced(piece).seconds < LEAST_LANGUAGE:  # a hum has no language
            return one.to_json()
        reader = self._reader(OTHERS, language)
        scores = min((reader.language_scores(part) for part in _parts(piece)), key=lambda one: one.get(language, 0.0))
        own = scores.pop(language, None)
        top = max(scores, key=lambda name: scores[name])
        return {
            **one.to_json(),
            "language": top,
            "probability": round(scores[top], 4),
            "own": None if own is None else round(own, 4),
        }

    def _first(self, language: str) -> str:
        named = model_named(self._asr, language)
        return named if named in model_names() else ENGLISH if is_english(language) else OTHERS

    def _reader(self, model: str, language: str) -> EditReader:
        from harness.scorers.edit_reader import EditReader

        if (model, language) not in self._readers:
            self._readers[model, language] = EditReader(model, language)
        return self._readers[model, language]


def _parts(piece: Samples) -> list[Samples]:
    """Return a stretch whole where it is short, else up to four parts of 2 s, evenly over it."""
    width = round(A_LANGUAGE * RATE)
    if len(piece) < 1.25 * width:
        return [piece]
    count = min(MOST_PARTS, 2 * len(piece) // width - 1)
    step = (len(piece) - width) / max(count - 1, 1)
    return [piece[round(k * step) : round(k * step) + width] for k in range(count)]


def read_beside_text(samples: Samples, text: str, language: str) -> WordReading:
    """Read a text beside 16 kHz audio with the default model of its language.

    Raises Unavailable for a text without words, more than 29 s of audio, and a language that the model does not know.
    """
    from harness.scorers.edit_reader import EditReader

    if len(samples) > LONGEST * RATE:
        raise Unavailable(f"more than {LONGEST:.0f} s of audio")
    reader = EditReader(ENGLISH if is_english(language) else OTHERS, primary(language))
    words = reader.split(_spoken(text))
    if not words:
        raise Unavailable("no words in the text")
    return reader.read(samples, words)


def _spoken(text: str) -> str:
    """Return what is to be read of a text: no tags, no signs that stand alone."""
    return " ".join(word for word in spoken_text(text).split() if re.search(r"\w", word))


def _unexplained(
    clip: Clip, words: Sequence[str], heard: Sequence[TimedWord], same: Callable[[str, str], bool], language: str
) -> list[UnexplainedSpeech]:
    activity = SharedClip.of(clip).activity
    bounds = activity.span
    if bounds is None:
        return []
    if language in UNSPACED:
        words, heard = list("".join(words)), [one for word in heard for one in _characters(word)]
    return unexplained(words, heard, same, activity, bounds, partial(spoken_letters, language=language))


def _characters(word: TimedWord) -> list[TimedWord]:
    width = (word.end - word.start) / max(len(word.word), 1)
    return [TimedWord(c, word.start + k * width, word.start + (k + 1) * width) for k, c in enumerate(word.word)]


def _same(language: str) -> Callable[[str, str], bool]:
    normalise = normaliser(default_normaliser(language))

    def same(one: str, other: str) -> bool:
        written, spoken = normalise.pair(one, other)
        return written.replace(" ", "") == spoken.replace(" ", "")

    return same


def _scored(
    reading: WordReading, words: Sequence[str], heard: Sequence[str], same: Callable[[str, str], bool]
) -> list[ScoredEdit]:
    """Return the edits that were read in full, each once, the ones that gain most first."""
    runs = sorted(_runs(reading), key=lambda edit: -reading.bound(edit))[:RUNS]
    edits = list(dict.fromkeys([*as_heard(words, heard, same), *runs]))
    for kind in (EditKind.OMIT, EditKind.REPEAT):
        single = [edit for edit in everywhere(words) if edit.kind is kind and edit not in edits]
        ranked = sorted(((reading.bound(edit), edit) for edit in single), key=lambda pair: -pair[0])
        edits += [edit for rank, (bound, edit) in enumerate(ranked) if rank < TRIED or bound > LIKELY]
    edits = [edit for edit in edits if edit.said or any(reading.words[edit.first : edit.after])]
    scored = [ScoredEdit(edit, gain) for edit, gain in zip(edits, reading.gains(edits), strict=True)]
    word, gain = reading.early_end(last_heard(words, heard, same))
    if word:
        scored.append(ScoredEdit(WordEdit(EditKind.END, word, len(words)), gain))
    return sorted(scored, key=lambda one: -one.gain)


def _runs(reading: WordReading) -> Iterator[WordEdit]:
    """Yield runs of two and three words around words that are hardly there: they may be missing together."""
    low = {place for place, logprob in enumerate(reading.logprobs) if logprob < LOW_WORD}
    for edit in everywhere(reading.words, 3):
        if edit.after - edit.first > 1 and edit.kind is EditKind.OMIT and {edit.first, edit.after} & low:
            yield edit


def _payload(
    reading: WordReading,
    words: Sequence[str],
    scored: Sequence[ScoredEdit],
    part: SpokenPart,
    second: EditReader | None,
) -> EditsPayload:
    times = [(part.clip_time(a), part.clip_time(b)) for a, b in reading.times()]
    best = sorted(scored, key=lambda one: -one.agreed)
    kept = [*best[:KEPT], *(one for one in best[KEPT:] if one.second is not None)]
    asked = any(one.second is not None for one in scored)
    return {
        "model": reading.reader.model_name,
        "second": second.model_name if second is not None and asked else None,
        "words": [
            {"word": word, "start": round(a, 2), "end": round(b, 2), "logprob": round(logprob, 2)}
            for word, (a, b), logprob in zip(words, times, reading.logprobs, strict=True)
        ],
        "end_logprob": round(reading.end_logprob, 2),
        "edits": [one.to_json(times) for one in kept],
        "hypotheses": len(scored),
    }
