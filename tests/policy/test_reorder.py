"""The entries of a list take other places, each with the comments above it, and every other character stays."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.policy.nodes import read_tree
from governance.policy.reorder import reordered
from governance.policy.yaml_text import NotEditable

BLOCK = """\
# Ours.
routing_rules:
  # The first.
  - name: a
    model: m   # of a

  # The second.
  - {name: b}
  - name: c
version: 1
"""


def test_comments_go_with_what_they_stand_above() -> None:
    assert reordered(BLOCK, ("routing_rules",), ["c", "B", "a"]) == (
        "# Ours.\nrouting_rules:\n"
        "  - name: c\n"
        "  # The second.\n  - {name: b}\n"
        "  # The first.\n  - name: a\n    model: m   # of a\n\n"
        "version: 1\n"
    )


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("x: [{name: a},  {name: b}]  # all\n", "x: [{name: b},  {name: a}]  # all\n"),
        ("x:\n- name: a\n- name: b", "x:\n- name: b\n- name: a"),
        ("x:\n- name: b\n- name: a\n", "x:\n- name: b\n- name: a\n"),
    ],
)
def test_lists_on_one_line_and_without_an_end(text: str, wanted: str) -> None:
    assert reordered(text, ("x",), ["b", "a"]) == wanted


def test_what_would_change_more_is_left_to_people() -> None:
    with pytest.raises(NotEditable):
        reordered("x: [&a {name: a, of: 1}, {name: b, of: *a}]\n", ("x",), ["b", "a"])


@given(st.permutations("abcd"), st.permutations("abcd"))
def test_any_order_is_what_is_asked_for(before: list[str], after: list[str]) -> None:
    text = "x:\n" + "".join(f"- name: {name}\n  # below\n  n: 1\n" for name in before) + "y: 2\n"

    changed = reordered(text, ("x",), after)

    assert [entry["name"] for entry in read_tree(changed, "policy").data["x"]] == after
    assert sorted(changed.splitlines()) == sorted(text.splitlines())
