"""What was heard of the variant, the reference and the hybrids on the same texts and seeds."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypedDict

from harness import stats
from harness.causes.budget import Budget
from harness.core.errors import SoakError
from harness.core.records import Attempt, Chunk, Claim, Variant, VerdictWord, seed_for
from harness.engine.progress import Tick
from harness.engine.session import PlannedRequest
from harness.experiments.stage import ExperimentRun

SIGNIFICANT = 0.05  # p-value at which a variant is heard to be worse than the reference
_UNLIKELY = 0.1  # a set is given up where so many faults would be rarer than this at the reference's rate


class HeardFigures(TypedDict):
    """A HeardOutcome as JSON: counts with the exact interval of the fault rate, WER as errors over words."""

    faulty: int
    judged: int
    rate: float | None
    low: float
    high: float
    errors: int
    words: int
    wer: float | None


@dataclass(frozen=True, slots=True)
class HeardOutcome:
    """Of some chunks by one voice: by chunk id, whether it is faulty (None: not judged), errors and words."""

    faulty: Mapping[str, bool | None]
    words: Mapping[str, tuple[int, int]]

    @property
    def count(self) -> int:
        """Return chunks that are faulty."""
        return sum(bool(one) for one in self.faulty.values())

    @property
    def judged(self) -> int:
        """Return chunks that are clean or faulty."""
        return sum(one is not None for one in self.faulty.values())

    @property
    def rate(self) -> float:
        """Return faulty of judged, 0 where nothing was judged."""
        return self.count / self.judged if self.judged else 0.0

    def of(self, ids: Sequence[str]) -> HeardOutcome:
        """Return the part of these chunks."""
        return HeardOutcome(
            {key: self.faulty[key] for key in ids if key in self.faulty},
            {key: self.words[key] for key in ids if key in self.words},
        )

    def to_json(self) -> HeardFigures:
        """Return counts with exact intervals, WER as errors over words."""
        low, high = stats.clopper_pearson(self.count, self.judged)
        errors, words = (sum(pair[i] for pair in self.words.values()) for i in (0, 1))
        return {
            "faulty": self.count, "judged": self.judged, "rate": self.rate if self.judged else None,
            "low": low, "high": high, "errors": errors, "words": words, "wer": errors / words if words else None,
        }  # fmt: skip

    def says(self) -> str:
        """Return "3 of 60 faulty (5.0%, 1.0% to 13.9%), WER 0.089"."""
        if not self.judged:
            return "nothing was judged"
        row = self.to_json()
        wer = f", WER {row['wer']:.3f}" if row["wer"] is not None else ""
        return f"{self.count} of {self.judged} faulty ({self.rate:.1%}, {row['low']:.1%} to {row['high']:.1%}){wer}"


def worse_p_value(variant: HeardOutcome, reference: HeardOutcome) -> float:
    """Return the two-sided exact McNemar p-value of the two on the same chunks; 1 where the variant is not worse."""
    both = [key for key, one in variant.faulty.items() if one is not None and reference.faulty.get(key) is not None]
    only = sum(bool(variant.faulty[key]) and not reference.faulty[key] for key in both)
    other = sum(bool(reference.faulty[key]) and not variant.faulty[key] for key in both)
    return stats.mcnemar(only, other) if only > other else 1.0


def compatible_with(outcome: HeardOutcome, rate: float) -> bool:
    """Return whether so many faults are not unlikely at this rate (one-sided exact binomial test at 10%)."""
    if not outcome.judged:
        return False
    from scipy.stats import binomtest

    test = binomtest(outcome.count, outcome.judged, min(max(rate, 0.0), 1.0), alternative="greater")
    return float(test.pvalue) > _UNLIKELY


def within_margin(restored: HeardOutcome | None, reference: HeardOutcome | None, margin: float) -> bool | None:
    """Return whether the fault rate is at most ``margin`` above the reference's.

    None where one of them was not judged.
    """
    if restored is None or reference is None or not restored.judged or not reference.judged:
        return None
    return restored.rate - reference.rate <= margin


class Ears:
    """Speaks and judges chunks with one voice after the other; what the run has already is taken from it."""

    def __init__(self, stage: ExperimentRun, budget: Budget) -> None:
        self._stage, self._budget = stage, budget

    def speak(
        self,
        variant: Variant,
        arm: str,
        chunks: Sequence[Chunk],
        judged_as: Variant | None = None,
        overrides: Mapping[str, object] | None = None,
        judged: bool = True,
    ) -> list[Attempt]:
        """Speak the chunks in a session of its own, and have them scored where they are to be ``judged``.

        Raises BudgetSpent between two chunks, SoakError where nothing was spoken.
        """
        soak = self._stage.soak(variant, judged_as)
        seeds = {chunk.id: seed_for(variant, chunk.id) for chunk in chunks}
        turns = [PlannedRequest(chunk, seed=seeds[chunk.id], overrides=overrides, arm=arm) for chunk in chunks]
        attempts, began = [], time.monotonic()
        try:
            for attempt, chunk, layout in soak.speak_apart(arm, turns, {"bisect": arm}):
                attempts.append(attempt)
                if judged:
                    soak.submit(attempt, chunk, layout, None)
                    self._stage.assessor.collect()
                tick = Tick(variant.name, arm, len(attempts), len(turns), seconds=time.monotonic() - began)
                self._stage.progress.tick(replace(tick, chunk_id=chunk.id))
                if len(attempts) < len(turns):
                    self._budget.check()
        finally:
            soak.close()
            self._stage.assessor.drain()
        if not attempts:
            raise SoakError(f"{variant.name}: nothing was spoken")
        return attempts

    def hear(self, variant: Variant, arm: str, chunks: Sequence[Chunk], judged_as: Variant | None = None) -> HeardOutcome:  # fmt: skip # noqa: E501
        """Speak the chunks and return what was heard of them."""
        run = self._stage.run
        attempts = self.speak(variant, arm, chunks, judged_as)
        verdicts = run.verdicts()
        faulty: dict[str, bool | None] = {}
        words: dict[str, tuple[int, int]] = {}
        for attempt in attempts:
            assert attempt.id is not None
            verdict = verdicts.get(attempt.id)
            settled = verdict is not None and verdict.word.judged
            faulty[attempt.chunk_id] = verdict.word is VerdictWord.FAULTY if settled and verdict is not None else None
            wer = run.payloads(attempt.id).or_empty("intelligibility").get("wer")
            if wer:
                words[attempt.chunk_id] = (wer["errors"], wer["words"])
        return HeardOutcome(faulty, words)

    def hear_into(
        self, outcomes: dict[str, HeardOutcome], variants: Sequence[Variant], arm: str, chunks: Sequence[Chunk]
    ) -> None:
        """Add what is heard of each variant on the same chunks, as it comes."""
        for variant in variants:
            outcomes[variant.name] = self.hear(variant, arm, chunks)


def verified_claims(variant: str, restored: HeardOutcome | None, within: bool | None, margin: float) -> list[Claim]:
    """Return the claim ``verified`` about what was heard on new texts, none where nobody listened."""
    if restored is None:
        return []
    row = restored.to_json()
    interval = (row["low"], row["high"])
    told = f"restored: {restored.says()}"
    return [Claim("verified", variant, told, within, row["rate"], interval, margin, restored.judged)]


def with_model(variant: Variant, path: Path, name: str) -> Variant:
    """Return the variant with another model file; what lies beside its own model is still found there."""
    beside = variant.adapter == "llama_codec" and not {"voice_dir", "voice_json"} & variant.settings.keys()
    voice = {"voice_dir": str(variant.model.parent)} if beside and variant.model is not None else {}
    return replace(variant, name=name, settings={**variant.settings, **voice, "model": str(path)}, reference=False)
