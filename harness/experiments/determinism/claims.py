"""What the arms of the determinism suite amount to: claims, rows of figures, and the Markdown table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median

from harness.core.records import Claim, Json
from harness.experiments.determinism.arms import (
    AGAIN,
    COMPANIONS,
    FRESH_AGAIN,
    LATER,
    LONG,
    LONGER,
    RELOAD,
    SHORTER,
    THREADS,
)
from harness.experiments.determinism.identity import ArmComparison, Content, DeterminismData, DeterminismWord
from harness.experiments.stage import figure, markdown_table

Compared = Mapping[str, Sequence[ArmComparison]]


@dataclass(frozen=True, slots=True)
class ArmFigures:
    """Counts of the renditions of one arm; None for what is not known."""

    probes: int
    same_tokens: int | None
    same_pcm: int
    first_divergence: Sequence[int]  # speech token, of each rendition that differs
    largest_shift: float | None  # total variation of next-token distributions at the first divergence
    smallest_gap: float | None
    log_mel_db: float | None  # median of those that differ
    same_words: int | None
    transcribed: int


@dataclass(frozen=True, slots=True)
class DeterminismResult:
    """What is kept of one variant: its word, why, the arms, and why an arm could not be spoken."""

    word: str
    why: str
    arms: Mapping[str, ArmFigures]
    not_available: Mapping[str, str]
    content: Content | None  # what is heard of the text before; None where nothing could be told
    reload_every: int

    def details(self) -> Json:
        """Return what the claim keeps of it: all but the sentence, which it has itself."""
        plain = asdict(self)
        return {key: value for key, value in plain.items() if key != "why"}


def determinism_claims(
    name: str, word: DeterminismWord, why: str, seen: DeterminismData, compared: Compared, result: DeterminismResult
) -> list[Claim]:
    """Return the verdict, and one claim an arm.

    An arm that could not be spoken or judged is neither passed nor failed.
    """
    exact = word in (DeterminismWord.BIT, DeterminismWord.TOKEN)
    passed = None if word is DeterminismWord.NOT_JUDGED else exact
    traced = {DeterminismWord.BLEED: False, DeterminismWord.UNKNOWN: None, DeterminismWord.NOT_JUDGED: None}.get(
        word, True
    )
    if word is DeterminismWord.UNSEEDED and seen.content is None:
        traced = None
    count = len(seen.later)
    fresh = [c for c in compared[FRESH_AGAIN] if not c.same]
    unseeded = f"{len(fresh)} of {len(compared[FRESH_AGAIN])} probes differ between fresh processes" if fresh else ""
    missing, details = result.not_available, result.details()

    def arm(claim: str, arms: Sequence[str], when: str) -> Claim:
        comparisons = [c for one in arms for c in compared[one]]
        absent = next((missing[one] for one in arms if one in missing), "")
        return _agreement(
            claim, name, comparisons, when, seen.tie_max, absent, unseeded if claim != "fresh-agree" else ""
        )

    return [
        Claim("determinism", name, f"{word.value}: {why}", passed, count=count, details=details),
        Claim("no-bleed", name, f"{word.value}: {why}", traced, count=count),
        _distinct(name, seen),
        arm("fresh-agree", [FRESH_AGAIN], "in a second fresh process"),
        arm("repeat", [AGAIN], "repeated at once"),
        arm("after-others", [LONGER, SHORTER], "after a longer and a shorter text"),
        _cured(arm("reload", [RELOAD], f"after a reload, {_others(result.reload_every)}"), compared),
        arm("threads", [THREADS], "with another thread count"),
        arm("companions", [COMPANIONS], "computed in one batch with another request"),
        arm("long-session", [LONG], "within a long session"),
    ]


def _others(every: int) -> str:
    return "one other text before it" if every == 1 else f"{every} other texts before it"


def _distinct(name: str, seen: DeterminismData) -> Claim:
    statement = f"{len(seen.collisions)} pairs of different texts have the same samples, of {seen.texts} texts"
    if seen.collisions:
        statement += f": {' and '.join(seen.collisions[0])} for one"
    return Claim("distinct-texts", name, statement, not seen.collisions if seen.texts > 1 else None, count=seen.texts)


def _agreement(
    claim: str, name: str, found: Sequence[ArmComparison], when: str, tie_max: float, absent: str, unseeded: str
) -> Claim:
    if not found:
        reason = f"not available: {absent}" if absent else "all attempts failed"
        return Claim(claim, name, f"no probe was spoken {when} ({reason})", None, count=0)
    same = sum(c.same for c in found)
    tokens = "tokens" if any(c.same_tokens is not None for c in found) else "samples"
    statement = f"{same} of {len(found)} renditions {when} have the {tokens} of a fresh process"
    shifts = [c.shift for c in found if not c.same and c.shift is not None]
    if shifts:
        worst = max(shifts)
        kind = "no more than a tie" if worst <= tie_max else "more than a tie"
        statement += (
            f"; next-token distributions lie up to {worst:.2g} apart at the first divergence, {kind} ({tie_max:g})"
        )
    if unseeded:
        return Claim(claim, name, f"cannot be told from identity, {unseeded}: {statement}", None, count=len(found))
    return Claim(claim, name, statement, same == len(found), same / len(found), count=len(found))


def _cured(claim: Claim, compared: Compared) -> Claim:
    """Whether reloading cures what differs without it, as a measured statement."""
    after, without = compared[RELOAD], [c for arm in LATER for c in compared[arm]]
    if claim.passed is None or not without:
        return claim
    moved = sum(not c.same for c in without)
    statement = f"{claim.statement}; without a reload {len(without) - moved} of {len(without)} have them"
    if not moved:
        statement += ": there is nothing for a reload to cure"
    else:
        statement += ": reloading cures it" if all(c.same for c in after) else ": reloading does not cure it"
    details: Json = {"moved_without": moved, "without": len(without), "moved_after": sum(not c.same for c in after)}
    return Claim(claim.name, claim.variant, statement, claim.passed, claim.value, count=claim.count, details=details)


def arm_figures(comparisons: Sequence[ArmComparison]) -> ArmFigures:
    """Return the figures of one arm."""
    shifts = [c.shift for c in comparisons if c.shift is not None]
    gaps = [c.gap for c in comparisons if c.gap is not None]
    mels = [c.mel_db for c in comparisons if c.mel_db is not None]
    told = [c.same_words for c in comparisons if c.same_words is not None]
    tokens = [c.same_tokens for c in comparisons if c.same_tokens is not None]
    return ArmFigures(
        probes=len(comparisons),
        same_tokens=sum(tokens) if tokens else None,
        same_pcm=sum(c.same_pcm for c in comparisons),
        first_divergence=[c.divergence for c in comparisons if c.divergence is not None],
        largest_shift=max(shifts, default=None),
        smallest_gap=min(gaps, default=None),
        log_mel_db=median(mels) if mels else None,
        same_words=sum(told) if told else None,
        transcribed=len(told),
    )


def determinism_table(results: Mapping[str, DeterminismResult]) -> str:
    """Return one table a variant, arms as rows."""
    heads = ["arm", "renditions", "same tokens", "same PCM", "first divergence (median)", "largest shift",
             "log-mel of those that differ, dB", "same transcript"]  # fmt: skip
    parts = []
    for name, result in results.items():
        rows = [[arm, *_cells(figures)] for arm, figures in result.arms.items()]
        absent = "".join(f"\n- {arm}: not available: {reason}" for arm, reason in result.not_available.items())
        parts.append(f"**{name}: {result.word}**. {result.why}.\n\n{markdown_table(heads, rows)}\n{absent}\n")
    return "\n".join(parts)


def _cells(figures: ArmFigures) -> list[str]:
    first = median(figures.first_divergence) if figures.first_divergence else None
    return [
        str(figures.probes),
        figure(figures.same_tokens, ".0f"),
        str(figures.same_pcm),
        figure(first, ".0f"),
        figure(figures.largest_shift, ".2g"),
        figure(figures.log_mel_db, ".1f"),
        f"{figures.same_words} of {figures.transcribed}" if figures.transcribed else "-",
    ]
