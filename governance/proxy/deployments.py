"""Which deployments LiteLLM may choose from for a target, and which one it has chosen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from governance.catalog import Catalog
from governance.catalog.deployments import deployment_of
from governance.engine.decision import Decision
from governance.model.target import member_of
from governance.proxy.translate import buckets


def usable(decision: Decision, call_name: str, healthy: Sequence[Any], catalog: Catalog) -> list[Any]:
    """Those of LiteLLM's healthy deployments that have room and are allowed, of a target that several may serve."""
    held = decision.held.get(call_name)
    if held is None or not held.members:
        return list(healthy)
    able = {member_of(member.name)[1] for member in held.members}
    return [entry for entry in healthy if _served(entry, catalog) in able]


def priced(decision: Decision, call_name: str) -> str:
    """Whose prices an answer is settled at: of several that might have served, the one that did."""
    target = decision.held.get(call_name) or decision.by_call_name.get(call_name)
    if target is None:
        return call_name
    return target.members[0].name if len(target.members) == 1 else target.name


def chosen(kwargs: Mapping[str, Any], catalog: Catalog) -> str:
    """The `provider/model` of the deployment that LiteLLM has chosen for an attempt; "" where it does not tell."""
    found = catalog.routes.by_id.get(chosen_id(kwargs))
    return found.identity.name if found else ""


def chosen_id(kwargs: Mapping[str, Any]) -> str:
    """LiteLLM's id of that deployment; "" where it does not tell. Seen in 1.106-1.110: `metadata.model_info.id`."""
    for marks in buckets(kwargs):
        info = marks.get("model_info")
        if isinstance(info, Mapping) and info.get("id"):
            return str(info["id"])
    info = kwargs.get("model_info")
    return str(info.get("id") or "") if isinstance(info, Mapping) else ""


def _served(entry: Any, catalog: Catalog) -> str:
    # Of a wildcard LiteLLM hands over a copy whose model is filled in.
    return deployment_of(entry, catalog.sources.model_map).identity.name
