"""What LiteLLM must have for governance to be loaded at all, and what it does without.

Each entry: where it is, since or in which versions it was seen there, and what it means when it is missing. Checked
before anything is imported that would fail for it.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from governance.model.errors import GovernanceError
from governance.proxy.contract.versions import breach, check_version, installed

_ALL: Final = "1.106-1.110"


class Part(NamedTuple):
    """Something of LiteLLM's that is used by name.

    Args:
        where: `module:attribute.attribute`.
        seen: the lines in which it was found.
        takes: parameters that it must have; those that come by `**kwargs` count.
        without: what is lost without it; None where governance cannot do without.
    """

    where: str
    seen: str = _ALL
    takes: tuple[str, ...] = ()
    without: str | None = None


_LOGGER: Final = "litellm.integrations.custom_logger:CustomLogger"

_LIMITER: Final = "litellm.proxy.hooks.parallel_request_limiter_v3:_PROXY_MaxParallelRequestsHandler_v3"

PARTS: Final = (
    Part("litellm:callbacks"),
    Part("litellm:model_cost"),
    Part("litellm.exceptions:RateLimitError.__init__", takes=("num_retries", "headers")),
    Part("litellm.router:Router"),
    Part("litellm.proxy.proxy_server:app"),
    Part("litellm.proxy.proxy_server:llm_router"),
    Part("litellm.proxy.proxy_server:master_key"),
    Part("litellm.proxy.proxy_server:user_custom_auth"),
    Part("litellm.proxy.proxy_server:prisma_client"),
    Part("litellm.proxy.proxy_server:user_config_file_path"),
    Part("litellm.proxy.proxy_server:litellm_proxy_admin_name"),
    Part("litellm.proxy._types:ProxyException.__init__", takes=("message", "type", "param", "code", "headers")),
    Part("litellm.proxy._types:UserAPIKeyAuth"),
    Part("litellm.proxy._types:LitellmUserRoles.PROXY_ADMIN"),
    Part("litellm.proxy._types:LitellmUserRoles.PROXY_ADMIN_VIEW_ONLY"),
    Part("litellm.proxy._types:LiteLLMRoutes.model_info_routes"),
    Part("litellm.proxy._types:SpecialModelNames.no_default_models"),
    Part("litellm.constants:LITELLM_PROXY_MASTER_KEY_ALIAS"),
    Part("litellm.proxy.utils:ProxyLogging.pre_call_hook", takes=("user_api_key_dict", "data", "call_type")),
    # Asked before each hop, by the name of the hop: how it is known which target is tried (governance/proxy/hops.py).
    Part("litellm.proxy.auth.fallback_budget:RouterFallbackBudgetCheck.__call__", takes=("model", "request_kwargs")),
    Part(
        "litellm.proxy.auth.fallback_model_access:RouterFallbackAccessCheck.__call__",
        takes=("model", "request_kwargs"),
    ),
    Part(f"{_LOGGER}.async_filter_deployments", takes=("model", "healthy_deployments", "request_kwargs")),
    Part(f"{_LOGGER}.async_pre_call_deployment_hook", takes=("kwargs", "call_type")),
    Part(f"{_LOGGER}.async_post_call_failure_deployment_hook", takes=("request_data", "exception")),
    Part(f"{_LOGGER}.async_post_call_success_deployment_hook", takes=("request_data", "response")),
    # What streams break with, and when the head of an answer is written (governance/proxy/cuts.py, heads.py).
    Part("litellm.exceptions:MidStreamFallbackError.__init__", takes=("original_exception",)),
    Part("starlette.responses:Response.init_headers", takes=("headers",)),
    Part("starlette.datastructures:MutableHeaders.__setitem__", takes=("key", "value")),
    Part("starlette.datastructures:MutableHeaders.update", takes=("other",)),
    Part("starlette.datastructures:MutableHeaders.raw"),
    # Where usage of streams is heard (governance/proxy/wire.py).
    Part("httpx:Response.aiter_bytes", takes=("chunk_size",)),
    # How LiteLLM wraps the ids of responses (governance/proxy/background.py).
    Part("litellm.proxy.hooks.responses_id_security:ResponsesIDSecurity._decrypt_response_id", takes=("response_id",)),
    Part("litellm.responses.utils:ResponsesAPIRequestUtils.decode_responses_api_response_id", takes=("response_id",)),
    Part("litellm:models_by_provider", without="models behind a wildcard are listed where discovery read them alone"),
    # What lets in the keys of a policy (governance/proxy/auth.py), and whoever logs in to the pages (logging_in.py).
    Part("litellm.proxy.auth.user_api_key_auth:user_api_key_auth", takes=("request", "api_key")),
    # How keys of the policy come in beside those of LiteLLM's database (governance/proxy/database_keys.py).
    Part("litellm.proxy.auth.user_api_key_auth:user_api_key_auth_builder", takes=("request", "api_key")),
    Part("litellm.proxy.auth.user_api_key_auth:run_centralized_common_checks", takes=("user_api_key_auth_obj",)),
    Part(
        "litellm.proxy.auth.user_api_key_auth:get_api_key",
        takes=(
            *("api_key", "custom_litellm_key_header", "azure_api_key_header", "anthropic_api_key_header"),
            *("google_ai_studio_api_key_header", "azure_apim_header", "pass_through_endpoints", "route", "request"),
        ),
    ),
    Part("litellm.proxy.auth.auth_utils:get_model_from_request", takes=("request_data", "route", "request")),
    Part("litellm.proxy.auth.auth_utils:get_request_route"),
    Part("litellm.proxy.auth.auth_utils:iter_request_fallback_targets"),
    Part("litellm.proxy.auth.auth_utils:request_dispatched_to_pass_through_endpoint"),
    Part("litellm.proxy.auth.auth_utils:request_dispatched_to_provider_pass_through"),
    Part("litellm.proxy.auth.route_checks:RouteChecks.is_llm_api_route"),
    # What keeps callers from endpoints that nothing counts (governance/proxy/doors.py).
    Part("litellm.proxy.auth.route_checks:RouteChecks.should_call_route", takes=("route", "valid_token", "request")),
    Part("litellm.proxy.auth.route_checks:RouteChecks.check_route_access", takes=("route", "allowed_routes")),
    Part("litellm.proxy._types:LiteLLMRoutes.mapped_pass_through_routes"),
    Part("litellm.proxy.common_utils.http_parsing_utils:_read_request_body"),
    # Where a caller's mistakes become our 400 (governance/proxy/malformed.py).
    Part("litellm.proxy.auth.user_api_key_auth:_read_request_body"),
    Part("litellm.proxy.auth.auth_utils:is_request_body_safe", takes=("request_body",)),
    Part("litellm.proxy.common_utils.http_parsing_utils:json.loads"),
    Part("litellm.proxy.common_utils.http_parsing_utils:_safe_get_request_parsed_body"),
    Part("litellm.utils:function_setup"),
    Part(f"{_LOGGER}.async_post_call_response_headers_hook", without="answers carry no governance headers"),
    Part(
        f"{_LOGGER}.async_filter_listed_models",
        without="keys of the policy see models in /v1/models that they may not use",
    ),
    Part(
        "litellm.proxy.auth.auth_checks:can_key_call_resolved_model",
        takes=("model", "llm_model_list", "valid_token", "llm_router"),
        without="`grant: targets` allows no target",
    ),
    Part(
        "litellm.proxy.auth.model_checks:get_known_models_from_wildcard",
        takes=("wildcard_model",),
        without="keys that list `fast/*` do not see the virtual models in /v1/models",
    ),
    # What is the same for each request (governance/proxy/wastes).
    Part(
        "litellm.proxy.auth.route_checks:RouteChecks._route_matches_pattern",
        takes=("route", "pattern"),
        without="LiteLLM compares the route of each request with a hundred patterns anew",
    ),
    Part(
        "litellm.proxy.auth.route_checks:RouteChecks.is_management_route",
        takes=("route",),
        without="LiteLLM compares the route of each request with the patterns of all that manage",
    ),
    Part(
        "litellm.proxy._lazy_features:LazyFeature.matches",
        takes=("path",),
        without="LiteLLM compares each request with the paths of what it has not loaded, one by one",
    ),
    Part(
        "litellm.types.utils:LlmProviders",
        without="LiteLLM makes lists of all its providers for each request",
    ),
    Part(
        "litellm.proxy.config_resolvers.settings_store:SettingsStore.get",
        takes=("key", "default"),
        without="LiteLLM looks for each of its settings anew at each request",
    ),
    Part(
        "litellm.proxy.proxy_server:ProxyConfig.get_config_state",
        without="LiteLLM copies its configuration for each request of a team, entry by entry",
    ),
    Part(
        "litellm.litellm_core_utils.litellm_logging:copy",
        without="LiteLLM copies what it knows of a model's prices for each answer, entry by entry",
    ),
    Part(
        "litellm.litellm_core_utils.litellm_logging:Logging._zero_cost_finding",
        takes=("result", "response_cost", "calculation_failed", "litellm_model_name", "router_model_id"),
        without="LiteLLM looks for the reason of a cost of zero at each answer of a model without a price",
    ),
    Part(
        f"{_LIMITER}._build_request_rate_limit_descriptors",
        without="LiteLLM counts the tokens of each answer, whether a limit of its own applies or not",
    ),
    Part(
        f"{_LIMITER}.async_log_success_event",
        takes=("kwargs",),
        without="LiteLLM counts the tokens of each answer, whether a limit of its own applies or not",
    ),
    # What LiteLLM says of virtual models (governance/proxy/described.py).
    Part(
        "litellm.router:Router.get_model_group_info",
        without="LiteLLM's own budgets know no price of virtual models before 1.109",
    ),
    Part(
        "litellm.proxy.auth.auth_checks:model_has_no_cost_mapping",
        takes=("model",),
        without="LiteLLM may block virtual models as unpriced",
    ),
    Part(
        "litellm.proxy.management_endpoints.cost_tracking_settings:_resolve_model_for_cost_lookup",
        takes=("model",),
        without="/cost/estimate knows no virtual models",
    ),
    Part(
        "litellm.proxy.health_endpoints._health_endpoints:perform_health_check",
        takes=("model_list", "model"),
        without="/health?model= knows no virtual models",
    ),
    Part(
        "litellm.proxy.proxy_server:proxy_shutdown_event",
        without="reservations of a stopped proxy end by their deadline",
    ),
)


def require_structure() -> None:
    """Refuse a LiteLLM that is too old or lacks what governance cannot do without.

    Raises:
        GovernanceError: in one sentence.
    """
    told = installed()
    check_version(told)
    missing = [lack for part in PARTS if part.without is None and (lack := _lack(part))]
    if missing:
        raise GovernanceError(breach(told, missing))


def missing_features() -> Iterator[str]:
    """What this LiteLLM lacks of what governance can do without, each with what that means."""
    for part in PARTS:
        if part.without is not None and (lack := _lack(part)):
            yield f"{lack}: {part.without}"


def _lack(part: Part) -> str | None:
    module, _, path = part.where.partition(":")
    try:
        found: Any = importlib.import_module(module)
        for name in path.split("."):
            found = getattr(found, name)
    except (ImportError, AttributeError):
        return f"there is no {path} in {module} (seen in {part.seen})"
    return _lacks_parameters(part, path, found) if part.takes else None


def _lacks_parameters(part: Part, path: str, found: Any) -> str | None:
    try:
        known = inspect.signature(found).parameters.values()
    except (TypeError, ValueError):
        return None  # not written in Python: what it takes shows when it is used
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in known):
        return None
    names = [parameter.name for parameter in known]
    unknown = [name for name in part.takes if name not in names]
    return f"{path} takes no {' and no '.join(unknown)} (seen in {part.seen})" if unknown else None
