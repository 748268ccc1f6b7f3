"""What the manifest freezes of a reference's profile, so that a report can compare without the profile."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import fmean, median

from harness.core.records import Chunk
from harness.store.manifest import ReferenceChunk, ReferenceFigures
from harness.verdicts.profile import Profile


def reference_figures(profile: Profile | None, chunks: Iterable[Chunk]) -> ReferenceFigures:
    """Return ``totals`` of the profile and, of each chunk that it has, mean word errors and words and median tokens."""
    if profile is None:
        return {}
    figures: dict[str, ReferenceChunk] = {}
    for chunk in chunks:
        record = profile.record(chunk)
        if record is not None:
            errors, words = record.figures.get("wer_errors", ()), record.figures.get("wer_words", ())
            figures[chunk.id] = {
                "errors": fmean(errors) if errors and words else None,
                "words": fmean(words) if errors and words else None,
                "tokens": median(record.token_counts) if record.token_counts else None,
            }
    return {"totals": profile.totals, "chunks": figures}
