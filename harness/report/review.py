"""The queue to review: the worst chunks with everything a listener needs to decide."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from harness.core.errors import StoreError
from harness.core.records import Arm, Attempt, Finding, Measurement, Payloads, Samples, Status, VerdictWord
from harness.core.records.payloads import ErrorRate, TokensPayload, TranscriptPayload
from harness.report.diff import DiffWord, anchors, word_diff
from harness.report.marks import ShownMark
from harness.report.material import ReportData, ReportRow
from harness.report.scores import Score, frozen_limits, judged_scores
from harness.store import Run

MOST = 200  # chunks of one page
_ARMS = {Arm.REPLAY_SAME_SEED: "replay, same seed", Arm.REPLAY_NEW_SEED: "replay, new seed"}


def chunks_to_review(material: ReportData, most: int = MOST) -> tuple[list[ReportRow], int]:
    """Return the chunks to review, worst first, and how many more there are.

    Every variant has a share of its own, so that a broken one does not push the others off the page. Chunks that
    could not be judged come last.
    """
    by_variant = [_ranked(material.spoken[name]) for name in material.variants]
    share = most // max(len(by_variant), 1)
    chosen = [row for rows in by_variant for row in rows[:share]]
    rest = sorted((row for rows in by_variant for row in rows[share:]), key=lambda row: -row.badness)
    chosen += rest[: most - len(chosen)]
    return sorted(chosen, key=lambda row: -row.badness), sum(map(len, by_variant)) - len(chosen)


def _ranked(rows: Sequence[ReportRow]) -> list[ReportRow]:
    return sorted(
        (row for row in rows if row.word in (VerdictWord.FAULTY, VerdictWord.NOT_JUDGED)), key=lambda row: -row.badness
    )


@dataclass(frozen=True, slots=True)
class FindingSpan:
    """Where a finding lies on the picture, in percent of its width."""

    x: float
    width: float
    fault: str


@dataclass(frozen=True, slots=True)
class PlayedTake:
    """One sound of an item; ``anchors``: [word of the text, second] pairs that tie it to the others."""

    label: str
    word: str
    url: str | None
    seconds: float | None
    anchors: list[list[float]]


@dataclass(frozen=True, slots=True)
class QueueItem:
    """Everything the page shows about one chunk; ``picture`` is the address of its drawing."""

    attempt: Attempt
    position: int
    word: str
    reason: str
    findings: Sequence[Finding]
    spans: list[FindingSpan]
    picture: str | None
    takes: list[PlayedTake]
    text: str
    expected: str
    words: list[DiffWord]
    heard: str | None
    wer: ErrorRate
    why_unheard: str
    second: str | None
    tokens: TokensPayload
    scores: Sequence[Score]
    mark: ShownMark | None
    faults: list[str]


class Queue:
    """Builds the items of the queue from one run."""

    def __init__(
        self, run: Run, material: ReportData, audio: Callable[[Attempt], str | None], marks: Mapping[int, ShownMark]
    ) -> None:
        self._run = run
        self._material = material
        self._url = audio  # attempt -> URL, or None when its sound is gone
        self._marks = marks
        self._limits = frozen_limits(run)
        self._same: dict[str, list[ReportRow]] = {}
        for row in material.everything():
            self._same.setdefault(row.attempt.chunk_id, []).append(row)
        self._replays: dict[tuple[str, str], list[Attempt]] = {}
        for arm in _ARMS:
            for attempt in run.attempts(arm=arm):
                self._replays.setdefault((attempt.variant, attempt.chunk_id), []).append(attempt)

    def item(self, spoken: ReportRow, picture: str | None) -> QueueItem:
        """Return what the page shows about one chunk."""
        attempt = spoken.attempt
        measurements = self._run.observations(attempt.id) if attempt.id is not None else {}
        heard = Payloads(measurements).or_empty("intelligibility")
        payloads, text = Payloads(measurements), self._material.texts.get(attempt.chunk_id, "")
        expected = self._material.expected.get(attempt.chunk_id, "")
        return QueueItem(
            attempt=attempt,
            position=spoken.position + 1,
            word=spoken.word.value,
            reason=spoken.verdict.reason if spoken.verdict is not None else "the run ended before the verdict",
            findings=spoken.verdict.findings if spoken.verdict is not None else (),
            spans=_spans(spoken),
            picture=picture,
            takes=self._takes(spoken, heard),
            text=text,
            expected=expected,
            words=word_diff(heard) if heard else [],
            heard=heard.get("text"),
            wer=heard.get("wer") or {},
            why_unheard=_why(measurements.get("intelligibility")),
            second=payloads.or_empty("second_opinion").get("text"),
            tokens=payloads.or_empty("tokens"),
            scores=judged_scores(self._run, self._limits.get(attempt.variant), spoken, expected or text),
            mark=self._marks.get(attempt.id or -1),
            faults=list(dict.fromkeys(finding.fault for finding in spoken.findings)),
        )

    def _takes(self, spoken: ReportRow, heard: TranscriptPayload) -> list[PlayedTake]:
        """Return this take first, then the same chunk in the other variants, then its own replays."""
        takes = [self._take(spoken.attempt, spoken.attempt.variant, spoken.word.value, heard)]
        for other in self._same[spoken.attempt.chunk_id]:
            if other.attempt.id != spoken.attempt.id:
                takes.append(self._take(other.attempt, other.attempt.variant, other.word.value, None))
        for number, replay in enumerate(self._replays.get((spoken.attempt.variant, spoken.attempt.chunk_id), [])):
            label = f"{_ARMS[Arm(replay.arm)]}{f' {number}' if replay.arm == Arm.REPLAY_NEW_SEED else ''}"
            takes.append(self._take(replay, label, "", None))
        return [take for index, take in enumerate(takes) if index == 0 or take.url is not None]

    def _take(self, attempt: Attempt, label: str, word: str, heard: TranscriptPayload | None) -> PlayedTake:
        if heard is None and attempt.id is not None:
            heard = Payloads(self._run.observations(attempt.id)).or_empty("intelligibility")
        return PlayedTake(label, word, self._url(attempt), attempt.duration, anchors(heard or {}))


def relative_audio(run: Run, attempt: Attempt) -> str | None:
    """Return the address of a sound beside the report, or None when there is none (any more)."""
    if attempt.audio is None or not (run.path / attempt.audio).is_file():
        return None
    return quote(attempt.audio)


def sound(run: Run, attempt: Attempt) -> tuple[Samples, int] | None:
    """Return (samples, rate) of an attempt, or None when it has none or the file is not what was stored."""
    if attempt.audio is None:
        return None
    try:
        return run.read_audio(attempt)
    except StoreError:
        return None  # the page says "no audio"; `tts-soak verify` names the damaged file


def _spans(spoken: ReportRow) -> list[FindingSpan]:
    """Where findings lie on the picture, in percent of its width."""
    whole = spoken.attempt.duration
    if not whole:
        return []
    places = []
    for finding in spoken.findings:
        if finding.span is not None:
            start = min(max(100 * finding.span[0] / whole, 0.0), 100.0)
            end = min(max(100 * finding.span[1] / whole, start), 100.0)
            places.append(FindingSpan(round(start, 2), round(max(end - start, 0.4), 2), finding.fault))
    return places


def _why(seen: Measurement | None) -> str:
    if seen is None:
        return "no recognizer listened"
    return seen.reason if seen.status is not Status.OK else ""
