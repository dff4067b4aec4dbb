"""What `governance check` says of requirements that nothing can meet, by what the proxy serves."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from governance.catalog import Catalog
from governance.catalog.labels import mismatch
from governance.model import Request, Target, codes
from governance.model.labels import Require

Selects = Callable[[Request], Sequence[Target]]


def unmet_warnings(
    demands: Iterable[Require], catalog: Catalog, virtual: Sequence[str], selects: Selects
) -> Iterator[str]:
    """One line for each requirement that no target can meet at all, and for each profile whose targets cannot.

    Args:
        demands: what each team, key, rule and limit requires.
        virtual: the models that plugins add to those of the proxy.
        selects: the targets that plugins have for a request.
    """
    if catalog.names is None:
        # Of a proxy of which nothing is known, nothing is known.
        return
    for require in dict.fromkeys(filter(None, ((), *demands))):
        by, wanted = require[0].by, " and ".join(map(str, require))
        dead = [name for name in virtual if _none(selects(Request(name, models=catalog, require=require)))]
        own = any(
            "*" not in name and not mismatch(Request(name, models=catalog, require=require), Target(name))
            for name in catalog.offered
        )
        if not own and len(dead) == len(virtual):
            yield f"{by}: no target and no model of the proxy has the labels {wanted}; all of its requests are refused"
            continue
        for prefix in sorted({name.partition("/")[0] for name in dead}):
            of = [name for name in virtual if name.partition("/")[0] == prefix]
            if all(name in dead for name in of):
                yield f"{by}: no target of {prefix}/… has the labels {wanted}; requests for it are refused"


def own_warnings(catalog: Catalog, virtual: Sequence[str], selects: Selects) -> Iterator[str]:
    """Virtual models whose own profile requires what none of its targets has."""
    for name in virtual if catalog.names is not None else ():
        if _none(selects(Request(name, models=catalog))):
            yield f"{name}: no target has the labels that its profile requires; all requests for it are refused"


def _none(targets: Sequence[Target]) -> bool:
    """Whether labels keep all away that could serve."""
    rejected = [target.rejected.code if target.rejected else "" for target in targets]
    asked = [code for code in rejected if code not in (codes.VIRTUAL_MODEL_MISMATCH, codes.TARGET_DISABLED)]
    return (
        bool(asked)
        and all(code in (codes.LABEL_MISMATCH, codes.NOT_CONFIGURED) for code in asked)
        and (codes.LABEL_MISMATCH in asked)
    )
