"""The chunker keeps every word and cuts where a reader would."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.corpora import load_corpus
from harness.text.chunker import chunk_text

PROSE = st.lists(
    st.sampled_from(
        [
            "word",
            "Word.",
            "Dr.",
            "one,",
            "two;",
            "No.",
            "7",
            '"Yes!"',
            "end.\n\n",
            "x\n",
            "a\u00a0b",
            "…",
            "—",
            "(so)",
            "why?",
        ]
    ),
    max_size=300,
).map(" ".join)


@settings(max_examples=300, deadline=None)
@given(text=st.one_of(st.text(), PROSE), max_words=st.integers(1, 70), share=st.floats(0, 1))
def test_no_word_is_dropped_changed_or_moved(text: str, max_words: int, share: float) -> None:
    chunks = chunk_text(text, max_words, max(1, int(share * max_words)))
    assert [word for chunk in chunks for word in chunk.split()] == text.split()
    assert all(1 <= len(chunk.split()) <= max_words for chunk in chunks)


@settings(max_examples=200, deadline=None)
@given(text=st.text(st.sampled_from("今日は、。！？「」 \nあa1")) | st.text(), max_words=st.integers(1, 20))
def test_scripts_without_spaces_keep_every_letter_and_are_cut_all_the_same(text: str, max_words: int) -> None:
    chunks = chunk_text(text, max_words, 1, language="ja")
    assert "".join("".join(chunks).split()) == "".join(text.split())
    assert all(len("".join(chunk.split())) <= 2 * max_words for chunk in chunks)


def test_chunks_of_prose_are_whole_sentences_of_at_least_eight_words() -> None:
    text = " ".join(chunk.text for chunk in load_corpus("book").chunks)
    chunks = chunk_text(text)
    assert all(8 <= len(chunk.split()) <= 60 for chunk in chunks)
    assert all(chunk.rstrip('"')[-1] in ".!?:" for chunk in chunks)


@pytest.mark.parametrize(
    "text",
    [
        "We met Dr. Brown and Mrs. Gray there.",
        "The letter was signed by J. R. Marlow himself.",
        "Room No. 9 is on the left side.",
        "It was, e.g. London or Paris, a capital.",
        "Wait... she said nothing more to me.",
    ],
)
def test_abbreviations_do_not_end_a_sentence(text: str) -> None:
    # With room for one sentence only, a wrong sentence end would be the cheapest cut.
    following = "After that the whole party went home together."
    assert chunk_text(f"{text} {following}", max_words=9, min_words=1) == [text, following]


def test_sentence_ends_are_preferred_to_clauses_and_clauses_to_words() -> None:
    text = "One two three, four five six. Seven eight nine, ten eleven twelve."
    assert chunk_text(text, 8, 1) == ["One two three, four five six.", "Seven eight nine, ten eleven twelve."]
    assert chunk_text(text, 5, 1) == ["One two three,", "four five six.", "Seven eight nine,", "ten eleven twelve."]
    assert (
        max(len(chunk.split()) for chunk in chunk_text("la " * 100, 30, 8))
        - min(len(chunk.split()) for chunk in chunk_text("la " * 100, 30, 8))
        <= 1
    )


def test_a_short_rest_joins_its_neighbour() -> None:
    long = "This sentence has eleven words in it, and it ends here."
    assert chunk_text(f"{long}\n\nNo.\n\n{long}", 60, 8) in (
        [f"{long} No.", long],
        [long, f"No. {long}"],
        [f"{long} No. {long}"],
    )


def test_paragraphs_stay_apart_when_they_are_long_enough() -> None:
    paragraph = " ".join(f"word{number}" for number in range(29)) + " end."
    assert chunk_text(f"{paragraph}\n\n{paragraph}", 60, 8) == [paragraph, paragraph]


def test_one_enormous_word_is_one_chunk() -> None:
    assert chunk_text("x" * 1_000_000) == ["x" * 1_000_000]


def test_a_long_text_without_any_punctuation_is_cut_in_reasonable_time() -> None:
    chunks = chunk_text("word " * 100_000)
    assert sum(len(chunk.split()) for chunk in chunks) == 100_000
