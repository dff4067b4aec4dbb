"""Routes, each of which LiteLLM compares with a hundred patterns at each request."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from litellm.proxy.auth.route_checks import RouteChecks

_MOST_ROUTES: Final = 8192


def same_routes() -> bool:
    """A route that has been compared with a pattern is not compared with it again: a hundred patterns a request."""
    matches = getattr(RouteChecks, "_route_matches_pattern", None)
    if matches is None:
        return False
    RouteChecks._route_matches_pattern = staticmethod(lru_cache(maxsize=_MOST_ROUTES)(matches))  # type: ignore[method-assign]
    manages = getattr(RouteChecks, "is_management_route", None)
    if manages is not None:
        # Who does not manage is known after all patterns of those who do.
        RouteChecks.is_management_route = staticmethod(lru_cache(maxsize=_MOST_ROUTES)(manages))  # type: ignore[method-assign]
    return True
