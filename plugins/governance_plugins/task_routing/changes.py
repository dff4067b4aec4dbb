"""What a change of the task profiles does to callers."""

from __future__ import annotations

from typing import Any

from governance.model.changes import Effect, SectionChange, gained
from governance_plugins.task_routing.config import TaskRoutingConfig


def task_effects(change: SectionChange) -> set[Effect]:
    """The effects of a change in the section `task_routing`."""
    return {"reroutes", *gained(_serves(change.before), _serves(change.after))}


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
