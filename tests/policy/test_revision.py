"""The identity of a policy: what changes it, and what does not."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.policy.load import parse_policy
from governance.policy.nodes import read_tree
from governance.policy.revision import document_hash, normal_form


def hash_of(text: str) -> str:
    return document_hash(read_tree(text, "policy").data)


POLICY = """
version: 1
access: {grant: targets, require_key: true}
plugins: [budgets, rate_limits]
"""


@pytest.mark.parametrize(
    "same",
    [
        "# why\nversion: 1 # one\naccess: {grant: targets, require_key: true}\nplugins: [budgets, rate_limits]",
        "plugins:\n- budgets\n- 'rate_limits'\naccess:\n  require_key: true\n  grant: \"targets\"\nversion: 1\n",
        '{"version": 1, "access": {"require_key": true, "grant": "targets"}, "plugins": ["budgets", "rate_limits"]}',
    ],
)
def test_comments_quotes_and_the_order_of_keys_are_no_part_of_what_a_policy_says(same: str) -> None:
    assert hash_of(same) == hash_of(POLICY)
    assert re.fullmatch("sha256:[0-9a-f]{64}", hash_of(POLICY))


@pytest.mark.parametrize(
    "other",
    [
        POLICY.replace("[budgets, rate_limits]", "[rate_limits, budgets]"),
        POLICY.replace("true", "'true'"),
        POLICY.replace("version: 1", "version: '1'"),
        POLICY.replace(", require_key: true", ""),
    ],
)
def test_values_their_kinds_and_the_order_of_lists_are(other: str) -> None:
    assert hash_of(other) != hash_of(POLICY)


def test_the_order_of_sections_counts_where_it_decides_who_is_asked_first() -> None:
    assert hash_of("our_plugin: {}\nyour_plugin: {}") != hash_of("your_plugin: {}\nour_plugin: {}")
    assert hash_of("our_plugin: {}\nbudgets: []") == hash_of("budgets: []\nour_plugin: {}")


def test_a_reference_to_the_environment_is_hashed_as_written() -> None:
    text = "version: 1\nledger: {url: '${LEDGER}'}"

    def revision(url: str) -> str:
        return parse_policy(text, "policy", (), lambda name: None, {"LEDGER": url}).revision

    assert revision("memory://") == revision("redis://localhost") == hash_of(text)
    assert revision("memory://") != hash_of("version: 1\nledger: {url: 'memory://'}")


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(st.text(), _VALUES, max_size=5), st.randoms())
def test_a_document_has_one_normal_form_in_whatever_order_it_was_read(document: dict[str, Any], draw: Any) -> None:
    keys = list(document)
    draw.shuffle(keys)

    assert normal_form({key: document[key] for key in keys}) == normal_form(document)
    assert normal_form(document).isascii(), "any store takes it"
