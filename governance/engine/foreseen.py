"""Money limits that make a model unusable, told before anybody asks for it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

from governance.catalog import Catalog
from governance.engine.host import Host
from governance.engine.named import targets_in
from governance.expressions import compile_condition
from governance.limits.limit import Limit
from governance.limits.subjects import Subject
from governance.model import Request, Target, codes
from governance.trace import Trace

_IS_PRICE: Final = re.compile(r"\w*(_cost|_price|_pricing)(_|$)")
_TOKENS: Final = 1000
_NAMED: Final = 3


def unpriced_warnings(host: Host, catalog: Catalog) -> Iterator[str]:
    """One line for each limit that would refuse models because nobody knows their price.

    Asked are the models that the proxy serves by name, and those that the policy names; conditions are taken to hold
    and callers to be those that a limit counts. Where no prices are known at all, as without LiteLLM, nothing is said.
    """
    if not catalog.sources.model_map:
        return
    unpriced = [name for name in _targets(host, catalog) if not _has_price(name, catalog)]
    for plugin, limit in _limits(host):
        plugin_class: Any = type(host.plugins[plugin])
        alone = plugin_class(_section_of(host, plugin, limit))
        refused = [name for name in unpriced if _refused(alone.charge_targets, name, catalog)]
        if refused:
            remedy = "or give the limit `unpriced: allow` or `unpriced: {assume: {input: …, output: …}}`"
            yield f"limit {limit.name}: {_unknown(refused)}, {remedy}"
    by_limit: dict[str, list[str]] = {}
    for name in host.virtual_models(catalog.names or ()):
        request = _request(name, catalog)
        trace = Trace(request, host.policy.revision, 0.0, "simulated")
        for target in host.select_targets(request, trace)[0] or ():
            if target.rejected and target.rejected.code == codes.UNPRICED:
                by_limit.setdefault(trace.notes.get("profile", name), []).append(target.name)
    for profile, names in by_limit.items():
        yield f"profile {profile}: {_unknown(list(dict.fromkeys(names)))}, or take its limit on `cost` out"


def _unknown(names: list[str]) -> str:
    shown = ", ".join(f"`{name}`" for name in names[:_NAMED])
    more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
    several = len(names) > 1
    prices, them, costs = ("prices of {} are", "them", "they cost") if several else ("price of {} is", "it", "it costs")
    return (
        f"the {prices.format(shown + more)} unknown, so nothing that this counts is ever served by {them}; state what "
        f"{costs} in `catalog.overrides`"
    )


def _limits(host: Host) -> Iterator[tuple[str, Limit]]:
    for plugin, section in host.policy.sections.items():
        root = getattr(section, "root", None)
        for limit in root if isinstance(root, (tuple, list)) else ():
            if isinstance(limit, Limit) and limit.enabled and hasattr(host.plugins.get(plugin), "charge_targets"):
                yield plugin, limit


def _section_of(host: Host, plugin: str, limit: Limit) -> Any:
    """A section with this limit alone, for whoever it counts and whatever they ask."""
    for_all = {"match": compile_condition(""), "subject": Subject((), limit.subject.served)}
    return type(host.policy.sections[plugin]).model_construct((limit.model_copy(update=for_all),))


def _refused(charge_targets: Any, name: str, catalog: Catalog) -> bool:
    targets: Iterable[Target] = charge_targets(_request(name, catalog), [Target(name)]) or ()
    return any(target.rejected and target.rejected.code == codes.UNPRICED for target in targets)


def _request(name: str, catalog: Catalog) -> Request:
    return Request(name, prompt_tokens=_TOKENS, max_output_tokens=_TOKENS, models=catalog)


def _has_price(name: str, catalog: Catalog) -> bool:
    return any(value is not None and _IS_PRICE.match(key) for key, value in catalog.said(name).entry.items())


def _targets(host: Host, catalog: Catalog) -> Iterator[str]:
    named = [name for name in catalog.names or () if "*" not in name]
    for section in host.policy.sections.values():
        named += (name for name in targets_in(section.model_dump()) if catalog.call_name(name) is not None)
    return iter(dict.fromkeys(named))
