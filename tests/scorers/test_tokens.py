"""The tokens scorer: range, spread, cycles and the cap, and None for what a backend does not tell."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.records import Status, TokenLayout
from harness.scorers import SCORERS, observe
from harness.scorers.tokens import longest_cycle
from tests._clips import make_clip

LAYOUT = TokenLayout(codebook_sizes=(16,), frame_seconds=0.02, cap=200)


def tokens(codes=None, layout=LAYOUT, samples=None, **attempt):
    codes = None if codes is None else np.asarray(codes, np.int32)
    if codes is not None and codes.ndim == 1:
        codes = codes[:, None]
    measurement = observe(SCORERS.get("tokens")(), make_clip(samples, layout=layout, tokens=codes, **attempt))
    assert measurement.status is Status.OK, measurement.reason
    json.dumps(measurement.payload, allow_nan=False)
    return measurement.payload


def test_range_and_spread_of_every_codebook():
    layout = TokenLayout(codebook_sizes=(4, 100), frame_seconds=0.1)
    payload = tokens([[0, 7], [1, 7], [2, 7], [3, 7], [4, 7], [-1, 7]], layout)
    first, second = payload["codebooks"]
    assert (first["min"], first["max"], first["unique"], first["out_of_range"], first["size"]) == (-1, 4, 6, 2, 4)
    assert first["entropy_bits"] == pytest.approx(math.log2(6))
    assert (second["unique"], second["entropy_bits"], second["out_of_range"]) == (1, 0, 0)


def test_a_codebook_unknown_to_the_layout_is_not_called_in_range():
    for layout in (None, TokenLayout((16,), 0.02)):
        book = tokens([[1, 5], [2, 6]], layout)["codebooks"][1]
        assert book["size"] is book["out_of_range"] is None
        assert book["max"] == 6


def test_count_rate_and_length_against_the_audio():
    payload = tokens(np.arange(100) % 16, samples=np.zeros(24000 * 3))
    assert (payload["count"], payload["frames"]) == (100, 100)
    assert payload["tokens_per_second"] == pytest.approx(100 / 3, rel=1e-5)
    assert payload["length_mismatch"] == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("count", "finish", "cap", "hit"),
    [
        (200, None, 200, True),
        (199, None, 200, False),
        (50, "length", 200, True),
        (50, "LENGTH", None, True),
        (50, "stop", None, False),
        (50, None, None, None),
        (50, "tuesday", None, None),
        (50, "tuesday", 200, False),
    ],
)
def test_cap_hit(count, finish, cap, hit):
    payload = tokens(None, TokenLayout((16,), 0.02, cap), token_count=count, finish_reason=finish)
    assert payload["cap_hit"] is hit
    assert payload["finish_reason"] == finish


def test_a_backend_that_only_counts_gives_none_for_the_rest():
    payload = tokens(None, token_count=120, samples=np.zeros(24000))
    assert (payload["count"], payload["tokens_per_second"]) == (120, 120)
    unknown = ("frames", "codebooks", "cycle", "longest_run", "length_mismatch")
    assert all(payload[name] is None for name in unknown)


def test_no_tokens_at_all_is_not_available():
    measurement = observe(SCORERS.get("tokens")(), make_clip(np.zeros(100)))
    assert measurement.status is Status.NOT_AVAILABLE
    assert "no tokens" in measurement.reason


@given(
    lead=st.lists(st.integers(100, 10_000), unique=True, max_size=30),
    cycle=st.lists(st.integers(0, 99), unique=True, min_size=1, max_size=12),
    repeats=st.integers(2, 6),
    tail=st.lists(st.integers(20_000, 30_000), unique=True, max_size=30),
)
def test_a_planted_cycle_is_found_with_its_place(lead, cycle, repeats, tail):
    longest = longest_cycle(np.array(lead + cycle * repeats + tail), 0.02)
    assert (longest["period"], longest["repeats"]) == (len(cycle), repeats)
    assert longest["span"] == pytest.approx([len(lead) * 0.02, (len(lead) + len(cycle) * repeats) * 0.02], rel=1e-4)


@given(codes=st.lists(st.integers(0, 2), max_size=40))
def test_the_cycle_reported_repeats_and_none_covers_more(codes):
    cycle = longest_cycle(np.array(codes, np.int64), 1.0)

    def covered(start, period):
        end = start + period
        while end < len(codes) and codes[end] == codes[end - period]:
            end += 1
        return end - start

    best = [
        covered(start, period)
        for period in range(1, len(codes) // 2 + 1)
        for start in range(len(codes) - 2 * period + 1)
        if covered(start, period) >= 2 * period
    ]
    if not best:
        assert cycle == {"period": 0, "repeats": 0, "span": None}
        return
    start, end = (round(edge) for edge in cycle["span"])
    assert end - start == max(best)
    assert covered(start, cycle["period"]) == end - start
    assert cycle["repeats"] == (end - start) // cycle["period"] >= 2


def test_frames_of_several_codebooks_repeat_only_as_a_whole():
    layout = TokenLayout((50, 50), 0.02)
    whole = [[1, 2], [3, 4]] * 3
    assert tokens(whole, layout)["cycle"]["repeats"] == 3
    assert tokens([[1, index] for index in range(9)], layout)["cycle"]["repeats"] == 0


def test_silent_codes_are_no_loop():
    codes = [1, 2, 3] + [9] * 40 + [4, 5, 5, 5, 6]
    assert tokens(codes)["longest_run"] == 40
    quiet = TokenLayout((16,), 0.02, silent=(9,))
    payload = tokens(codes, quiet)
    assert payload["longest_run"] == 3
    assert (payload["cycle"]["period"], payload["cycle"]["repeats"]) == (1, 3)


def test_zero_and_one_frame():
    payload = tokens(np.zeros((0, 1)))
    assert (payload["frames"], payload["longest_run"], payload["codebooks"][0]["entropy_bits"]) == (0, 0, None)
    assert tokens([3])["longest_run"] == 1
