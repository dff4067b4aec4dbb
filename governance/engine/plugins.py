"""The plugins that are installed, and the class of each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points

from pydantic import BaseModel

from governance.model.changes import Effect, Reach, SectionChange
from governance.model.errors import GovernanceError
from governance.policy import Policy, parse_policy

ENTRY_POINTS = "governance.plugins"


class PluginFault(GovernanceError):
    """A plugin that breaks the contract; the message names it and says what would be right."""


@cache
def installed() -> Mapping[str, EntryPoint]:
    """Every plugin that could be named in a policy."""
    found: dict[str, EntryPoint] = {}
    for entry in entry_points(group=ENTRY_POINTS):
        first = found.setdefault(entry.name, entry)
        # An editable install can be seen twice; that is one plugin all the same.
        if first.value != entry.value:
            raise PluginFault(f"two plugins are called `{entry.name}`: {first.value} and {entry.value}")
    return found


def plugin_class(name: str) -> type:
    """The class of an installed plugin.

    Raises:
        PluginFault: it cannot be imported or is no plugin.
    """
    try:
        found = installed()[name].load()
    except Exception as error:  # a third party's import may raise anything
        raise PluginFault(f"plugin `{name}` cannot be imported: {type(error).__name__}: {error}") from error
    config = getattr(found, "Config", None)
    if not (isinstance(found, type) and isinstance(config, type) and issubclass(config, BaseModel)):
        raise PluginFault(f"plugin `{name}`: {installed()[name].value} must be a class with a pydantic model `Config`")
    on_error = getattr(found, "on_error", "ignore")
    if on_error not in ("ignore", "refuse"):
        raise PluginFault(f"plugin `{name}`: on_error must be `ignore` or `refuse`, not `{on_error}`")
    return found


def section_model(name: str) -> type[BaseModel]:
    """The model of a plugin's section."""
    config: type[BaseModel] = plugin_class(name).Config  # type: ignore[attr-defined]
    return config


def read_policy(text: str, source: str, environment: Mapping[str, str]) -> Policy:
    """The policy that a text says, for the plugins that are installed. Raises PolicyError, PluginFault."""
    return parse_policy(text, source, installed(), section_model, environment)


def change_effects(name: str) -> Callable[[SectionChange], Iterable[Effect]] | None:
    """What tells the effects of a change in a plugin's section; None where the plugin says nothing of it."""
    plugin = plugin_class(name)
    return getattr(plugin, "effects", None)


def change_reach(name: str) -> Callable[[SectionChange], Reach] | None:
    """What tells whom an entry of a plugin's section touches; None where the plugin says nothing of it."""
    plugin = plugin_class(name)
    return getattr(plugin, "reach", None)
