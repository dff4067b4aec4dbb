"""What the proxy's own file also limits, retries or lets in: each of it works beside the policy, and few mean that.

How the two compose: docs/litellm-limits.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from governance.policy import Policy

CUSTOM_AUTH: Final = "governance.proxy.auth.user_api_key_auth"

_IN_FLIGHT: Final = "LiteLLM takes it for a number of requests in flight, not for a rate"
_AS_RATE: Final = "LiteLLM counts it by the minute of the clock, after ours, and its refusal is a failed attempt"
_OF_DEPLOYMENT: Final = {
    "rpm": "`limits: {requests: …/minute}` of the target",
    "tpm": "`limits: {tokens: …/minute}` of the target",
    "max_parallel_requests": "`limits: {concurrent: …}` of the target",
    "max_budget": "`limits: {cost: …}` of the target",
}
_BUDGET: Final = "LiteLLM compares it with what was spent before, so requests in flight overshoot it; `budgets` reserve"
_NOT_READ: Final = "not enforced by the limiter that LiteLLM uses unless told otherwise"
_LIMITS: Final[Mapping[str, str]] = {
    "max_budget": _BUDGET,
    "max_internal_user_budget": _BUDGET,
    "max_end_user_budget": _BUDGET,
    "default_internal_user_params": "its budgets and limits count beside those of the policy; keep one of the two",
    "default_team_params": "its budgets and limits count beside those of the policy; keep one of the two",
    "tag_budget_config": _BUDGET,
    "provider_budget_config": f"{_BUDGET} (`subject: {{provider: …}}`)",
    "max_parallel_requests": f"{_NOT_READ}; `rate_limits` with `concurrent` are",
    "global_max_parallel_requests": f"{_NOT_READ}; `rate_limits` with `concurrent` are",
    "default_max_parallel_requests": "each worker counts for itself; `limits: {concurrent: …}` of targets do not",
}
_RETRIES: Final = (
    "no effect on requests that the policy routes, which try each target once; for all others, each retry counts as "
    "one more request with us; set it to 0"
)
_FALLBACKS: Final = (
    "no effect on requests that the policy routes; for all others LiteLLM goes on to models that no rule or profile "
    "has seen; write them as targets of a profile"
)
_FAILOVER: Final[Mapping[str, str]] = {
    "num_retries": _RETRIES,
    "retry_policy": _RETRIES,
    "model_group_retry_policy": _RETRIES,
    "fallbacks": _FALLBACKS,
    "default_fallbacks": _FALLBACKS,
    "context_window_fallbacks": _FALLBACKS,
    "content_policy_fallbacks": _FALLBACKS,
}
_SECTIONS: Final = ("general_settings", "litellm_settings", "router_settings")


def double_limits(config: Mapping[str, Any], policy: Policy) -> Iterator[str]:
    """One line for each setting of the proxy that does what the policy does too, with what to do about it.

    Args:
        config: the proxy's `litellm.yaml`.
    """
    yield from _keys(config, policy)
    if not policy.order:
        return
    checks = _section(config, "router_settings").get("optional_pre_call_checks")
    enforced = isinstance(checks, list) and "enforce_model_rate_limits" in checks
    yield from _deployments(config.get("model_list"), enforced)
    for section in _SECTIONS:
        settings = _section(config, section)
        for name, why in {**_LIMITS, **_FAILOVER}.items():
            if settings.get(name):
                yield f"{section}.{name}: {why}"
    if enforced:
        yield f"router_settings.optional_pre_call_checks: enforce_model_rate_limits: {_AS_RATE}; drop it"


def _keys(config: Mapping[str, Any], policy: Policy) -> Iterator[str]:
    auth = _section(config, "general_settings").get("custom_auth")
    if policy.core.keys and auth != CUSTOM_AUTH:
        instead = f"`{auth}`" if auth else "nothing"
        yield (
            f"general_settings.custom_auth: the policy has keys, and {instead} asks for them, so none is known; "
            f"set custom_auth: {CUSTOM_AUTH}"
        )
    if auth == CUSTOM_AUTH and not policy.core.keys:
        yield "general_settings.custom_auth: the policy has no `keys`, so only the master key is let in"


def _deployments(models: Any, enforced: bool) -> Iterator[str]:
    for i, entry in enumerate(models if isinstance(models, list) else ()):
        params = entry.get("litellm_params") if isinstance(entry, dict) else None
        for name, instead in _OF_DEPLOYMENT.items():
            if not isinstance(params, dict) or not params.get(name):
                continue
            why = {
                "rpm": _AS_RATE if enforced else _IN_FLIGHT,
                "tpm": _AS_RATE if enforced else _IN_FLIGHT,
                "max_parallel_requests": "each worker counts for itself",
                "max_budget": "LiteLLM compares it with what was spent before, so requests in flight overshoot it",
            }[name]
            yield f"model_list[{i}] ({entry.get('model_name')}): {name}: {why}; write {instead} instead"


def _section(config: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    section = config.get(name)
    return section if isinstance(section, dict) else {}
