"""Word and character errors: counts that add up, empty sides, and times carried to normalised words."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.text import normaliser
from harness.text.alignment import TimedWord, align_characters, align_words, retime

words = st.lists(st.sampled_from(["a", "b", "c", "d"]), max_size=12)


def test_skipped_word_is_a_deletion_at_its_place() -> None:
    counts, operations = align_words("the old man sat down", "the man sat down")
    assert (counts.deletions, counts.errors, counts.units) == (1, 1, 5)
    assert [(o.op, o.ref, o.hyp) for o in operations] == [
        ("equal", (0, 1), (0, 1)),
        ("delete", (1, 2), (1, 1)),
        ("equal", (2, 5), (1, 4)),
    ]


def test_empty_reference_has_counts_but_no_rate() -> None:
    counts, operations = align_words("", "one two")
    assert (counts.insertions, counts.errors, counts.units, counts.rate) == (2, 2, 0, None)
    assert [(o.op, o.ref, o.hyp) for o in operations] == [("insert", (0, 0), (0, 2))]
    assert align_characters("", "ab").rate is None


def test_empty_hypothesis_deletes_every_word() -> None:
    counts, operations = align_words("one two", "")
    assert (counts.deletions, counts.rate) == (2, 1.0)
    assert [(o.op, o.ref, o.hyp) for o in operations] == [("delete", (0, 2), (0, 0))]
    assert align_characters("one two", "").errors == 7


def test_both_empty_is_no_error() -> None:
    counts, operations = align_words("", " ")
    assert (counts.errors, counts.rate, operations) == (0, None, ())


def test_a_rate_may_exceed_one() -> None:
    assert align_words("a", "a b c")[0].rate == 2.0


def test_characters_without_spaces_ignore_word_boundaries() -> None:
    assert align_characters("你 好", "你好", spaces=False).errors == 0
    assert align_characters("every day", "everyday").errors == 1


@given(reference=words, hypothesis=words)
def test_operations_cover_both_sides_in_order(reference: list[str], hypothesis: list[str]) -> None:
    counts, operations = align_words(" ".join(reference), " ".join(hypothesis))
    at = (0, 0)
    errors = 0
    for operation in operations:
        assert (operation.ref[0], operation.hyp[0]) == at
        at = (operation.ref[1], operation.hyp[1])
        if operation.op == "equal":
            assert reference[slice(*operation.ref)] == hypothesis[slice(*operation.hyp)]
        else:
            errors += max(operation.ref[1] - operation.ref[0], operation.hyp[1] - operation.hyp[0])
    assert at == (len(reference), len(hypothesis))
    assert errors == counts.errors
    assert counts.units == len(reference)
    assert counts.units - counts.deletions + counts.insertions == len(hypothesis)


def _timed(text: str) -> list[TimedWord]:
    return [TimedWord(w, float(k), k + 0.9, 0.9 - 0.1 * k) for k, w in enumerate(text.split())]


def _retimed(text: str) -> list[TimedWord]:
    normalise = normaliser("whisper-english")
    raw = _timed(text)
    return retime(raw, [normalise(w.word).split() for w in raw], normalise(text).split())


def test_words_joined_by_the_normaliser_share_their_span() -> None:
    result = _retimed("she is twenty three today")
    assert [w.word for w in result] == ["she", "is", "23", "today"]
    assert (result[2].start, result[2].end) == (2.0, 3.9)
    assert result[2].probability == pytest.approx(0.6)
    assert (result[3].start, result[3].end) == (4.0, 4.9)


def test_a_word_split_by_the_normaliser_divides_its_span() -> None:
    result = _retimed("they don't know")
    assert [w.word for w in result] == ["they", "do", "not", "know"]
    assert (result[1].start, result[1].end, result[2].start, result[2].end) == (1.0, 1.45, 1.45, 1.9)


def test_fillers_dropped_by_the_normaliser_have_no_time() -> None:
    assert [(w.word, w.start) for w in _retimed("well uh yes")] == [("well", 0.0), ("yes", 2.0)]


@given(
    text=st.lists(
        st.sampled_from(
            [
                "one",
                "hundred",
                "and",
                "twenty",
                "three",
                "pounds",
                "don't",
                "uh",
                "the",
                "cat",
                "mister",
                "half",
                "past",
            ]
        ),
        max_size=14,
    )
)
def test_times_stay_parallel_and_in_order(text: list[str]) -> None:
    result = _retimed(" ".join(text))
    assert [w.word for w in result] == normaliser("whisper-english")(" ".join(text)).split()
    assert all(a.start <= b.start and a.end <= b.end for a, b in itertools.pairwise(result))
    assert all(0 <= w.start <= w.end <= len(text) for w in result)
