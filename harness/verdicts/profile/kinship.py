"""A reference of another voice: what of it can still be held against a variant, and what cannot.

Two systems that are compared are as a rule two voices. What they said, and clipped or broken samples, can be compared;
loudness, timbre, pace and speaker cannot.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from harness.core.records import Variant
from harness.verdicts.profile.record import Profile

LEAST = 3  # chunks with a similarity; fewer say nothing of a voice
# Classes that words and broken samples decide, whoever speaks; all others are judged without the reference.
COMMON = frozenset(
    {"clipping", "constant-dc", "double-scaling", "wav-header", "loop", "truncation", "skipped-words"}
    | {"inserted-words", "unintelligible", "language-switch", "number-misread", "state-bleed", "fake-streaming"}
)


def same_voice_meant(variant: Variant, reference: Variant) -> bool:
    """Return whether the two are meant to be one voice: then another voice is a fault and nothing else.

    They are where the variant names its reference itself, or where adapter and codec, or adapter and voice, are one.
    """
    if variant.against is not None and variant.family:
        return True
    if variant.adapter != reference.adapter:
        return False
    codec, voice = variant.settings.get("codec"), variant.voice
    return (codec is not None and codec == reference.settings.get("codec")) or (
        voice is not None and voice == reference.voice
    )


def another_voice(below: Sequence[bool], similarities: Sequence[float], rates: Mapping[str, int | None]) -> str:
    """Return why the two are not one voice; empty where nothing says so.

    ``below``: for each chunk with a similarity, whether it lies beyond the limit of the speaker; ``rates``: samples a
    second of both, by name.
    """
    positive = {name: rate for name, rate in rates.items() if rate}
    if len(set(positive.values())) > 1:
        return " and ".join(f"{name} speaks at {rate / 1000:g} kHz" for name, rate in positive.items())
    if len(below) < LEAST or 2 * sum(below) <= len(below):
        return ""
    mean = sum(similarities) / len(similarities)
    return f"speaker similarity {mean:.2f} on average, below its floor in {sum(below)} of {len(below)} chunks"


def of_another_voice(profile: Profile) -> Profile:
    """Return the part of a reference's record that holds for another voice too."""
    records = {
        key: replace(
            record,
            evidence={name: values for name, values in record.evidence.items() if name in COMMON},
            durations=(),
            token_counts=(),
            figures={},
        )
        for key, record in profile.records.items()
    }
    return replace(profile, records=records, voice={})
