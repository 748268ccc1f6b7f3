"""A table of texts and transcripts, a language after the other: what must cost nothing, and what must cost how much."""

from pathlib import Path

import pytest

from harness.scorers.intelligibility import transcript_payload
from harness.scorers.transcript import Transcript
from harness.text import default_normaliser, normaliser
from harness.text.alignment import align_words
from harness.text.numbers import number_readings

TABLE = Path(__file__).with_name("text_cases.tsv")
ROWS = [line.split("\t") for line in TABLE.read_text(encoding="utf-8").splitlines()[1:]]


@pytest.mark.parametrize(
    ("language", "errors", "text", "transcript"), ROWS, ids=[f"{row[0]}-{number}" for number, row in enumerate(ROWS, 2)]
)
def test_errors_of_a_transcript_are_what_a_listener_would_count(
    language: str, errors: str, text: str, transcript: str
) -> None:
    reference, hypothesis = normaliser(default_normaliser(language)).pair(text, transcript)
    counts, _ = align_words(reference, hypothesis)
    assert counts.errors == int(errors), f"{reference!r} against {hypothesis!r}"


def test_every_language_of_the_table_has_pairs_that_are_equal_and_pairs_that_differ() -> None:
    for language in ("en", "de", "fr", "es", "it", "pt", "ru", "hi", "ar", "he", "th", "ja", "zh", "ko"):
        counts = [int(row[1]) for row in ROWS if row[0] == language]
        assert 0 in counts, language
        assert any(counts), language


@pytest.mark.parametrize(
    ("language", "text", "units"),
    [("hi", "उसकी भाई का घर", 4), ("ar", "كِتَابٌ", 1), ("th", "เก้า", 3), ("zh", "你好世界", 4), ("ja", "ガイド", 3)],
)
def test_marks_do_not_cut_words_apart(language: str, text: str, units: int) -> None:
    heard = Transcript(text, (), "e", "m")
    transcript = transcript_payload(heard, text, language, normaliser(default_normaliser(language)))
    assert transcript["wer"]["words"] == units
    assert transcript["wer"]["errors"] == 0


def test_wide_dictionaries_do_not_let_another_number_through() -> None:
    chosen = normaliser("words:de")
    for value in range(1, 130):
        reference, hypothesis = chosen.pair(f"Nummer {value} hier", f"Nummer {value + 1} hier")
        assert reference != hypothesis, value


@pytest.mark.parametrize(
    "language", ["en", "de", "fr", "es", "it", "pt", "ru", "hi", "ar", "he", "th", "ja", "zh", "ko"]
)
def test_no_reading_of_another_number_is_let_through(language: str) -> None:
    chosen = normaliser(default_normaliser(language))
    for value in (1, 2, 7, 11, 12, 19, 20, 21, 30, 99, 100, 101, 111, 112, 999, 1000, 1001, 1110, 1984, 2024):
        for other in (value + 1, value + 10, 10 * value):
            for reading in number_readings(str(other), language)[:2]:
                one, heard = chosen.pair(f"{value} km", f"{reading} km")
                assert one != heard, (value, reading)
