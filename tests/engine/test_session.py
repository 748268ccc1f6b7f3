"""Seeds by policy, and the order of attempts."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from harness.core.records import SeedPolicy, Variant, seed_for

BASE = Variant(name="v", adapter="null", seed=7)


@given(st.text(max_size=30), st.integers(0, 5))
def test_a_seed_depends_on_chunk_and_take_alone(chunk_id, take):
    seed = seed_for(BASE, chunk_id, take)
    assert seed == seed_for(replace(BASE, name="other", adapter="command"), chunk_id, take)
    assert 0 <= seed < 2**31
    assert seed != seed_for(BASE, chunk_id, take + 1)
    assert seed != seed_for(replace(BASE, seed=8), chunk_id, take)


def test_a_fixed_seed_is_the_same_for_all_chunks_and_none_is_none():
    fixed = replace(BASE, seed_policy=SeedPolicy.FIXED)
    assert seed_for(fixed, "a") == seed_for(fixed, "b") == 7
    assert seed_for(fixed, "a", 1) == 8
    assert seed_for(replace(BASE, seed_policy=SeedPolicy.NONE), "a") is None
