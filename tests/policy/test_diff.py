"""Two documents differ in this and in nothing else."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.policy.diff import MISSING, Edit, apply, diff, same

SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-2, 2), st.sampled_from([0.0, 1.0]), st.text("ab", max_size=2)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from("xyz"), inner, max_size=3)),
    max_leaves=6,
)
ENTRIES = st.lists(
    st.builds(
        lambda name, rest: {"name": name, **rest},
        st.sampled_from(["One", "one ", "two", "three", "four"]),
        st.dictionaries(st.sampled_from("xyz"), VALUES, max_size=2),
    ),
    max_size=4,
)
DOCUMENTS = st.dictionaries(st.sampled_from(["limits", "rules", "other"]), st.one_of(ENTRIES, VALUES), max_size=3)


@given(DOCUMENTS, DOCUMENTS)
def test_the_edits_between_two_documents_make_the_one_the_other(a: dict[str, Any], b: dict[str, Any]) -> None:
    untouched = deepcopy(a)

    assert same(apply(diff(a, b), a), b)
    assert same(a, untouched), "nothing is changed in place"


@given(DOCUMENTS)
def test_a_document_does_not_differ_from_itself(a: dict[str, Any]) -> None:
    assert diff(a, deepcopy(a)) == ()


@given(DOCUMENTS, DOCUMENTS)
def test_every_edit_says_something(a: dict[str, Any], b: dict[str, Any]) -> None:
    for edit in diff(a, b):
        assert edit.kind == "moved" or not same(edit.before, edit.after)


ONE = {"name": "one", "amount": 1}
TWO = {"name": "Two", "amount": 2}
NEW = {"name": "new", "amount": 3}


@pytest.mark.parametrize(
    ("before", "after", "edits"),
    [
        ([ONE, TWO], [ONE, {**TWO, "amount": 3}], [Edit("changed", ("limits", "Two", "amount"), 2, 3)]),
        ([ONE], [{**ONE, "name": " ONE"}], [Edit("changed", ("limits", "one", "name"), "one", " ONE")]),
        ([ONE], [{**ONE, "name": "uno"}], [Edit("renamed", ("limits", "one"), "one", "uno")]),
        ([ONE, TWO], [TWO, ONE], [Edit("moved", ("limits",), ["one", "Two"], ["Two", "one"])]),
        ([ONE, TWO], [ONE, NEW, TWO], [Edit("added", ("limits", "new"), MISSING, NEW, 1)]),
        ([ONE, TWO], [TWO], [Edit("removed", ("limits", "one"), ONE, MISSING)]),
        (
            [ONE],
            [{"name": "uno", "amount": 2}],
            [
                Edit("removed", ("limits", "one"), ONE, MISSING),
                Edit("added", ("limits", "uno"), MISSING, {"name": "uno", "amount": 2}, 0),
            ],
        ),
    ],
)
def test_entries_are_matched_by_name(before: Any, after: Any, edits: list[Edit]) -> None:
    assert list(diff({"limits": before}, {"limits": after})) == edits


def test_lists_without_names_are_told_item_by_item_only_while_each_stays_in_its_place() -> None:
    a, b, heavier = {"provider": "a"}, {"provider": "b"}, {"provider": "b", "weight": 2}

    assert diff({"t": [a, b]}, {"t": [a, heavier]}) == (Edit("added", ("t", 1, "weight"), MISSING, 2),)
    assert diff({"t": [a, b]}, {"t": [b, a]}) == (Edit("changed", ("t",), [a, b], [b, a]),)
    assert diff({"t": [a]}, {"t": [a, b]}) == (Edit("changed", ("t",), [a], [a, b]),)


def test_a_list_that_nobody_reads_item_by_item_is_told_as_a_whole() -> None:
    long = [{"provider": f"p{i}"} for i in range(101)]
    heavier = [{**item, "weight": 2} for item in long]

    assert diff({"t": long}, {"t": heavier}) == (Edit("changed", ("t",), long, heavier),)
    assert len(diff({"t": long[:100]}, {"t": heavier[:100]})) == 100


def test_true_is_not_one_and_null_is_not_nothing() -> None:
    assert [edit.kind for edit in diff({"x": True, "y": None}, {"x": 1})] == ["changed", "removed"]


def test_edits_of_another_document_are_refused() -> None:
    with pytest.raises(ValueError, match="does not fit"):
        apply(diff({"limits": [ONE]}, {"limits": [{**ONE, "amount": 9}]}), {"limits": [TWO]})
