"""Which models the proxy can name: those of its list, and behind a provider's wildcard those that are known of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import litellm

from governance.catalog import Catalog


def listable(catalog: Catalog) -> list[str]:
    """The names that the proxy serves; behind `openai/*` also the models that LiteLLM lists for it, or the provider
    where discovery has asked it.
    """
    found: dict[str, None] = {}
    for name in catalog.offered:
        found[name] = None
        prefix, _, wildcard = name.partition("/")
        if wildcard != "*":
            continue
        for provider, model in catalog.served_by(name):
            if model == "*":
                found.update(dict.fromkeys(f"{prefix}/{base}" for base in _known(provider, catalog)))
    return [name for name in found if name]


def _known(provider: str, catalog: Catalog) -> Iterable[str]:
    listed = sorted(_of(provider, (n for n, e in catalog.sources.discovered.items() if "gone_since" not in e)))
    # What LiteLLM's own /v1/models says of a wildcard (proxy/auth/model_checks.py), without asking any provider.
    told: Mapping[str, Iterable[str]] = getattr(litellm, "models_by_provider", {})
    return listed or sorted(_of(provider, told.get(provider, ()), bare=True))


def _of(provider: str, names: Iterable[str], *, bare: bool = False) -> Iterator[str]:
    for name in names:
        if name.startswith(f"{provider}/"):
            yield name.removeprefix(f"{provider}/")
        elif bare:
            yield name
