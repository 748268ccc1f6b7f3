"""What the determinism suite concludes: pure decisions on renditions, and the null of previous words."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest

from harness.experiments.determinism.identity import (
    DeterminismData,
    DeterminismWord,
    Rendition,
    compare_synthesis,
    content,
    decide_determinism,
    first_difference,
    same_bytes,
    total_variation,
)


def rendition(tokens, pcm=None, top=(), chunk="a"):
    return Rendition(chunk, pcm or str(tokens), tuple(tokens), tuple(tokens), tuple(top))


def step(**probabilities):
    return {int(token[1:]): math.log(value) for token, value in probabilities.items()}


FRESH = rendition([1, 2, 3], top=[step(t1=0.9, t2=0.1), step(t2=0.5, t7=0.49), step(t3=1.0)])
TIED = rendition([1, 7, 3], top=[step(t1=0.9, t2=0.1), step(t2=0.48, t7=0.51), step(t3=1.0)])
MOVED = rendition([1, 9, 3], top=[step(t1=0.9, t2=0.1), step(t9=0.95, t2=0.05), step(t3=1.0)])
BLIND = Rendition("a", "other", (1, 9, 3))


def verdict(other, *, again=FRESH, heard=None):
    fresh = [compare_synthesis(FRESH, again, "fresh-again")]
    return decide_determinism(DeterminismData(fresh, [compare_synthesis(FRESH, other, "after-longer")], heard))[0]


def test_the_first_difference_is_where_one_ends_when_it_is_a_prefix():
    assert first_difference([1, 2], [1, 2]) is None
    assert first_difference([1, 2], [1, 3]) == 1
    assert first_difference([1, 2], [1, 2, 3]) == 2


def test_total_variation_is_zero_for_equals_and_one_for_strangers():
    assert total_variation(step(t1=0.4, t2=0.6), step(t1=0.4, t2=0.6)) == 0
    assert total_variation(step(t1=1.0), step(t2=1.0)) == pytest.approx(1)


def test_the_three_levels_are_kept_apart():
    comparison = compare_synthesis(
        FRESH, rendition([1, 2, 3], pcm="other samples"), "again", mel_db=0.2, same_words=True
    )
    assert (comparison.same_tokens, comparison.same_pcm, comparison.mel_db, comparison.same_words) == (
        True,
        False,
        0.2,
        True,
    )
    assert compare_synthesis(FRESH, TIED, "again").divergence == 1


@pytest.mark.parametrize(
    ("other", "word"),
    [
        (FRESH, DeterminismWord.BIT),
        (rendition([1, 2, 3], pcm="other samples"), DeterminismWord.TOKEN),
        (TIED, DeterminismWord.TIE),
        (MOVED, DeterminismWord.BLEED),
        (BLIND, DeterminismWord.UNKNOWN),
    ],
)
def test_each_cause_has_its_word(other, word):
    assert verdict(other) is word


def test_fresh_processes_that_differ_are_unseeded_and_bleed_rests_on_content():
    assert verdict(MOVED, again=MOVED) is DeterminismWord.UNSEEDED
    pairs = [(f"own{i}", f"before{i} word{i}", f"own{i} before{i}") for i in range(8)]
    assert verdict(MOVED, again=MOVED, heard=content(pairs, seed=1)) is DeterminismWord.BLEED


def test_nothing_compared_is_not_judged():
    assert decide_determinism(DeterminismData([], [], None))[0] is DeterminismWord.NOT_JUDGED


def test_same_samples_for_different_texts_come_first():
    renditions = [rendition([1], pcm="x", chunk="a"), rendition([1], pcm="x", chunk="b")]
    assert same_bytes(renditions, {"a": "one", "b": "two"}) == [("a", "b")]
    assert same_bytes(renditions, {"a": "one", "b": "one"}) == []
    comparison = DeterminismData(
        [compare_synthesis(FRESH, FRESH, "fresh")], [compare_synthesis(FRESH, FRESH, "again")], None, [("a", "b")]
    )
    assert decide_determinism(comparison)[0] is DeterminismWord.SAME_BYTES


def test_words_of_the_previous_text_are_told_from_common_words():
    """Words that all the texts share are in every transcript: no bleed."""
    common = [(f"the cat{i}", f"the dog{i} and", f"cat{i} and the") for i in range(10)]
    answer = content(common, seed=2)
    assert answer is not None and answer.hits > 0 and answer.p_value > 0.5
    assert content(common[:3], seed=2) is None


def test_the_content_test_keeps_its_error_rate():
    rng = np.random.default_rng(0)
    rounds, alarms = 200, 0
    for turn in range(rounds):
        texts = [" ".join(f"w{k}" for k in rng.integers(0, 60, 12)) for _ in range(13)]
        heard = [" ".join(f"w{k}" for k in rng.integers(0, 60, 12)) for _ in range(12)]
        pairs = [(own, before, said) for (own, before), said in zip(pairwise(texts), heard, strict=True)]
        answer = content(pairs, seed=turn, repeats=199)
        assert answer is not None
        alarms += answer.p_value <= 0.05
    assert alarms <= 20  # binomial 0.999 quantile of 200 at 0.05
