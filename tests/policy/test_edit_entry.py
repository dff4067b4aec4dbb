"""An entry of a policy file changes, comes or goes, and every other character stays."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.policy.diff import same
from governance.policy.edit import entry_edited
from governance.policy.nodes import read_tree
from governance.policy.yaml_text import NotEditable

BLOCK = """\
# Ours.
rate_limits:
  # For science.
  - name: research   # them
    subject: {team: research}
    requests: 60/minute  # enough
    tokens:
      - 1M/day
  - name: all
    subject: everyone
    requests: 5/second
# The end.
version: 1
"""
FLOW = "rate_limits:\n- {name: research, subject: everyone, requests: 60/minute}  # all\nversion: 1\n"
RESEARCH = {"name": "research", "subject": {"team": "research"}, "requests": "60/minute", "tokens": ["1M/day"]}


@pytest.mark.parametrize(
    ("text", "name", "entry", "gone", "come"),
    [
        (BLOCK, "research", {**RESEARCH, "requests": "40/minute"}, "requests: 60/minute", "requests: 40/minute"),
        (BLOCK, "Research", {**RESEARCH, "name": "science"}, "name: research", "name: science"),
        (BLOCK, "research", {**RESEARCH, "tokens": "2M/day"}, "tokens:\n      - 1M/day", "tokens: 2M/day"),
        (BLOCK, "research", {**RESEARCH, "concurrent": 3}, "- 1M/day\n", "- 1M/day\n    concurrent: 3\n"),
        (BLOCK, "all", None, "  - name: all\n    subject: everyone\n    requests: 5/second\n", ""),
        (
            BLOCK,
            "new",
            {"name": "new", "subject": {"tag": "no"}, "tokens": ["1k/day", "9k/month"]},
            "requests: 5/second\n",
            'requests: 5/second\n  - name: new\n    subject: {tag: "no"}\n    tokens: [1k/day, 9k/month]\n',
        ),
        (FLOW, "research", None, "\n- {name: research, subject: everyone, requests: 60/minute}", " []"),
        (FLOW, "new", {"name": "new", "concurrent": 3}, "# all\n", "# all\n- {name: new, concurrent: 3}\n"),
        ("rate_limits: []\n", "new", {"name": "new"}, "[]", "[{name: new}]"),
        ("rate_limits: [{name: a}]\n", "new", {"name": "new"}, "a}", "a}, {name: new}"),
        ("version: 1\n", "new", {"name": "new"}, "version: 1\n", "version: 1\nrate_limits: [{name: new}]\n"),
        ('{"version": 1}', "new", {"name": "new"}, "1", '1, "rate_limits": [{"name": "new"}]'),
    ],
)
def test_only_what_differs_is_written_anew(text: str, name: str, entry: Any, gone: str, come: str) -> None:
    assert text.count(gone) == 1

    assert entry_edited(text, ("rate_limits", name), entry) == text.replace(gone, come)


WORDS = st.one_of(
    st.text(max_size=6), st.sampled_from(["yes", "1e3", "0x1", "a: b", "# c", "5/minute", "~", "12:30", "{"])
)
FIELDS = st.dictionaries(
    st.sampled_from(["requests", "match", "subject"]),
    st.one_of(
        st.booleans(), st.integers(), WORDS, st.lists(WORDS, max_size=2), st.dictionaries(WORDS, WORDS, max_size=2)
    ),
    max_size=3,
)


@given(
    st.sampled_from([BLOCK, FLOW, "version: 1\n", "rate_limits: []\n"]),
    st.sampled_from(["research", "all", "new"]),
    FIELDS,
)
def test_whatever_is_written_reads_as_what_was_meant(text: str, name: str, fields: dict[str, Any]) -> None:
    entry = {"name": name, **fields}
    try:
        changed = entry_edited(text, ("rate_limits", name), entry)
    except NotEditable:
        return

    data = read_tree(changed, "policy").data
    there = [one for one in data["rate_limits"] if one["name"] == name]
    assert len(there) == 1
    assert same(there[0], entry)


def test_what_stands_for_several_values_is_left_to_a_person() -> None:
    with pytest.raises(NotEditable, match="by hand"):
        entry_edited(
            "a: &x {name: one}\nrate_limits:\n- *x\n", ("rate_limits", "one"), {"name": "one", "requests": "5/day"}
        )
