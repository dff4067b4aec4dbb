"""Strategy `weighted`: a real draw without replacement, priority group by priority group."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from governance.model import Request
from governance_plugins.routing_profiles import RoutingProfiles

DRAWS = 20_000


def weighted(*targets: tuple[str, float, int]) -> RoutingProfiles:
    listed: list[dict[str, Any]] = [{"provider": p, "weight": w, "priority": i} for p, w, i in targets]
    profile = {"name": "Spread", "virtual_provider": "spread", "strategy": "weighted", "targets": listed}
    return RoutingProfiles(RoutingProfiles.Config.model_validate([profile]))


def order(profiles: RoutingProfiles, draws: Iterator[float]) -> str:
    """The providers of `spread/m`, each one letter, in order."""
    selection = profiles.select_targets(Request("spread/m", draw=lambda: next(draws)), ())
    assert selection is not None
    return "".join(target.name.removesuffix("/m") for target in selection.targets)


def orders(profiles: RoutingProfiles) -> Counter[str]:
    seeded = random.Random(20_261_121)
    return Counter(order(profiles, iter(seeded.random, None)) for _ in range(DRAWS))


def shares(drawn: Counter[str], place: int = 0) -> dict[str, float]:
    firsts: Counter[str] = Counter()
    for names, times in drawn.items():
        firsts[names[place]] += times / DRAWS
    return dict(firsts)


@pytest.mark.parametrize(
    ("draws", "expected"),
    [
        ([0.0, 0.0], "abc"),
        ([0.4999, 0.0], "abc"),
        ([0.5, 0.0], "bac"),
        ([0.7999, 0.99], "bca"),
        ([0.8, 0.0], "cab"),
        ([0.9999, 0.9999], "cba"),
        ([0.0, 0.6], "acb"),
    ],
)
def test_given_draws_give_exactly_one_order(draws: list[float], expected: str) -> None:
    assert order(weighted(("a", 5, 0), ("b", 3, 0), ("c", 2, 0)), iter(draws)) == expected


def test_the_last_of_a_group_needs_no_draw() -> None:
    assert order(weighted(("a", 1, 0)), iter(())) == "a"
    assert order(weighted(("a", 1, 0), ("b", 1, 1), ("c", 1, 2)), iter(())) == "abc"


def test_targets_are_drawn_in_proportion_to_their_weights() -> None:
    drawn = shares(orders(weighted(("a", 70, 0), ("b", 20, 0), ("c", 10, 0))))

    assert drawn == pytest.approx({"a": 0.7, "b": 0.2, "c": 0.1}, abs=0.015)


def test_the_later_draws_are_in_proportion_among_those_that_are_left() -> None:
    drawn = orders(weighted(("a", 2, 0), ("b", 1, 0), ("c", 1, 0)))

    assert shares(drawn, 1) == pytest.approx({"a": 1 / 3, "b": 1 / 3, "c": 1 / 3}, abs=0.015)
    assert drawn["abc"] / DRAWS == pytest.approx(0.25, abs=0.015)


def test_weights_need_not_sum_to_anything() -> None:
    assert shares(orders(weighted(("a", 1e9, 0), ("b", 1e9, 0)))) == pytest.approx({"a": 0.5, "b": 0.5}, abs=0.015)
    assert shares(orders(weighted(("a", 1e-9, 0), ("b", 3e-9, 0)))) == pytest.approx({"a": 0.25, "b": 0.75}, abs=0.015)


def test_a_lower_priority_number_always_comes_first() -> None:
    drawn = orders(weighted(("a", 1, 2), ("b", 1, 1), ("c", 3, 1)))

    assert shares(drawn, 2) == {"a": pytest.approx(1.0)}
    assert shares(drawn) == pytest.approx({"b": 0.25, "c": 0.75}, abs=0.015)


def test_weight_zero_is_never_drawn_and_comes_last_of_all() -> None:
    assert set(orders(weighted(("a", 0, 0), ("b", 1, 0), ("c", 1, 5), ("d", 0, -1)))) == {"bcda"}


def test_where_every_weight_is_zero_all_are_alike() -> None:
    drawn = shares(orders(weighted(("a", 0, 0), ("b", 0, 0))))

    assert drawn == pytest.approx({"a": 0.5, "b": 0.5}, abs=0.015)


def test_what_cannot_serve_has_no_part_in_the_draw() -> None:
    targets = [{"provider": "a", "weight": 9, "enabled": False}, {"provider": "b"}, {"provider": "c"}]
    profile = {"name": "Spread", "virtual_provider": "spread", "strategy": "weighted", "targets": targets}
    drawn = orders(RoutingProfiles(RoutingProfiles.Config.model_validate([profile])))

    assert set(drawn) == {"bca", "cba"}
    assert shares(drawn) == pytest.approx({"b": 0.5, "c": 0.5}, abs=0.015)


@given(
    some.lists(some.tuples(some.floats(0, 1e9), some.integers(-2, 2)), min_size=1, max_size=8),
    some.lists(some.floats(0, 1, exclude_max=True), min_size=8, max_size=8),
)
def test_every_target_comes_exactly_once_whatever_is_drawn(
    weights: list[tuple[float, int]], draws: list[float]
) -> None:
    targets = [("abcdefgh"[i], weight, priority) for i, (weight, priority) in enumerate(weights)]

    assert sorted(order(weighted(*targets), iter(draws))) == [name for name, _, _ in targets]
