"""LiteLLM's settings and its whole configuration."""

from __future__ import annotations

import marshal
from functools import wraps
from types import MappingProxyType
from typing import Any, Final

from litellm.proxy import proxy_server

from governance.proxy.wastes.copied import packed as packed_by

_MOST_SETTINGS: Final = 1024
# What a store of LiteLLM's settings holds: each is replaced as a whole.
_SETTINGS: Final = ("_yaml_values", "_database_rows", "_runtime_values", "_deleted_runtime_keys")
_NOTHING_FOUND: Final[tuple[Any, ...]] = (None, None, None, None, {})
_NOWHERE: Final = object()


def same_settings() -> bool:
    """A setting is looked for by rules in what the file and the database say, and where it is in neither by an
    exception: thirty of them a request. What was found is remembered until one of the maps is replaced.
    """
    try:
        from litellm.proxy.config_resolvers.settings_store import SettingsStore
    except ImportError:
        return False
    store: Any = SettingsStore
    tried = store("general_settings")
    if not all(hasattr(tried, name) for name in _SETTINGS):
        return False
    before = _held(tried)
    tried["governance"] = True
    if _held(tried)[2] is before[2]:  # a map that is changed and not replaced
        return False
    look_up = store.get

    @wraps(look_up)
    def get(self: Any, key: str, default: Any = None) -> Any:
        file, database, runtime, deleted, found = self.__dict__.get("_governance_found", _NOTHING_FOUND)
        if (
            file is not self._yaml_values
            or database is not self._database_rows
            or runtime is not self._runtime_values
            or deleted is not self._deleted_runtime_keys
            or len(found) > _MOST_SETTINGS
        ):
            found = {}
            self._governance_found = (*_held(self), found)
        value = found.get(key, found)
        if value is found:
            value = found[key] = look_up(self, key, _NOWHERE)
        return default if value is _NOWHERE else value

    store.get = get
    return True


def same_configuration() -> bool:
    """LiteLLM copies its whole configuration for each request of a team, model by model."""
    config: Any = getattr(proxy_server, "ProxyConfig", None)
    state = getattr(config, "get_config_state", None)
    if state is None:
        return False
    packed: tuple[Any, bytes | None] = (None, None)

    @wraps(state)
    def unpacked(self: Any) -> Any:
        nonlocal packed
        held, known = packed
        if held is not self.config:
            known = packed_by(dict(self.config))
            packed = self.config, known
        return state(self) if known is None else MappingProxyType(marshal.loads(known))  # noqa: S302 - packed here

    config.get_config_state = unpacked
    return True


def _held(store: Any) -> tuple[Any, ...]:
    return tuple(getattr(store, name) for name in _SETTINGS)
