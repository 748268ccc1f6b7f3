"""A run as plain rows, read from its store once: what charts, review queue and tables are made from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from harness.core.records import Arm, Attempt, Finding, Measurement, Payloads, Verdict, VerdictWord
from harness.store import Run

MEASURES: Mapping[str, str] = {
    "loudness_lufs": "Loudness (LUFS)",
    "wer": "WER (errors a word)",
    "speaker_similarity": "Speaker similarity (cosine)",
    "token_rate": "Speech tokens a second",
    "rss_bytes": "Memory after the request (MB)",
    "rtfx": "RTFx (audio s a second of the request)",
}


@dataclass(frozen=True, slots=True)
class ReportRow:
    """One chunk as one variant spoke it in the soak. ``figures`` has only what was measured, keys of ``MEASURES``."""

    position: int  # order within the selection, from 0
    attempt: Attempt
    verdict: Verdict | None
    figures: Mapping[str, float] = field(default_factory=dict)

    @property
    def word(self) -> VerdictWord:
        return self.verdict.word if self.verdict is not None else VerdictWord.NOT_JUDGED

    @property
    def findings(self) -> list[Finding]:
        """Return what counts: found, and not refuted."""
        if self.verdict is None or self.verdict.word is not VerdictWord.FAULTY:
            return []
        return [finding for finding in self.verdict.findings if finding.confirmed is not False]

    @property
    def badness(self) -> float:
        """Return how far the worst finding is beyond its limit, relative to it.

        Confirmed ones first; -1 without any.
        """
        beyond = [
            min(abs(f.value - f.limit) / (abs(f.limit) or 1.0), 1e6) + (1e6 if f.confirmed else 0.0)
            for f in self.findings
        ]
        return max(beyond, default=-1.0)


@dataclass(frozen=True)
class ReportData:
    """All of a run that a page needs. ``spoken`` is in order of requests; ``chunks`` counts the selection."""

    texts: Mapping[str, str]
    expected: Mapping[str, str]  # what should be heard of a chunk, where that is not its text
    variants: Sequence[str]
    chunks: int
    spoken: Mapping[str, Sequence[ReportRow]]

    def everything(self) -> list[ReportRow]:
        """Return the rows of all variants, one after the other."""
        return [row for name in self.variants for row in self.spoken[name]]

    def classes(self) -> list[str]:
        """Return fault classes by how many chunks show them, most first; ties by name."""
        counts: dict[str, int] = {}
        for row in self.everything():
            for name in {finding.fault for finding in row.findings}:
                counts[name] = counts.get(name, 0) + 1
        return sorted(counts, key=lambda name: (-counts[name], name))


def read_report_data(run: Run) -> ReportData:
    """Read a run. Raises StoreError for a damaged row."""
    texts = {chunk.id: chunk.text for chunk in run.chunks}
    expected = {chunk.id: chunk.expected for chunk in run.chunks if chunk.expected}
    names = run.variant_names
    orders = {name: selected(run, name) for name in names}
    spoken = {name: _of_variant(run, name, orders[name]) for name in names}
    return ReportData(texts, expected, names, max((len(order) for order in orders.values()), default=0), spoken)


def selected(run: Run, name: str) -> Sequence[str]:
    """Return chunk ids that a variant was to speak, in order; the whole corpus where its session never began."""
    for row in run.sessions():
        if (row.variant, row.arm) == (name, Arm.SOAK):
            return row.chunk_ids
    return [chunk.id for chunk in run.chunks]


def _of_variant(run: Run, name: str, order: Sequence[str]) -> list[ReportRow]:
    place = {chunk_id: index for index, chunk_id in enumerate(order)}
    verdicts = run.verdicts(variant=name, arm=Arm.SOAK)
    measurements: dict[int, dict[str, Measurement]] = {}
    for scorer in ("signal", "intelligibility", "speaker"):
        for number, measurement in run.all_observations(scorer, name):
            measurements.setdefault(number, {})[scorer] = measurement
    rows = []
    for attempt in run.attempts(variant=name, arm=Arm.SOAK):
        number = attempt.id if attempt.id is not None else -1
        figures = _figures(attempt, Payloads(measurements.get(number, {})))
        position = place.get(attempt.chunk_id, len(place))
        rows.append(ReportRow(position, attempt, verdicts.get(number), figures))
    return rows


def _figures(attempt: Attempt, payloads: Payloads) -> dict[str, float]:
    wer = payloads.or_empty("intelligibility").get("wer") or {}
    figures: dict[str, float | None] = {
        "loudness_lufs": payloads.or_empty("signal").get("loudness_lufs"),
        "wer": wer.get("rate"),
        "speaker_similarity": payloads.or_empty("speaker").get("similarity"),
        "rss_bytes": attempt.rss_bytes,
        "token_rate": attempt.token_rate,
        "rtfx": attempt.rtfx,
    }
    return {name: float(value) for name, value in figures.items() if value is not None}
