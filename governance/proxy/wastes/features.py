"""Features that LiteLLM loads with their first request: each request is compared with all that are not loaded."""

from __future__ import annotations

from typing import Any


def features_at_once() -> bool:
    """The beginnings of a feature's paths are compared in one call and not one by one: over a hundred a request."""
    try:
        from litellm.proxy import _lazy_features
    except ImportError:
        return False
    module: Any = _lazy_features
    feature: Any = getattr(module, "LazyFeature", None)
    known = getattr(module, "LAZY_FEATURES", ())
    if not hasattr(feature, "matches") or not all(map(_told_by_paths, known)):
        return False

    def matches(self: Any, path: str) -> bool:
        found: bool = path.startswith(self.path_prefixes) or path.endswith(self.path_suffixes)
        return found

    feature.matches = matches
    return True


def _told_by_paths(feature: Any) -> bool:
    return all(isinstance(getattr(feature, name, None), tuple) for name in ("path_prefixes", "path_suffixes"))
