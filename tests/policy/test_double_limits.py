"""What the proxy's own file does beside the policy is told, one line each, with what to do about it."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from governance.engine.host import Host
from governance.policy import Policy
from governance.policy.double_limits import CUSTOM_AUTH, double_limits

PROFILE = {"name": "Fast", "virtual_provider": "fast", "targets": [{"provider": "openai"}]}
KEY = {"name": "ci", "sha256": hashlib.sha256(b"sk-gov-ci").hexdigest()}


def policy(**more: Any) -> Policy:
    return Host.parse(json.dumps({"version": 1, "routing_profiles": [PROFILE], **more})).policy


def told(config: dict[str, Any], **more: Any) -> list[str]:
    return list(double_limits(config, policy(**more)))


def test_a_configuration_that_only_serves_models_is_fine() -> None:
    served = {"model_name": "openai/*", "litellm_params": {"model": "openai/*", "api_key": "x"}}

    assert told({"model_list": [served], "litellm_settings": {"num_retries": 0}}) == []
    assert told({}) == []


@pytest.mark.parametrize(
    ("name", "instead"),
    [
        ("rpm", "limits: {requests: …/minute}"),
        ("tpm", "limits: {tokens: …/minute}"),
        ("max_parallel_requests", "limits: {concurrent: …}"),
        ("max_budget", "limits: {cost: …}"),
    ],
)
def test_limits_of_a_deployment_are_told_with_the_targets_limit_to_write_instead(name: str, instead: str) -> None:
    limited = {"model_name": "gpt", "litellm_params": {"model": "openai/gpt-4o", name: 100}}

    (line,) = told({"model_list": [{"model_name": "free", "litellm_params": {"model": "a"}}, limited]})

    assert line.startswith(f"model_list[1] (gpt): {name}: ")
    assert instead in line


def test_what_a_rate_of_a_deployment_means_depends_on_a_check_of_the_router() -> None:
    limited = {"model_list": [{"model_name": "gpt", "litellm_params": {"model": "openai/gpt-4o", "rpm": 9}}]}
    enforced = {**limited, "router_settings": {"optional_pre_call_checks": ["enforce_model_rate_limits"]}}

    assert "requests in flight, not for a rate" in told(limited)[0]
    assert "by the minute of the clock" in told(enforced)[0]
    assert told(enforced)[1].startswith("router_settings.optional_pre_call_checks: enforce_model_rate_limits: ")


@pytest.mark.parametrize(
    ("section", "name", "value"),
    [
        ("litellm_settings", "max_budget", 100),
        ("litellm_settings", "max_internal_user_budget", 10),
        ("litellm_settings", "max_end_user_budget", 1),
        ("litellm_settings", "default_internal_user_params", {"max_budget": 1}),
        ("litellm_settings", "default_team_params", {"tpm_limit": 1}),
        ("litellm_settings", "tag_budget_config", {"a": {"max_budget": 1}}),
        ("router_settings", "provider_budget_config", {"openai": {"budget_limit": 1}}),
        ("router_settings", "default_max_parallel_requests", 5),
        ("general_settings", "max_parallel_requests", 5),
        ("general_settings", "global_max_parallel_requests", 5),
        ("router_settings", "num_retries", 3),
        ("litellm_settings", "num_retries", 3),
        ("router_settings", "retry_policy", {"TimeoutErrorRetries": 1}),
        ("router_settings", "model_group_retry_policy", {"a": {"TimeoutErrorRetries": 1}}),
        ("router_settings", "fallbacks", [{"a": ["b"]}]),
        ("litellm_settings", "default_fallbacks", ["b"]),
        ("litellm_settings", "context_window_fallbacks", [{"a": ["b"]}]),
        ("litellm_settings", "content_policy_fallbacks", [{"a": ["b"]}]),
    ],
)
def test_each_setting_that_limits_or_retries_beside_the_policy_is_a_line(section: str, name: str, value: Any) -> None:
    (line,) = told({section: {name: value}})

    assert line.startswith(f"{section}.{name}: ")


def test_a_policy_that_governs_nothing_has_nothing_doubled() -> None:
    config = {"litellm_settings": {"max_budget": 1, "num_retries": 3}}

    assert list(double_limits(config, Host.parse("version: 1").policy)) == []


def test_keys_that_nobody_asks_for_are_told() -> None:
    (line,) = told({"general_settings": {"master_key": "sk-x"}}, keys=[KEY])
    (other,) = told({"general_settings": {"custom_auth": "mine.auth"}}, keys=[KEY])

    assert line.endswith(f"set custom_auth: {CUSTOM_AUTH}")
    assert "`mine.auth` asks for them" in other
    assert told({"general_settings": {"custom_auth": CUSTOM_AUTH}}, keys=[KEY]) == []


def test_an_auth_without_keys_is_told() -> None:
    (line,) = told({"general_settings": {"custom_auth": CUSTOM_AUTH}})

    assert "only the master key is let in" in line


@pytest.mark.parametrize(
    "config", [{"model_list": None}, {"model_list": ["x", {"litellm_params": 1}]}, {"router_settings": []}]
)
def test_what_is_no_configuration_is_left_to_litellm(config: dict[str, Any]) -> None:
    assert told(config) == []
