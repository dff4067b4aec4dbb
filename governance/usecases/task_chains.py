"""Which models serve which task, written by people: what comes first for a task, and the chains of a profile."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from governance.model import group_of
from governance.policy.diff import folded
from governance.policy.nodes import read_tree
from governance.policy.sections import SECTIONS, found
from governance.usecases.entries import Create, Remove, Replace, with_change

_TASKS: Final = SECTIONS["tasks"]
_PROFILES: Final = SECTIONS["task-profiles"]


def with_override(policy: str, task: str, text: str) -> str:
    """The text of a policy in which these models come first for a task; without any, it has no override.

    Raises BadEntry, NoSuchEntry, NameTaken, NotEditable, PolicyError as `with_change` does.
    """
    there = found(read_tree(policy, "policy"), _TASKS, task)
    chain = chain_said(text, None if there is None else there.value)
    if chain is None:
        return policy if there is None else with_change(policy, _TASKS, Remove(there.name))
    change = Create(task, chain) if there is None else Replace(there.name, chain)
    return with_change(policy, _TASKS, change)


def with_profile(policy: str, name: str, chains: Mapping[str, str]) -> str:
    """The text of a policy with the chains of a profile, by task; one that is empty is not said. Raises as above."""
    there = found(read_tree(policy, "policy"), _PROFILES, name)
    old: Any = there.value if there is not None and isinstance(there.value, dict) else {}
    # People may write a task in letters of any case; as they wrote it, and where, it stays.
    keys = {folded(str(key)): key for key in old}
    given = {keys.get(folded(task), task): text for task, text in chains.items()}
    said = {key: chain_said(text, old.get(key)) for key, text in given.items()}
    order = [*(key for key in old if key in said), *(key for key in said if key not in old)]
    value = {key: said[key] for key in order if said[key] is not None}
    return with_change(policy, _PROFILES, Create(name, value) if there is None else Replace(there.name, value))


def chain_said(text: str, old: Any = None) -> Any:
    """Models with commas as a policy writes them; None where there are none. What is the same stays as it was.

    A group is written `group:NAME`.
    """
    names = [part.strip() for part in text.split(",") if part.strip()]
    if not names:
        return None
    models = [{"group": (group_of(name) or "").strip()} if group_of(name) else name for name in names]
    if old in (models, models[0] if len(models) == 1 else None):
        return old
    return models if len(models) > 1 else models[0]
