"""Two people change one policy, and neither loses anything."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from governance.policy.diff import MISSING, apply, diff, same
from governance.policy.merge import Conflict, merge

VALUES = st.one_of(st.booleans(), st.integers(0, 3), st.lists(st.integers(0, 2), max_size=2))
NAMES = st.lists(st.sampled_from(["a", "B", "c", "d", "e"]), unique=True, max_size=4)


@st.composite
def lists(draw: st.DrawFn) -> list[dict[str, Any]]:
    return [{"name": name, **draw(st.dictionaries(st.sampled_from("xy"), VALUES, max_size=2))} for name in draw(NAMES)]


DOCUMENTS = st.fixed_dictionaries(
    {"limits": lists(), "rules": lists(), "access": st.dictionaries(st.sampled_from("xyz"), VALUES, max_size=3)}
)
A, B, C = ({"name": name, "amount": 1} for name in ("a", "b", "c"))


@given(DOCUMENTS, DOCUMENTS, st.integers(0, 3))
def test_changes_of_different_things_go_together_in_either_order(
    base: dict[str, Any], other: dict[str, Any], half: int
) -> None:
    edits = diff(base, other)
    assume(not any(edit.kind in ("renamed", "moved") for edit in edits))
    sides = [[edit for edit in edits if (hash(edit.path[:2]) + half) % 2 == side] for side in (0, 1)]
    mine, theirs = (apply(side, base) for side in sides)

    one, two = merge(base, mine, theirs), merge(base, theirs, mine)

    assert one.conflicts == two.conflicts == ()
    assert same(one.document, two.document)
    assert {edit.kind for edit in diff(one.document, other)} <= {"moved"}, "all changes are in it"


@given(DOCUMENTS, DOCUMENTS)
def test_who_changes_alone_or_alike_has_his_way(base: dict[str, Any], other: dict[str, Any]) -> None:
    for mine, theirs in ((other, base), (base, other), (other, other)):
        merged = merge(base, mine, theirs)

        assert merged.conflicts == ()
        assert same(merged.document, other)


@given(DOCUMENTS, DOCUMENTS, DOCUMENTS)
def test_no_conflict_loses_what_anybody_wrote(
    base: dict[str, Any], mine: dict[str, Any], theirs: dict[str, Any]
) -> None:
    merged = merge(base, mine, theirs)
    turned = merge(base, theirs, mine)

    for conflict in merged.conflicts:
        for document, value in ((base, conflict.base), (mine, conflict.mine), (theirs, conflict.theirs)):
            assert same(at(document, conflict.path, value), value)
    assert {c.path for c in merged.conflicts} == {c.path for c in turned.conflicts}
    kept = {entry["name"] for section in ("limits", "rules") for entry in merged.document.get(section, [])}
    for section in ("limits", "rules"):
        new = {entry["name"] for each in (mine, theirs) for entry in each[section]} - {e["name"] for e in base[section]}
        assert new <= kept, "what somebody adds is there"


def at(document: Any, path: tuple[str | int, ...], value: Any) -> Any:
    if len(path) == 1 and isinstance(document.get(path[0]), list) and isinstance(value, list):
        return [entry["name"] for entry in document[path[0]] if entry["name"] in value]
    for step in path:
        found = document if isinstance(document, dict) else {entry["name"]: entry for entry in document}
        document = found.get(step, MISSING)
        if document is MISSING:
            break
    return document


@pytest.mark.parametrize(
    ("base", "mine", "theirs", "merged"),
    [
        ([A, B], [A, C, B], [A, {"name": "bb"}, B], [A, {"name": "bb"}, C, B]),
        ([A, B], [B, A], [A, B, C], [B, C, A]),
        ([A, B], [B], [A, B, C], [B, C]),
        ([A], [], [], []),
    ],
)
def test_the_order_is_that_of_whoever_changed_it(base: Any, mine: Any, theirs: Any, merged: Any) -> None:
    told = merge({"limits": base}, {"limits": mine}, {"limits": theirs})

    assert (told.document["limits"], told.conflicts) == (merged, ())


def test_an_entry_that_one_takes_out_and_the_other_changes_is_a_conflict() -> None:
    more = {**A, "amount": 2}

    told = merge({"limits": [A]}, {"limits": []}, {"limits": [more]})

    assert told.conflicts == (Conflict(("limits", "a"), A, MISSING, more),)


def test_two_entries_of_one_name_that_two_people_add_are_a_conflict_and_no_mixture() -> None:
    one, two = {"name": "new", "requests": 1}, {"name": "new", "tokens": 2}

    told = merge({}, {"limits": [one]}, {"limits": [two]})

    assert told.conflicts == (Conflict(("limits", "new"), MISSING, one, two),)
    assert told.document == {"limits": [one]}


def test_two_orders_of_one_list_are_a_conflict() -> None:
    told = merge({"limits": [A, B, C]}, {"limits": [B, A, C]}, {"limits": [A, C, B]})

    assert told.conflicts == (Conflict(("limits",), ["a", "b", "c"], ["b", "a", "c"], ["a", "c", "b"]),)
