"""Which deployments LiteLLM may choose from for a target, and which one it has chosen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from governance.catalog import Catalog
from governance.catalog.deployments import deployment_of
from governance.catalog.labels import fits, said
from governance.engine.decision import Decision
from governance.model import Target
from governance.model.labels import Labels, both, unmet
from governance.model.target import member_of
from governance.model.units import nothing
from governance.proxy.translate import buckets


def usable(decision: Decision, call_name: str, healthy: Sequence[Any], catalog: Catalog) -> list[Any]:
    """Those of LiteLLM's healthy deployments that have room and are allowed, of a target that several may serve."""
    held = decision.held.get(call_name)
    healthy = _labelled(decision, held or Target(call_name), healthy)
    if held is None or not held.members:
        return list(healthy)
    able = {member_of(member.name)[1] for member in held.members}
    return [entry for entry in healthy if _served(entry, catalog) in able]


def _labelled(decision: Decision, target: Target, healthy: Sequence[Any]) -> Sequence[Any]:
    if not decision.request.require and not target.require:
        return healthy
    return [entry for entry in healthy if fits(decision.request, target, entry)]


def misplaced(decision: Decision, call_name: str, kwargs: Mapping[str, Any], catalog: Catalog) -> bool:
    """Whether LiteLLM has chosen a deployment whose labels are not what is required: on a path that asks no filter."""
    target = decision.held.get(call_name) or Target(call_name)
    if not decision.request.require and not target.require:
        return False
    found = catalog.routes.by_id.get(chosen_id(kwargs))
    # Of one that LiteLLM does not name, all that it may be have to fit.
    labels = [found.labels] if found else catalog.labels(target.name) or [nothing()]
    require = both(decision.request.require, target.require)
    return any(any(unmet(require, said(target.labels, each))) for each in labels)


def deployed_labels(decision: Decision, call_name: str, kwargs: Mapping[str, Any], catalog: Catalog) -> Labels:
    """The labels of the deployment that LiteLLM has chosen, for the record; with those that the policy adds."""
    target = decision.held.get(call_name) or decision.by_call_name.get(call_name)
    found = catalog.routes.by_id.get(chosen_id(kwargs))
    return said(target.labels if target else nothing(), found.labels if found else nothing())


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
