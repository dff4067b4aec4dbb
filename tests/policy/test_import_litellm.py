"""What LiteLLM's own file limits, as a policy."""

from __future__ import annotations

import json
from typing import Any

import pytest

from governance.engine.host import Host
from governance.policy.import_litellm import import_litellm


def imported(config: dict[str, Any]) -> tuple[dict[str, Any], tuple[str, ...]]:
    made = import_litellm(config)
    Host.parse(json.dumps(made.document))  # a policy, whatever came in
    return {key: value for key, value in made.document.items() if key != "version"}, made.remarks


def budget(name: str, subject: Any, amount: str, **more: Any) -> dict[str, Any]:
    return {"budgets": [{"name": name, "subject": subject, "amount": amount, **more}]}


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (
            {"litellm_settings": {"max_budget": 100, "budget_duration": "30d"}},
            budget("everyone", "everyone", "100 USD/month"),
        ),
        (
            {"litellm_settings": {"max_internal_user_budget": 0.5, "internal_user_budget_duration": "1d"}},
            budget("each user", {"user": "*"}, "0.5 USD/day"),
        ),
        (
            {"litellm_settings": {"tag_budget_config": {"ci": {"max_budget": 1e-5, "budget_duration": "7d"}}}},
            budget("tag ci", {"tag": "ci"}, "0.00001 USD/week"),
        ),
        (
            {"router_settings": {"provider_budget_config": {"openai": {"budget_limit": 3, "time_period": "1d"}}}},
            budget("provider openai", {"provider": "openai"}, "3 USD/day"),
        ),
        (
            {"litellm_settings": {"default_team_params": {"rpm_limit": 5, "tpm_limit": 900}}},
            {
                "rate_limits": [
                    {
                        "name": "each team by default",
                        "subject": {"team": "*"},
                        "requests": "5/minute",
                        "tokens": "900/minute",
                    }
                ]
            },
        ),
        (
            {"general_settings": {"global_max_parallel_requests": 8}},
            {"rate_limits": [{"name": "everyone at once", "subject": "everyone", "concurrent": 8}]},
        ),
        (
            {"model_list": [{"model_name": "x", "litellm_params": {"model": "openai/gpt-4o", "rpm": 6}}]},
            {
                "rate_limits": [
                    {"name": "target openai/gpt-4o", "subject": {"target": "openai/gpt-4o"}, "requests": "6/minute"}
                ]
            },
        ),
        ({"model_list": [{"model_name": "x", "litellm_params": {"model": "gpt-4o"}}]}, {}),
        ({}, {}),
    ],
)
def test_what_translates_exactly_is_there_without_a_remark(config: dict[str, Any], expected: dict[str, Any]) -> None:
    assert imported(config) == (expected, ())


def test_deployments_of_one_target_count_together() -> None:
    params = {"model": "openai/gpt-4o", "rpm": 6}
    policy, remarks = imported({"model_list": [{"litellm_params": {**params, "api_key": key}} for key in "ab"]})

    assert policy["rate_limits"][0]["requests"] == "12/minute"
    assert remarks == ("model_list[0], model_list[1]: rpm: added up, since all of them are openai/gpt-4o",)


def test_a_period_that_the_calendar_does_not_have_is_a_rolling_one_and_said() -> None:
    policy, remarks = imported({"litellm_settings": {"max_budget": 1, "budget_duration": "12h"}})

    assert policy == budget("everyone", "everyone", "1 USD/12h", rolling=True)
    assert "stricter" in remarks[0]


@pytest.mark.parametrize(
    ("config", "where"),
    [
        ({"litellm_settings": {"max_budget": 5}}, "litellm_settings.max_budget"),
        (
            {"litellm_settings": {"max_budget": "os.environ/MOST", "budget_duration": "1d"}},
            "litellm_settings.max_budget",
        ),
        ({"litellm_settings": {"max_budget": 1e-9, "budget_duration": "1d"}}, "litellm_settings.max_budget"),
        ({"litellm_settings": {"max_budget": 5, "budget_duration": "soon"}}, "litellm_settings.max_budget"),
        ({"litellm_settings": {"max_end_user_budget": 5}}, "litellm_settings.max_end_user_budget"),
        ({"litellm_settings": {"upperbound_key_generate_params": {"rpm_limit": 5}}}, "litellm_settings.upperbound_key"),
        ({"model_list": [{"litellm_params": {"model": "os.environ/M", "rpm": 5}}]}, "model_list[0]"),
        ({"model_list": [{"litellm_params": {"model": "a/b", "rpm": "many"}}]}, "model_list[0].rpm"),
        ({"general_settings": {"global_max_parallel_requests": 0}}, "general_settings.global_max_parallel_requests"),
    ],
)
def test_what_does_not_translate_is_left_out_and_said(config: dict[str, Any], where: str) -> None:
    policy, remarks = imported(config)

    assert policy == {}
    assert len(remarks) == 1
    assert remarks[0].startswith(where)


@pytest.mark.parametrize("odd", [None, [], "x", {"tag_budget_config": [1]}, {"provider_budget_config": {"a": 5}}])
def test_a_file_of_any_shape_is_read(odd: Any) -> None:
    imported({"litellm_settings": odd, "router_settings": odd, "model_list": odd})
