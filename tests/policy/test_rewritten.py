"""A document is put into the text of another one, whose comments stay."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.policy.diff import same
from governance.policy.nodes import read_tree
from governance.policy.rewritten import rewritten
from governance.policy.yaml_text import NotEditable

TEXT = """\
# Ours.
version: 1
access: {require_key: true}  # since May
rate_limits:
  # For science.
  - name: research
    subject: {team: research}
    requests: 60/minute  # enough
  - {name: all, subject: everyone, tokens: 1M/day}
failover:
  max_attempts: 3   # and no more
"""
DOCUMENT: dict[str, Any] = read_tree(TEXT, "policy").data


def changed(**edits: Any) -> dict[str, Any]:
    return {**deepcopy(DOCUMENT), **edits}


@pytest.mark.parametrize(
    ("document", "gone", "come"),
    [
        (changed(failover={"max_attempts": 4}), "max_attempts: 3   # and", "max_attempts: 4   # and"),
        (changed(access={"require_key": False}), "{require_key: true}", "{require_key: false}"),
        (changed(rate_limits=DOCUMENT["rate_limits"][:1]), "  - {name: all, subject: everyone, tokens: 1M/day}\n", ""),
        (
            changed(rate_limits=[{**DOCUMENT["rate_limits"][0], "requests": "5/day"}, DOCUMENT["rate_limits"][1]]),
            "requests: 60/minute  # enough",
            "requests: 5/day  # enough",
        ),
        (
            changed(rate_limits=[*DOCUMENT["rate_limits"], {"name": "new", "subject": "everyone", "concurrent": 3}]),
            "tokens: 1M/day}\n",
            "tokens: 1M/day}\n  - {name: new, subject: everyone, concurrent: 3}\n",
        ),
        (changed(budgets=[{"name": "b"}]), "no more\n", "no more\nbudgets: [{name: b}]\n"),
        (DOCUMENT, "# Ours.", "# Ours."),
    ],
)
def test_only_what_differs_is_written_anew(document: dict[str, Any], gone: str, come: str) -> None:
    assert rewritten(TEXT, document) == TEXT.replace(gone, come)


@given(
    st.permutations(["research", "all", "new", "other"]),
    st.integers(0, 4),
    st.dictionaries(st.sampled_from(["access", "failover", "version"]), st.integers(0, 3)),
)
def test_whatever_comes_of_it_says_what_was_meant(names: list[str], most: int, more: dict[str, int]) -> None:
    document = {"rate_limits": [{"name": name, "concurrent": most} for name in names[:most]], **more}
    try:
        text = rewritten(TEXT, document)
    except NotEditable:
        return

    assert same(read_tree(text, "policy").data, document)
