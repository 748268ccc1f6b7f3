"""The bench of single words: other texts than those that limits were chosen on, and no more than was asked for."""

import pytest

from harness.core.errors import ConfigError
from harness.corpora import load_corpus
from tools.words_bench.copies import COUNTS, copies, counts_of

HELD_OUT = "tools/words_bench/held_out.jsonl"


def test_copies_of_another_corpus_hold_none_of_the_book() -> None:
    book = {chunk.text for chunk in load_corpus("book").chunks}
    chosen = copies(HELD_OUT, counts={"clean": 40, "number": 12, "one-omitted": 8})
    assert [sum(copy.kind == kind for copy in chosen) for kind in ("clean", "number", "one-omitted")] == [40, 12, 8]
    assert not book & {copy.text for copy in chosen}
    assert not {copy.text for copy in chosen} & {copy.text for copy in copies("book", 101, counts={"number": 12})}


def test_what_is_said_differs_from_the_text_where_the_copy_says_so() -> None:
    for copy in copies(HELD_OUT, counts={"one-omitted": 20, "number": 20}):
        words, said = copy.text.split(), copy.said.split()
        first, after = copy.at
        assert words[:first] == said[:first]
        assert words[after:] == said[len(said) - len(words) + after :]
        assert words[first:after] != said[first : after + len(said) - len(words)]


def test_each_voice_speaks_a_clean_text_once() -> None:
    clean = [(copy.engine, copy.text) for copy in copies(HELD_OUT, counts={"clean": 100})]
    assert len(set(clean)) == 100


def test_counts_are_read_and_a_wrong_kind_gets_the_nearest_one() -> None:
    assert counts_of("number=3,clean=5") == {"clean": 5, "number": 3}
    assert counts_of(None) == COUNTS
    with pytest.raises(ConfigError, match=r"one-omited=3.*did you mean 'one-omitted'"):
        counts_of("one-omited=3")
