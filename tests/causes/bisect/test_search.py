"""The search for the smallest set that restores: on arithmetic that is known, without any model."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.causes.bisect.search import Part, PartSearch
from harness.causes.budget import BudgetSpent


def parts_of(blocks: int, kinds: tuple[str, ...] = ("q", "k", "v", "up", "down")) -> list[Part]:
    return [Part(f"blk.{i}.{kind}", 1000, (kind, f"layer {i}")) for i in range(blocks) for kind in kinds]


class Model:
    """Every part that is broken adds its share; ``together``: nothing is gained unless all of these are restored."""

    def __init__(self, broken: dict[str, float], together: frozenset[str] = frozenset()) -> None:
        self.broken, self.together, self.asked = broken, together, []

    def __call__(self, restored: frozenset[str]) -> float:
        self.asked.append(restored)
        left = sum(nats for name, nats in self.broken.items() if name not in restored)
        return left + (5.0 if self.together - restored else 0.0)


@settings(derandomize=True, deadline=None, max_examples=60)
@given(st.sets(st.integers(0, 29), min_size=1, max_size=4), st.integers(0, 1000))
def test_a_few_broken_parts_among_rounding_are_named_exactly(broken, seed):
    parts = parts_of(6)
    rounding = random.Random(seed)
    nats = {part.name: rounding.uniform(0, 1e-5) for part in parts}
    nats |= {parts[i].name: 0.05 for i in broken}
    result = PartSearch(parts, Model(nats)).run()
    assert result.chosen == {parts[i].name for i in broken}
    assert result.complete


def test_parts_that_restore_only_together_are_named_and_nothing_else():
    parts = parts_of(6)
    swapped = frozenset(part.name for part in parts if part.groups[1] in ("layer 1", "layer 4"))
    result = PartSearch(parts, Model({}, swapped)).run()
    assert result.chosen == swapped


def test_suspects_are_tried_first_and_spare_the_single_parts():
    parts = parts_of(6)
    swapped = frozenset(part.name for part in parts if part.groups[1] in ("layer 1", "layer 4"))
    model = Model({}, swapped)
    result = PartSearch(parts, model, swapped).run()
    assert result.chosen == swapped
    assert not result.parts
    assert len(model.asked) <= 3 + len(result.groups)


def test_suspects_that_are_innocent_are_not_in_the_set():
    parts = parts_of(4)
    result = PartSearch(parts, Model({"blk.2.up": 0.3}), {"blk.0.q", "blk.1.q"}).run()
    assert result.chosen == {"blk.2.up"}


def test_even_rounding_needs_many_parts_and_the_set_is_minimal():
    parts = parts_of(6)
    model = Model({part.name: 0.01 for part in parts})
    result = PartSearch(parts, model).run()
    assert result.target == pytest.approx(0.03)
    assert result.chosen is not None and len(result.chosen) == 27
    assert all(model(result.chosen - {name}) > result.target for name in result.chosen)
    sizes = [len(names) for names, _ in result.candidates]
    assert sizes == sorted(sizes) and len(result.chosen) in sizes and sizes[0] < 27 < sizes[-1]


def test_equal_models_have_nothing_to_find_and_cost_one_measurement():
    model = Model({})
    result = PartSearch(parts_of(6), model).run()
    assert result.nothing and result.chosen is None and len(model.asked) == 1


def test_a_suspect_is_named_even_where_the_texts_do_not_show_it():
    result = PartSearch(parts_of(6), Model({}), {"blk.0.q"}).run()
    assert result.chosen == {"blk.0.q"} and not result.nothing


def test_no_set_is_named_where_all_parts_do_not_restore():
    result = PartSearch(parts_of(2), lambda restored: 0.4).run()
    assert result.chosen is None and not result.nothing and result.complete


def test_a_model_that_is_not_finite_is_restored_by_what_makes_it_finite():
    result = PartSearch(parts_of(3), lambda restored: 0.001 if "blk.1.v" in restored else math.inf, most=0.05).run()
    assert result.target == 0.05
    assert result.chosen == {"blk.1.v"}


def test_groups_that_leave_nothing_at_all_say_where_to_look_first():
    result = PartSearch(parts_of(6), Model({"blk.3.up": 0.5})).run()
    assert result.chosen == {"blk.3.up"}
    assert list(result.parts) == ["blk.3.up"]


def test_a_group_that_restores_is_where_the_search_begins():
    parts = parts_of(30)
    layer = frozenset(part.name for part in parts if "layer 20" in part.groups)
    model = Model({"blk.2.up": 0.01}, layer)
    result = PartSearch(parts, model).run()
    assert result.chosen == layer
    assert len(set(model.asked)) < 80  # 120 where it begins with the order of single parts


def test_single_parts_that_gain_nothing_alone_are_not_all_measured():
    parts = parts_of(30)
    swapped = frozenset(part.name for part in parts if part.groups[1] in ("layer 1", "layer 4"))
    model = Model({}, swapped)
    result = PartSearch(parts, model).run()
    assert result.chosen == swapped
    assert len(result.parts) == 10


def test_of_two_that_gain_the_same_the_cheaper_one_is_kept():
    parts = [Part("dear", 10_000), Part("cheap", 10), Part("other", 10)]
    result = PartSearch(parts, lambda restored: 0.0 if {"dear", "cheap"} & restored else 0.5).run()
    assert result.chosen == {"cheap"}


@pytest.mark.parametrize("allowed", [0, 1, 5, 20, 33])
def test_a_spent_budget_leaves_a_set_that_restores_or_none(allowed):
    model = Model({"blk.3.up": 0.4, "blk.0.q": 0.2})

    def measure(restored: frozenset[str]) -> float:
        if len(model.asked) >= allowed:
            raise BudgetSpent
        return model(restored)

    result = PartSearch(parts_of(6), measure).run()
    assert not result.complete or allowed >= 20
    if result.chosen is not None:
        assert Model(model.broken)(result.chosen) <= result.target
