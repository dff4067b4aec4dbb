"""What LiteLLM works out anew for each request though it is the same every time: it is remembered, or copied at once.

Every answer stays what it was. A cure whose place this LiteLLM does not have is left out (governance/proxy/contract).
"""

from __future__ import annotations

import copy
import marshal
import time
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from functools import lru_cache, wraps
from types import MappingProxyType, SimpleNamespace
from typing import Any, Final

from litellm.litellm_core_utils import litellm_logging
from litellm.proxy import proxy_server
from litellm.proxy.auth.route_checks import RouteChecks

# `leave`: LiteLLM stays as it is.
SWITCH: Final = "GOVERNANCE_CURES"
# A route is compared with about a hundred patterns.
_MOST_ROUTES: Final = 8192
_MOST_DEPLOYMENTS: Final = 4096
_MOST_SETTINGS: Final = 1024
# What a store of LiteLLM's settings holds: each is replaced as a whole.
_SETTINGS: Final = ("_yaml_values", "_database_rows", "_runtime_values", "_deleted_runtime_keys")
_NOTHING_FOUND: Final[tuple[Any, ...]] = (None, None, None, None, {})
_NOWHERE: Final = object()
# Prices may be changed meanwhile.
_NOTHING_TO_TELL_WITHIN_S: Final = 60.0


def cure(environment: Mapping[str, str]) -> tuple[str, ...]:
    """Do away with them in this process.

    Returns:
        What was cured; $GOVERNANCE_CURES may say `leave`.
    """
    if environment.get(SWITCH) == "leave":
        return ()
    return tuple(name for name, begin in _CURES.items() if begin())


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
            known = _packed(dict(self.config))
            packed = self.config, known
        return state(self) if known is None else MappingProxyType(marshal.loads(known))  # noqa: S302 - packed here

    config.get_config_state = unpacked
    return True


def same_price_lists() -> bool:
    """What is known of a model's prices is copied for each answer, entry by entry."""
    module: Any = litellm_logging
    if getattr(module, "copy", None) is not copy:
        return False
    module.copy = SimpleNamespace(**{**vars(copy), "deepcopy": deep_copy})
    return True


def same_reasons(clock: Callable[[], float] = time.monotonic) -> bool:
    """Why an answer cost nothing is found out anew for each answer of a model without a price, where it is nothing to
    tell; for the same kinds of tokens of the same deployment it is looked for once a minute.

    Args:
        clock: monotonic seconds.
    """
    logging: Any = litellm_logging.Logging
    finding = getattr(logging, "_zero_cost_finding", None)
    kinds, usage_of = _kinds_of_tokens(), getattr(litellm_logging, "get_usage_object", None)
    if finding is None or kinds is None or usage_of is None:
        return False
    nothing_until_s: dict[Any, float] = {}

    @wraps(finding)
    def found(self: Any, result: Any, response_cost: float | None, **of: Any) -> Any:
        deployment = None if response_cost else of.get("router_model_id") or self.get_router_model_id()
        usage = usage_of(completion_response=result) if deployment else None
        if usage is None:
            return finding(self, result, response_cost, **of)
        provider = self.model_call_details.get("custom_llm_provider")
        asked = (deployment, of.get("litellm_model_name") or self.model, provider, of.get("calculation_failed"))
        kind = (*asked, self.call_type, self.custom_pricing_for(result), kinds(usage))
        if clock() < nothing_until_s.get(kind, 0.0):
            return None
        reason = finding(self, result, response_cost, **of)
        if reason is None:
            if len(nothing_until_s) >= _MOST_DEPLOYMENTS:
                nothing_until_s.clear()
            nothing_until_s[kind] = clock() + _NOTHING_TO_TELL_WITHIN_S
        return reason

    logging._zero_cost_finding = found
    return True


def unlimited_uncounted() -> bool:
    """LiteLLM counts the tokens of each answer for key, user, team and more, whether any of them has a limit or not.

    Of a request to which no limit of LiteLLM's own applies nothing is counted; who is given one within the same minute
    begins it with what comes after that.
    """
    try:
        from litellm.proxy.hooks import parallel_request_limiter_v3
    except ImportError:
        return False
    module: Any = parallel_request_limiter_v3
    limiter: Any = getattr(module, "_PROXY_MaxParallelRequestsHandler_v3", None)
    limits_of = getattr(limiter, "_build_request_rate_limit_descriptors", None)
    count = getattr(limiter, "async_log_success_event", None)
    stash, stash_of = getattr(module, "get_request_stash", None), getattr(module, "get_request_stash_for_call", None)
    if limits_of is None or count is None or stash is None or stash_of is None:
        return False
    # What LiteLLM remembers of a request, and whether no limit has been found for it.
    free: ContextVar[tuple[Any, bool]] = ContextVar("governance_free_of_limits", default=(None, False))

    @wraps(limits_of)
    async def found(self: Any, *args: Any, **named: Any) -> Any:
        limits = await limits_of(self, *args, **named)
        mine, (known, unlimited) = stash(), free.get()
        free.set((mine, not limits and (unlimited or known is not mine)))
        return limits

    @wraps(count)
    async def counted(self: Any, kwargs: Any, *args: Any, **named: Any) -> None:
        known, unlimited = free.get()
        if not unlimited or known is None or stash_of(kwargs.get("litellm_call_id")) is not known:
            await count(self, kwargs, *args, **named)

    limiter._build_request_rate_limit_descriptors = found
    limiter.async_log_success_event = counted
    return True


def deep_copy(value: Any, memo: dict[int, Any] | None = None) -> Any:
    """`copy.deepcopy`, at once for what is made of dicts, lists, texts and numbers alone."""
    if memo is None and type(value) in (dict, list):
        packed = _packed(value)
        if packed is not None:
            return marshal.loads(packed)  # noqa: S302 - packed here
    return copy.deepcopy(value, memo)


def _held(store: Any) -> tuple[Any, ...]:
    return tuple(getattr(store, name) for name in _SETTINGS)


def _packed(value: Any) -> bytes | None:
    try:
        return marshal.dumps(value)
    except ValueError:  # an object of some class is in it
        return None


def _kinds_of_tokens() -> Callable[[Any], Any] | None:
    try:
        from litellm.litellm_core_utils.llm_cost_calc.zero_cost_diagnostic import used_pricing_keys
    except ImportError:
        return None
    return used_pricing_keys


_CURES: Final[dict[str, Callable[[], bool]]] = {
    "routes": same_routes,
    "settings": same_settings,
    "configuration": same_configuration,
    "price lists": same_price_lists,
    "reasons of a cost of zero": same_reasons,
    "tokens that no limit counts": unlimited_uncounted,
}
