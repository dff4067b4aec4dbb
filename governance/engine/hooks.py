"""The hooks of the plugins of one policy, in the order in which they are asked."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, NamedTuple

import pluggy

from governance.engine.plugins import PluginFault


class Hook(NamedTuple):
    """One plugin's. `needed`: without its answer a request cannot be judged."""

    plugin: str
    call: Callable[..., Any]
    arguments: tuple[str, ...]
    needed: bool


def in_order(registry: pluggy.PluginManager, hook: str, order: list[str]) -> list[Hook]:
    """Those of one name. Raises PluginFault for one that is no plain function."""
    caller = getattr(registry.hook, hook)
    found = {}
    for implementation in caller.get_hookimpls():
        name = implementation.plugin_name
        if implementation.hookwrapper or implementation.wrapper:
            raise PluginFault(f"plugin `{name}`: {hook} is a wrapper; write a plain hook")
        if inspect.iscoroutinefunction(implementation.function) or inspect.isasyncgenfunction(implementation.function):
            raise PluginFault(
                f"plugin `{name}`: {hook} is `async`; hooks are plain functions, the engine does the waiting"
            )
        needed = getattr(implementation.plugin, "on_error", "ignore") == "refuse"
        found[name] = Hook(name, implementation.function, tuple(implementation.argnames), needed)
    return [found[name] for name in order if name in found]
