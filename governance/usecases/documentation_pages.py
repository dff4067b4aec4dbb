"""The pages about providers' models: another one for a provider, or the built-in one again."""

from __future__ import annotations

from collections.abc import Collection

from governance.discovery import Change, State, check_url
from governance.model.errors import GovernanceError


def with_page(provider: str, url: str, allowed_hosts: Collection[str]) -> Change:
    """What makes this the page of a provider. Raises GovernanceError where it may not be asked."""
    try:
        check_url(url, allowed_hosts)
    except ValueError as error:
        raise GovernanceError(f"{url}: {error}") from None

    def change(state: State) -> State:
        return state.model_copy(update={"docs_urls": {**state.docs_urls, provider: url}})

    return change


def without_page(provider: str | None) -> Change:
    """What makes it the built-in one again; None = for all of them."""

    def change(state: State) -> State:
        kept = {name: url for name, url in state.docs_urls.items() if provider is not None and name != provider}
        return state.model_copy(update={"docs_urls": kept})

    return change
