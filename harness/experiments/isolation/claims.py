"""Language model, vocoder or loading: where a fault sits, from stages exchanged with the reference's.

Every property is asserted against the reference decoder on the same tokens, never against a belief about a code.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum

from harness import stats
from harness.core.records import Claim, Json
from harness.experiments.isolation.weights import EmbeddingFigures, Kind, Problem


class Place(StrEnum):
    """Where the fault sits."""

    HEALTHY = "healthy"
    MODEL = "language model"
    VOCODER = "vocoder"
    LOADING = "loading"
    NOT_JUDGED = "not judged"


@dataclass(frozen=True, slots=True)
class Decoded:
    """One set of tokens through two decoders. Differences are those of this decoder from the reference's."""

    name: str  # of the tokens
    failed: str = ""  # why one of the two gave no sound, though the other did
    mel_db: float | None = None
    level_db: float | None = None
    seconds: tuple[float, float] = (0.0, 0.0)  # this one's, the reference's
    quiet: bool = False  # both are silent against the voice's speech: their spectra say nothing

    def problem(self, limits: IsolationMargins) -> str:
        """Return what of the reference's sound does not hold here; empty where all of it holds."""
        if self.failed:
            return self.failed
        own, base = self.seconds
        if abs(own - base) > max(limits.seconds_max * base, 0.05):
            return f"lasts {own:.2f} s, through the reference decoder {base:.2f} s"
        if self.quiet:
            return ""
        if self.level_db is not None and abs(self.level_db) > limits.level_max:
            return f"is {self.level_db:+.1f} dB from the reference decoder's level (limit {limits.level_max:g} dB)"
        if self.mel_db is not None and self.mel_db > limits.mel_max:
            return f"lies {self.mel_db:.1f} dB from the reference decoder's (log-mel, limit {limits.mel_max:g} dB)"
        return ""


@dataclass(frozen=True, slots=True)
class IsolationMargins:
    """Margins of the suite's claims, from the table ``[isolation]`` of its limits file."""

    mel_max: float = 3.0  # dB, log-mel distance of two decoders on the same tokens
    level_max: float = 6.0  # dB
    seconds_max: float = 0.05  # relative
    quiet_db: float = -40.0  # below the voice's speech: silent
    excess_max: float = 0.25  # share of bad texts above the reference's own
    likeness: int = 5  # other texts that a rendition is compared with


@dataclass(frozen=True, slots=True)
class IsolationRow:
    """One text from this model's tokens through the reference decoder. None: not known."""

    chunk_id: str
    faulty: bool | None  # by its verdict
    cut: bool = False  # the generation ran to its cap
    other_text: bool | None = None  # sounds more like the reference's rendition of another text than of its own

    @property
    def bad(self) -> bool | None:
        """Return whether it is bad by verdict, cap or likeness; None where neither could look."""
        if self.faulty or self.cut or self.other_text:
            return True
        return False if self.faulty is False or self.other_text is False else None


@dataclass(frozen=True)
class IsolationData:
    """All that the verdict on one variant rests on."""

    unjudged: str = ""  # why nothing could be exchanged
    unloadable: str = ""
    decoded: Sequence[Decoded] = ()  # the reference's tokens and the probes through this vocoder
    diagnosis: str = ""  # what a wrong vocoder does, where one explanation fits
    spoken: Sequence[IsolationRow] = ()  # this model's tokens through the reference vocoder
    null: Sequence[IsolationRow] = ()  # the reference model's, under other seeds
    own: Sequence[Decoded] = ()  # its own tokens through its own vocoder, against what it spoke
    weights: Sequence[Problem] | None = None  # None: not readable
    weights_reason: str = ""
    limits: IsolationMargins = field(default_factory=IsolationMargins)


@dataclass(frozen=True, slots=True)
class TokenWordErrors:
    """Word errors of one model's tokens through the reference decoder."""

    errors: int
    words: int
    rate: float


@dataclass(frozen=True)
class IsolationResult:
    """What is kept of one variant: where the fault sits and why, and all that was looked at."""

    places: Sequence[str]
    why: str
    diagnosis: str
    decoded: Sequence[DecodedResult]
    own: Sequence[DecodedResult]
    spoken: Sequence[IsolationRow]
    null: Sequence[IsolationRow]
    embeddings: Mapping[str, EmbeddingFigures] | None
    claims: Mapping[str, tuple[bool | None, str]]
    wer: Mapping[str, TokenWordErrors | None] | None


@dataclass(frozen=True, slots=True)
class DecodedResult(Decoded):
    """One set of tokens through two decoders, with what is wrong by the margins; empty where nothing is."""

    wrong: str = ""

    @classmethod
    def of(cls, decoded: Decoded, limits: IsolationMargins) -> DecodedResult:
        """Judge what two decoders gave."""
        return cls(**asdict(decoded), wrong=decoded.problem(limits))


Judged = tuple[bool | None, str]  # holds, why


def vocoder(seen: IsolationData) -> Judged:
    """Return whether this vocoder does to all tokens what the reference decoder does."""
    if not seen.decoded:
        return None, seen.unjudged or "no tokens could be exchanged"
    wrong = [(d.name, statement) for d in seen.decoded if (statement := d.problem(seen.limits))]
    total = len(seen.decoded)
    if not wrong:
        return True, f"all {total} sets of tokens sound as through the reference decoder"
    statement = f"{len(wrong)} of {total} sets of tokens do not sound as through the reference decoder: {wrong[0][0]} "
    return False, f"{statement}{wrong[0][1]}{f'; {seen.diagnosis}' if seen.diagnosis else ''}"


def model(seen: IsolationData) -> tuple[bool | None, str, tuple[float, float] | None]:
    """Return whether this model's tokens make no more bad texts by the reference decoder than the reference's own do.

    With the reason in words, and the interval of the difference where there is one.
    """
    judged, null = [s.bad for s in seen.spoken if s.bad is not None], [s.bad for s in seen.null if s.bad is not None]
    if not judged or not null:
        reason = "no text could be judged" if seen.spoken and seen.null else "no tokens could be exchanged"
        return None, seen.unjudged or reason, None
    bad, base = sum(judged), sum(null)
    interval = stats.rate_difference(bad, len(judged), base, len(null))
    verdicts = sum(s.faulty is not None for s in seen.spoken)
    how = (
        "all judged by verdict" if verdicts == len(seen.spoken) else f"{verdicts} judged by verdict, others by likeness"
    )
    statement = f"{bad} of {len(judged)} texts from its tokens are bad through the reference decoder ({how}); "
    statement += f"the reference's own with other seeds: {base} of {len(null)}"
    if (holds := stats.at_most(interval, seen.limits.excess_max)) is not None:
        return holds, statement, interval
    statement += f"; the difference is compatible with up to {interval[1]:.0%}"
    return None, f"too small to say against a margin of {seen.limits.excess_max:.0%}: {statement}", interval


def weights(seen: IsolationData) -> Judged:
    """Return whether the weights in the file are a quantization of the reference's."""
    if seen.weights is None:
        return None, seen.weights_reason
    if not seen.weights:
        return True, "every tensor is a quantization of the reference's, no row of an embedding is zero or odd"
    first = seen.weights[0]
    more = f", and {len(seen.weights) - 1} more" if len(seen.weights) > 1 else ""
    return False, f"{first.tensor} is {first.kind}: {first.says}{more}"


def locate_fault(seen: IsolationData) -> tuple[tuple[Place, ...], str]:
    """Return the places at fault and why, in a sentence; ``(HEALTHY,)`` or ``(NOT_JUDGED,)`` where there is none."""
    if seen.unloadable:
        return (Place.LOADING,), f"the backend cannot be loaded: {seen.unloadable}"
    misloaded = [p for p in seen.weights or () if p.kind is not Kind.DAMAGED]
    (sound, why_sound), (speech, why_speech, _) = vocoder(seen), model(seen)
    spoiled, why_held = weights(seen)
    places: list[tuple[Place, str]] = []
    if sound is False:
        places.append((Place.VOCODER, why_sound))
    if misloaded:
        places.append((Place.LOADING, f"{why_held}; {why_speech}"))
    elif speech is False:
        cause = {False: f"; its weights: {why_held}", True: "; its weights are the reference's", None: ""}[spoiled]
        places.append((Place.MODEL, f"{why_speech}{cause}"))
    if places:
        return tuple(place for place, _ in places), ". ".join(why for _, why in places)
    if sound and speech:
        return (Place.HEALTHY,), f"{why_sound}; {why_speech}"
    return (Place.NOT_JUDGED,), "; ".join(why for ok, why in ((sound, why_sound), (speech, why_speech)) if ok is None)


def isolation_claims(name: str, seen: IsolationData) -> list[Claim]:
    """Return the verdict, the three stages, and one claim a set of tokens."""
    places, why = locate_fault(seen)
    passed = {Place.HEALTHY: True, Place.NOT_JUDGED: None}.get(places[0], False)
    word = " and ".join(places) if places[0] is not Place.NOT_JUDGED else "the place cannot be judged"
    details: Json = {"places": [place.value for place in places], "diagnosis": seen.diagnosis}
    sound, speech, answers = vocoder(seen), model(seen), weights(seen)
    return [
        Claim("isolation", name, f"{word}: {why}", passed, count=len(seen.spoken), details=details),
        Claim("vocoder", name, sound[1], sound[0], count=len(seen.decoded)),
        Claim("language-model", name, speech[1], speech[0], None, speech[2], seen.limits.excess_max, len(seen.spoken)),
        Claim("weights", name, answers[1], answers[0], details={"problems": [_plain(p) for p in seen.weights or ()]}),
        _stages(name, seen),
        *(_tokens(name, kind, title, seen) for kind, title in PROBES.items()),
    ]


PROBES: Mapping[str, str] = {
    "reference-tokens": "the reference's tokens",
    "silence": "the quietest frame of the reference, repeated",
    "one-token": "the loudest frame of the reference, repeated",
    "random": "random valid tokens",
    "order": "tokens with their codebooks in the wrong order",
    "offset": "tokens moved by one code",
}


def _tokens(name: str, kind: str, title: str, seen: IsolationData) -> Claim:
    decoded = [d for d in seen.decoded if d.name.startswith(kind)]
    if not decoded:
        return Claim(kind, name, seen.unjudged or f"{title}: this voice has none to make", None, count=0)
    wrong = [(d.name, statement) for d in decoded if (statement := d.problem(seen.limits))]
    mels = [d.mel_db for d in decoded if d.mel_db is not None and not d.quiet]
    statement = f"{title}: {len(decoded) - len(wrong)} of {len(decoded)} sound as through the reference decoder"
    statement += f" (log-mel distance up to {max(mels):.1f} dB)" if mels else ""
    statement += f"; {wrong[0][0]} {wrong[0][1]}" if wrong else ""
    return Claim(kind, name, statement, not wrong, max(mels, default=None), None, seen.limits.mel_max, len(decoded))


def _stages(name: str, seen: IsolationData) -> Claim:
    if not seen.own:
        return Claim("stages", name, seen.unjudged or "its own tokens were not decoded", None, count=0)
    wrong = [(d.name, statement) for d in seen.own if (statement := d.problem(seen.limits))]
    statement = (
        f"{len(seen.own) - len(wrong)} of {len(seen.own)} texts sound as spoken when their tokens are decoded alone"
    )
    statement += f"; {wrong[0][0]} {wrong[0][1]}" if wrong else ""
    return Claim("stages", name, statement, not wrong, count=len(seen.own))


def _plain(problem: Problem) -> Json:
    return {"tensor": problem.tensor, "kind": problem.kind.value, "says": problem.says}
