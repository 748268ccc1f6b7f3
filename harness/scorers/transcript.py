"""What a recognizer heard in a clip."""

from __future__ import annotations

from dataclasses import dataclass, field

from harness.core.records import Json
from harness.scorers.hearing import Hearing
from harness.text.alignment import TimedWord


@dataclass(frozen=True, slots=True)
class Transcript:
    """What an engine heard. ``avg_logprob`` in nats per token, ``no_speech_prob`` in [0, 1]; None if it has none.

    ``looped``: the transcript is the recognizer's own loop, and its words are none of the speech.
    ``extras`` are further payload keys of the engine (its settings, its windows).
    """

    text: str
    words: tuple[TimedWord, ...]
    engine: str
    model: str
    avg_logprob: float | None = None
    no_speech_prob: float | None = None
    looped: bool = False
    extras: Json = field(default_factory=dict)

    @classmethod
    def of(cls, hearing: Hearing, engine: str, model: str, extras: Json) -> Transcript:
        """Return the transcript of all windows of a hearing, with its tries and the windows' figures in ``extras``."""
        windows = hearing.windows
        likely = [(w.avg_logprob, w.tokens + 1) for w in windows if w.avg_logprob is not None]
        total = sum(tokens for _, tokens in likely)
        return cls(
            text="".join(w.text for w in windows).strip(),
            words=tuple(word for w in windows for word in w.words),
            engine=engine,
            model=model,
            avg_logprob=sum(value * tokens for value, tokens in likely) / total if total else None,
            no_speech_prob=min((w.no_speech_prob for w in windows if w.no_speech_prob is not None), default=None),
            looped=hearing.looped,
            extras={
                **extras,
                "speech_seconds": round(hearing.speech_seconds, 3),
                "tries": hearing.tries,
                "windows": [w.to_json() for w in windows],
            },
        )
