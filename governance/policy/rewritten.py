"""A document in the text of another one: what is alike keeps its comments, its order and its quotes."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import takewhile
from typing import Any

from governance.policy.diff import MISSING, Edit, diff, entries, folded, same
from governance.policy.edit import edited, entry_edited
from governance.policy.nodes import read_tree
from governance.policy.yaml_text import NotEditable


def rewritten(text: str, document: Mapping[str, Any]) -> str:
    """The text of a policy, changed so that it says what `document` says.

    Raises:
        NotEditable: because of how it is written, or since entries change their places; somebody has to do it by hand.
    """
    before = read_tree(text, "policy").data
    done: set[tuple[str, ...]] = set()
    for edit in diff(before, document):
        at = _entry_of(edit, before, document)
        if at in done:
            continue
        done.add(at)
        text = _edited(text, at, edit, document)
    if not same(read_tree(text, "policy").data, dict(document)):
        raise NotEditable("the policy cannot be changed in place; edit it by hand")
    return text


def _entry_of(edit: Edit, before: Mapping[str, Any], document: Mapping[str, Any]) -> tuple[str, ...]:
    """The entry that an edit is in; in a section that is no list of entries, the key, or the list that it is in."""
    section = str(edit.path[0])
    if len(edit.path) > 1 and all(entries(each.get(section, MISSING)) is not None for each in (before, document)):
        return (section, str(edit.path[1]))
    return tuple(str(step) for step in takewhile(lambda step: isinstance(step, str), edit.path))


def _edited(text: str, at: tuple[str, ...], edit: Edit, document: Mapping[str, Any]) -> str:
    listed = entries(document.get(at[0], MISSING))
    if len(at) > 1 and listed is not None:
        name = str(edit.after) if edit.kind == "renamed" else at[1]
        return entry_edited(text, at, listed.get(folded(name)))
    value: Any = document
    for step in at:
        value = value.get(step, MISSING) if isinstance(value, dict) else MISSING
    if edit.kind == "moved" or value is None:
        raise NotEditable(f"{'.'.join(at)} cannot be changed in place; edit it by hand")
    return edited(text, at, None if value is MISSING else value)
