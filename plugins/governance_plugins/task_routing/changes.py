"""What a change of the task profiles does to callers."""

from __future__ import annotations

from typing import Any

from governance.model.changes import Effect, Reach, SectionChange, gained
from governance_plugins.task_routing.config import TaskRoutingConfig


def task_effects(change: SectionChange) -> set[Effect]:
    """The effects of a change in the section `task_routing`."""
    return {"reroutes", *gained(_serves(change.before), _serves(change.after))}


def task_reach(change: SectionChange) -> Reach:
    """What has to be asked for to meet a task profile that changes, and whom it lets serve."""
    before, after = _serves(change.before), _serves(change.after)
    come, gone = after - before, before - after
    asks = {profile for profile, _ in come | gone} or {profile for profile, _ in before | after}
    granted, revoked = (tuple(sorted({model for _, model in pairs})) for pairs in (come, gone))
    return Reach((), tuple(f"{profile}/*" for profile in ("auto", *sorted(asks))), granted, revoked)


def _serves(section: Any) -> frozenset[tuple[str, str]]:
    """Every profile that can be asked for, with every model that may then serve."""
    if not isinstance(section, TaskRoutingConfig):
        return frozenset()
    tasks = section.tasks
    return frozenset(
        (profile, model.lower())
        for profile in section.chains
        for task in tasks
        for model in section.chain(profile, task)
    )
