"""What a recognizer hears against what was asked for: WER, CER, word alignment with times."""

from __future__ import annotations

from typing import Literal, cast

from harness.core.records import LOOPED
from harness.core.records.payloads import ErrorRate, TranscriptPayload
from harness.scorers.asr import Recognizer, recognizer, transcript_of
from harness.scorers.asr_models import DEFAULT
from harness.scorers.base import Clip, Unavailable
from harness.scorers.transcript import Transcript
from harness.text import Normaliser, default_normaliser, normaliser
from harness.text.alignment import ErrorCounts, align_characters, align_words, retime


class IntelligibilityScorer:
    """Word and character errors of one recognizer (Levenshtein, through jiwer) with a named normaliser.

    ``asr`` is a recognizer spec (see ``harness.scorers.asr.recognizer``), ``normalise`` the name of a normaliser;
    both have defaults, the normaliser's by language. Raises ConfigError for a wrong name.
    """

    name = "intelligibility"
    room = "recognizer"
    needs = frozenset({"audio", "text"})

    def __init__(self, asr: str | None = None, normalise: str | None = None, device: str = "cpu") -> None:
        self.recognizer: Recognizer = recognizer(asr or DEFAULT, device)
        self.normalise = normaliser(normalise).name if normalise else None
        self.version = f"2 {self.recognizer.spec}"

    def setup(self) -> None:
        """Load the recognizer."""
        self.recognizer.setup()

    def observe(self, clip: Clip) -> TranscriptPayload:
        """Return the payload ``intelligibility`` of ARCHITECTURE.md."""
        language = clip.chunk.language
        spoken = self.recognizer.languages
        if spoken is not None and language.split("-")[0].lower() not in spoken:
            raise Unavailable(f"{self.recognizer.spec} does not read {language!r}")
        heard = transcript_of(clip, self.recognizer)
        if heard.looped:
            raise Unavailable(LOOPED)
        chosen = normaliser(self.normalise or default_normaliser(language))
        return transcript_payload(heard, clip.chunk.expected_text, language, chosen)


def transcript_payload(heard: Transcript, text: str, language: str, normalise: Normaliser) -> TranscriptPayload:
    """Return the payload of a transcript. ``words`` is parallel to ``hypothesis``, or empty without times."""
    reference, hypothesis = normalise.pair(text, heard.text)
    pieces = [normalise(w.word).split() for w in heard.words]
    words = retime(heard.words, pieces, hypothesis.split()) if heard.words else []
    counts, operations = align_words(reference, hypothesis)
    characters = align_characters(reference, hypothesis, spaces=not normalise.letters)
    payload: TranscriptPayload = {
        "engine": heard.engine,
        "model": heard.model,
        "normaliser": normalise.label,
        "language": language,
        "text": heard.text,
        "reference": reference,
        "hypothesis": hypothesis,
        "words": [w.to_json() for w in words],
        "wer": _rates(counts, "words"),
        "cer": _rates(characters, "characters"),
        "alignment": [o.to_json() for o in operations],
        "avg_logprob": heard.avg_logprob,
        "no_speech_prob": heard.no_speech_prob,
    }
    return cast(TranscriptPayload, {**heard.extras, **payload})


def _rates(counts: ErrorCounts, unit: Literal["words", "characters"]) -> ErrorRate:
    rate: ErrorRate = {"errors": counts.errors}
    rate[unit] = counts.units
    rate["substitutions"] = counts.substitutions
    rate["deletions"] = counts.deletions
    rate["insertions"] = counts.insertions
    rate["rate"] = counts.rate
    return rate
