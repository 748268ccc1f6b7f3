"""Words by language and transcripts that looped, in the closing table, the summary and the report."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.core.records import Json, Measurement, Status
from harness.report import write
from harness.report.summarise import run_summary
from harness.store import Run
from harness.terminal import closing_lines, verdict_table
from tests._report_run import WORDS, heard, make_run

LISTENER = {"engine": "faster-whisper", "device": "cuda", "compute_type": "float16", "normaliser": "english/2"}


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """Two variants; of q4 two chunks are German, heard with four words missing, and the last is a loop."""
    path = make_run(tmp_path, chunks=4, faulty=())
    with Run.open(path, write=True) as run:
        for attempt in run.attempts(variant="q4"):
            position = attempt.sequence
            german = position in (1, 2)
            payload: Json = {**heard(WORDS[:5] + WORDS[9:] if german else WORDS), **LISTENER}
            payload |= {"language": "de" if german else "en", "model": "base" if german else "tiny.en"}
            measurement = Measurement("intelligibility", "2 whisper", Status.OK, payload)
            if position == 3:
                measurement = Measurement("intelligibility", "2 whisper", Status.NOT_AVAILABLE, {}, "recognizer looped")
            run.record_observations(attempt.id, [measurement])
    return path


def test_words_are_told_by_language_where_there_are_several(run: Path) -> None:
    with Run.open(run) as opened:
        summary = run_summary(opened)
    rows = summary.variants
    assert rows["f16"].by_language == {}
    german = rows["q4"].by_language["de"]
    assert (german.wer.errors, german.wer.words, german.wer.chunks) == (8, 32, 2)
    assert rows["q4"].by_language["en"].wer.rate == 0.0
    text = verdict_table(summary, 120)
    assert [line.split() for line in text.splitlines() if line.startswith("q4 ") and " de " in line] == [
        ["q4", "de", "2", "25.0%", "5.0%"]
    ]


def test_a_loop_is_counted_and_left_out_of_the_words(run: Path) -> None:
    with Run.open(run) as opened:
        summary = run_summary(opened)
    row = summary.variants["q4"]
    assert (row.looped, row.wer.chunks) == (1, 3)
    assert summary.variants["f16"].looped == 0
    assert any(line.startswith("q4: recognizer looped in 1 chunk") for line in closing_lines(summary))


def test_the_report_says_the_same_and_where_the_recognizer_ran(run: Path) -> None:
    write(run)
    page = (run / "report.html").read_text(encoding="utf-8")
    assert "recognizer looped in 1 chunk" in page
    assert "8 of 32 words, 2 chunks" in page
    assert "tiny.en + base on cuda in float16" in page
