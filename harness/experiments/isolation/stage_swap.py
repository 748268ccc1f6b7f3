"""The bench on which stages are exchanged: who speaks, who decodes whose tokens, and how they compare."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from harness.audio.mel import log_mel_distance
from harness.core.errors import SoakError
from harness.core.records import Attempt, Chunk, Outcome, Samples, TokenLayout, Tokens, Variant, VerdictWord, seed_for
from harness.engine.progress import Tick
from harness.engine.session import PlannedRequest
from harness.experiments.isolation.claims import Decoded, IsolationMargins, IsolationRow, TokenWordErrors
from harness.experiments.isolation.tokens import decoder_readings, probes, valid
from harness.experiments.stage import ExperimentRun

SPOKEN, OTHER_SEEDS = "spoken", "spoken-other-seeds"
REFERENCE_TOKENS, OWN_TOKENS, PROBE, READING = "reference-tokens", "own-tokens", "probe-", "reading-"
EXCHANGED = 6  # texts whose reference tokens go through each vocoder
OWN = 3  # texts decoded again by the vocoder that spoke them

Asked = tuple[str, Chunk, Tokens]  # arm, whose text, tokens


class Bench:
    """The reference's tokens and its decoder, for every variant to be held against."""

    def __init__(self, stage: ExperimentRun, reference: Variant, limits: IsolationMargins) -> None:
        self._stage, self.reference, self._limits = stage, reference, limits
        self._attempts: dict[tuple[str, str], dict[str, Attempt]] = {}  # (variant, arm) -> chunk id
        self._layouts: dict[str, TokenLayout | None] = {}
        self.unjudged = ""
        self.layout: TokenLayout | None = None
        self._probes: dict[str, Tokens] = {}
        self._loudness = 0.0  # dBFS of the reference's speech

    # --------------------------------------------------------------------------------------- the reference
    def prepare(self) -> None:
        """Speak with the reference twice and decode the probes. Raises SoakError when it cannot be loaded."""
        self.speak(self.reference, SPOKEN)
        self.layout = self._layouts[self.reference.name]
        tokens = self._tokens(self.reference)
        if self.layout is None or not tokens:
            self.unjudged = f"the reference {self.reference.name} gives no speech tokens to be exchanged"
            return
        self.speak(self.reference, OTHER_SEEDS, take=1)
        self._score(self.reference, self._attempts[self.reference.name, OTHER_SEEDS])
        self._loudness = float(np.median([_level(*self._audio(a)) for a in self._spoke(self.reference).values()]))
        longest = max(tokens, key=lambda chunk_id: len(tokens[chunk_id]))
        samples, rate = self._audio(self._spoke(self.reference)[longest])
        self._probes = probes(tokens[longest], samples, rate, self.layout, self.reference.seed)
        self._decode(self.reference, "probes", self._probe_turns())

    @property
    def null(self) -> list[IsolationRow]:
        """Return the reference model under other seeds, heard as the variants are."""
        return self._heard(self.reference, self._attempts[self.reference.name, OTHER_SEEDS])

    # --------------------------------------------------------------------------------------- a variant
    def layout_of(self, variant: Variant) -> TokenLayout | None:
        """Speak the texts with the variant; the geometry of its tokens. Raises SoakError when it cannot be loaded."""
        self.speak(variant, SPOKEN)
        return self._layouts[variant.name]

    def decoded(self, variant: Variant) -> list[Decoded]:
        """Return the reference's tokens and the probes through the variant's vocoder, against the reference decoder."""
        keys = list(self._tokens(self.reference).items())[:EXCHANGED]
        chunks = self._chunks()
        asked = [(REFERENCE_TOKENS, chunks[key], tokens) for key, tokens in keys]
        self._decode(variant, "vocoder", asked + self._own_turns(variant) + self._probe_turns())
        mine, spoke = self._attempts[variant.name, REFERENCE_TOKENS], self._spoke(self.reference)
        pairs = [self._pair(f"{REFERENCE_TOKENS} of {key}", mine[key], spoke[key]) for key in mine]
        for name in self._probes:
            own, base = (self._attempts[who.name, PROBE + name] for who in (variant, self.reference))
            pairs += [self._pair(name, own[key], base[key]) for key in own if key in base]
        return pairs

    def own(self, variant: Variant) -> list[Decoded]:
        """Return the variant's own tokens through its own vocoder, against what it spoke."""
        if (variant.name, OWN_TOKENS) not in self._attempts:
            self._decode(variant, "vocoder", self._own_turns(variant))
        spoke = self._spoke(variant)
        again = self._attempts.get((variant.name, OWN_TOKENS), {})
        return [self._pair(key, again[key], spoke[key]) for key in again if key in spoke]

    def spoken(self, variant: Variant) -> list[IsolationRow]:
        """Return the variant's tokens through the reference decoder, judged like any speech of these texts."""
        arm, chunks = f"tokens-of-{variant.name}", self._chunks()
        asked = [(arm, chunks[key], tokens) for key, tokens in self._tokens(variant).items()]
        self._decode(self.reference, arm, asked)
        attempts = self._attempts.get((self.reference.name, arm), {})
        self._score(variant, attempts)
        return self._heard(variant, attempts)

    def diagnose(self, variant: Variant) -> str:
        """Return the one wrong reading of the tokens that explains what this vocoder gives; empty where none does."""
        mine = self._attempts[variant.name, REFERENCE_TOKENS]
        spoken = {key: attempt for key, attempt in mine.items() if attempt.outcome is Outcome.OK}
        if not spoken or self.layout is None:
            return ""
        key = next(iter(spoken))
        tried = decoder_readings(self._tokens(self.reference)[key], self.layout)
        chunk = self._chunks()[key]
        turns = [(f"{READING}{number}", chunk, tokens) for number, tokens in enumerate(tried.values())]
        self._decode(self.reference, f"readings-{variant.name}", turns)
        distances: dict[str, float] = {}
        for number, place in enumerate(tried):
            base = self._attempts[self.reference.name, f"{READING}{number}"][key]
            pair = self._pair(place, spoken[key], base)
            if not pair.problem(self._limits) and pair.mel_db is not None:
                distances[place] = pair.mel_db
        return min(distances, key=lambda place: distances[place]) if distances else ""

    def wer(self, variant: Variant) -> dict[str, TokenWordErrors | None]:
        """Return the word errors of the variant's tokens and of the reference's other seeds, through the reference
        decoder.
        """
        arms = {variant.name: f"tokens-of-{variant.name}", self.reference.name: OTHER_SEEDS}
        return {name: self._words(self._attempts[self.reference.name, arm]) for name, arm in arms.items()}

    # --------------------------------------------------------------------------------------- doing it
    def speak(self, variant: Variant, arm: str, take: int = 0) -> None:
        """Speak every text in one process. Raises SoakError when the backend cannot be loaded."""
        chunks = list(self._chunks().values())
        turns = [PlannedRequest(chunk, take=take, seed=seed_for(variant, chunk.id, take), arm=arm) for chunk in chunks]
        self._collect(variant, arm, turns)

    def _decode(self, variant: Variant, session: str, asked: Sequence[Asked]) -> None:
        if asked:
            turns = [PlannedRequest(chunk, arm=arm, tokens=tokens) for arm, chunk, tokens in asked]
            self._collect(variant, session, turns)

    def _collect(self, variant: Variant, session: str, turns: list[PlannedRequest]) -> None:
        soak = self._stage.soak(variant)
        details: dict[str, object] = {"isolation": session}
        for count, (attempt, chunk, layout) in enumerate(soak.speak_apart(session, turns, details), 1):
            self._attempts.setdefault((variant.name, attempt.arm), {})[chunk.id] = attempt
            self._layouts[variant.name] = layout
            self._stage.progress.tick(Tick(variant.name, session, count, len(turns)))
        if variant.name not in self._layouts:
            raise SoakError(f"{variant.name}: nothing was spoken")

    def _score(self, judged: Variant, attempts: dict[str, Attempt]) -> None:
        soak, chunks, context = self._stage.soak(judged), self._chunks(), self._stage.run.verdicts()
        for key, attempt in attempts.items():
            if attempt.id is not None and attempt.id not in context:
                soak.submit(attempt, chunks[key], self.layout, None)
                self._stage.assessor.collect()
        self._stage.assessor.drain()

    # --------------------------------------------------------------------------------------- looking at it
    def _heard(self, variant: Variant, attempts: dict[str, Attempt]) -> list[IsolationRow]:
        verdicts, spoke = self._stage.run.verdicts(), self._spoke(self.reference)
        generated = self._attempts[variant.name, OTHER_SEEDS if variant is self.reference else SPOKEN]
        rows = []
        for key, attempt in attempts.items():
            verdict = verdicts.get(attempt.id) if attempt.id is not None else None
            judged = verdict is not None and verdict.word.judged
            faulty = verdict.word is VerdictWord.FAULTY if judged and verdict is not None else None
            if attempt.outcome is not Outcome.OK:
                faulty = True
            cut = generated[key].finish_reason == "length"
            rows.append(IsolationRow(key, faulty, cut, self._other_text(key, attempt, spoke)))
        return rows

    def _other_text(self, key: str, attempt: Attempt, spoke: dict[str, Attempt]) -> bool | None:
        """Whether a rendition is nearer to the reference's rendition of another text than to that of its own."""
        order = list(spoke)
        if attempt.outcome is not Outcome.OK or key not in spoke or len(order) < 2:
            return None
        at = order.index(key)
        rivals = [order[(at + step) % len(order)] for step in range(1, min(self._limits.likeness, len(order) - 1) + 1)]
        sound = self._audio(attempt)
        own, *others = (log_mel_distance(*sound, *self._audio(spoke[each])) for each in (key, *rivals))
        return min(others) < own

    def _pair(self, name: str, own: Attempt, base: Attempt) -> Decoded:
        sounds = [a.outcome is Outcome.OK for a in (own, base)]
        if not all(sounds):
            alike = not any(sounds)
            failed = "" if alike else f"gives no sound ({own.detail})" if sounds[1] else "speaks what the other refuses"
            return Decoded(name, failed=failed, quiet=alike)
        (x, rate), (y, base_rate) = self._audio(own), self._audio(base)
        if not np.isfinite(x).all():
            return Decoded(name, failed="is not finite")
        levels = _level(x, rate), _level(y, base_rate)
        quiet = all(level - self._loudness < self._limits.quiet_db for level in levels)
        distance = log_mel_distance(x, rate, y, base_rate)
        seconds = len(x) / rate, len(y) / base_rate
        return Decoded(name, "", distance, levels[0] - levels[1], seconds, quiet)

    def _words(self, attempts: dict[str, Attempt]) -> TokenWordErrors | None:
        errors = words = 0
        for attempt in attempts.values():
            assert attempt.id is not None
            wer = self._stage.run.payloads(attempt.id).or_empty("intelligibility").get("wer")
            if wer:
                errors, words = errors + wer["errors"], words + wer["words"]
        return TokenWordErrors(errors, words, errors / words) if words else None

    def _audio(self, attempt: Attempt) -> tuple[Samples, int]:
        return self._stage.run.read_audio(attempt)

    def _chunks(self) -> dict[str, Chunk]:
        return {chunk.id: chunk for chunk in self._stage.plan.chunks(self.reference)}

    def _spoke(self, variant: Variant) -> dict[str, Attempt]:
        """Return what the variant spoke and gave sound for."""
        every = self._attempts[variant.name, SPOKEN]
        return {key: attempt for key, attempt in every.items() if attempt.outcome is Outcome.OK}

    def _tokens(self, variant: Variant) -> dict[str, Tokens]:
        """Tokens of what was spoken; of the reference only valid ones that gave sound."""
        if variant.name != self.reference.name:
            every = self._attempts[variant.name, SPOKEN]
            return {key: a.tokens for key, a in every.items() if a.tokens is not None}
        tokens = {key: a.tokens for key, a in self._spoke(variant).items() if a.tokens is not None}
        if self.layout is None:
            return tokens
        return {key: t for key, t in tokens.items() if len(t) > 2 and len(valid(t, self.layout)) == len(t)}

    def _own_turns(self, variant: Variant) -> list[Asked]:
        chunks = self._chunks()
        return [(OWN_TOKENS, chunks[key], tokens) for key, tokens in list(self._tokens(variant).items())[:OWN]]

    def _probe_turns(self) -> list[Asked]:
        first = next(iter(self._chunks().values()))
        return [(PROBE + name, first, tokens) for name, tokens in self._probes.items()]


def unlike(reference: TokenLayout | None, other: TokenLayout | None) -> str:
    """Return why tokens of two backends cannot be exchanged; empty where they can."""
    if other is None:
        return "the backend gives no speech tokens to be exchanged"
    if reference is None or other.codebook_sizes != reference.codebook_sizes:
        sizes = reference.codebook_sizes if reference is not None else ()
        return f"its codebooks {other.codebook_sizes} are not the reference's {sizes}: tokens cannot be exchanged"
    return ""


def _level(samples: Samples, rate: int) -> float:
    """Mean level in dBFS."""
    return float(10 * np.log10(np.mean(np.square(samples, dtype=np.float64)) + 1e-12)) if len(samples) else -120.0
