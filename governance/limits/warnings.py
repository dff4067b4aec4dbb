"""What is allowed in a section of limits and can never work, by what the proxy serves."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from governance.catalog import Catalog
from governance.expressions import much
from governance.limits.limit import Limit, RouteTo
from governance.limits.subjects import EACH
from governance.limits.work import WORK, most_ns
from governance.model.turns import in_turns


def limit_warnings(limits: Iterable[Limit], catalog: Catalog, claimed: Callable[[str], bool]) -> Iterator[str]:
    """One line for each finding.

    Args:
        claimed: whether a plugin has targets for a model of this name.
    """
    enabled = [limit for limit in in_turns(limits) if limit.enabled]
    remark = much(WORK, most_ns((limit.subject.place, limit.match) for limit in in_turns(enabled)))
    yield from [remark] if remark else ()
    for limit in in_turns(enabled):
        if isinstance(limit.on_exceeded, RouteTo):
            model = limit.on_exceeded.route_to
            if catalog.call_name(model) is None and not claimed(model):
                yield f"limit {limit.name}: route_to `{model}`: no profile has it and the proxy serves no such model"
        for kind, name, _ in limit.subject.served:
            if name != EACH and not _serves(kind, name.lower(), catalog):
                yield f"limit {limit.name}: the proxy serves no {kind} `{name}`; this limit will never count anything"


def _serves(kind: str, name: str, catalog: Catalog) -> bool:
    if catalog.names is None or (kind == "target" and catalog.call_name(name) is not None):
        return True
    if any("*" in served.partition("/")[2] for served in catalog.names) and kind == "model":
        # A wildcard serves whatever its provider has.
        return True
    pairs = [(served, pair) for served in catalog.names for pair in catalog.served_by(served)]
    if kind == "provider":
        return any(provider.lower() == name for _, (provider, _) in pairs)
    if kind == "model":
        return any(name in (model.lower(), served.lower()) for served, (_, model) in pairs)
    return any(name in (f"{provider}/{model}".lower(), served.lower()) for served, (provider, model) in pairs)
