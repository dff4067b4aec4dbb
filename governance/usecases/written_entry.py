"""One entry of a policy, taken out as a text of its own and put back in."""

from __future__ import annotations

from typing import Any

import yaml

from governance.policy.nodes import read_tree
from governance.policy.sections import Section
from governance.usecases.entries import BadEntry, Create, Remove, Replace, shown_entry, with_change


def entry_text(policy: str, section: Section, name: str) -> str:
    """The YAML of one entry, without its comments and secrets. Raises NoSuchEntry, PolicyError."""
    written = shown_entry(policy, section, name).value
    return yaml.safe_dump(written, sort_keys=False, allow_unicode=True, width=110)


def changed_entry(policy: str, section: Section, name: str, written: str | None) -> str:
    """The text of a policy with this entry instead of the one of that name.

    Args:
        name: "" for a new one.
        written: None takes it out.

    Raises:
        BadEntry, NoSuchEntry, NameTaken: it makes no sense here.
        NotEditable: the policy is written so that it has to be edited by hand.
        PolicyError: the text is no YAML.
    """
    if written is None:
        return with_change(policy, section, Remove(name))
    tree = read_tree(written, "this entry")
    if tree.problems:
        raise BadEntry("; ".join(str(problem) for problem in tree.problems))
    entry: Any = tree.data
    if not isinstance(entry, dict) or not isinstance(entry.get("name"), str) or not entry["name"].strip():
        raise BadEntry("this entry: write a mapping with a `name`, such as `name: every team`")
    return with_change(policy, section, Replace(name, entry) if name else Create(entry["name"], entry))
