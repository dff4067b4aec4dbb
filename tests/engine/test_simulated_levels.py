"""What conditions see of limits in `explain` and in policy tests: the very windows that are shown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from governance.catalog import Catalog
from governance.engine.host import Host
from governance.engine.simulation import given_from, simulate
from governance.testing import read_suite, run

PRICES = {
    f"{provider}/m": {
        "litellm_provider": provider,
        "mode": "chat",
        "input_cost_per_token": price,
        "output_cost_per_token": price,
    }
    for provider, price in (("openai", 1e-6), ("local", 0.0))
}
CATALOG = Catalog(None, PRICES)
WHO = {"team_id": "research", "metadata": {"cost_center": "a"}}


def policy(condition: str, *, served: dict[str, Any] | None = None, **sections: Any) -> dict[str, Any]:
    rule = {"name": "nearly spent", "cel_expression": condition, **(served or {"targets": [{"provider": "local"}]})}
    return {"version": 1, "routing_rules": [rule], **sections}


async def decided(
    policy: dict[str, Any], *usage: dict[str, Any], model: str = "openai/m", **given: Any
) -> dict[str, Any]:
    asked = given_from({"body": {"model": model}, "identity": WHO, "usage": list(usage), **given})
    return (await simulate(Host.parse(yaml.safe_dump(policy)), asked, CATALOG)).trace.record()


BUDGET = {"name": "monthly", "subject": {"team": "research"}, "amount": "100 USD/month"}


async def test_a_budget_that_is_shown_at_90_matches_above_85() -> None:
    budgets = policy("budget_used > 85", budgets=[BUDGET])

    assert (await decided(budgets, {"limit": "monthly", "used": 90_000_000}))["model"] == "local/m"
    assert (await decided(budgets, {"limit": "monthly", "used": 80_000_000}))["model"] == "openai/m"
    assert (await decided(budgets))["model"] == "openai/m"


@pytest.mark.parametrize(
    ("condition", "section", "use"),
    [
        ("budget_used >= 90", {"budgets": [BUDGET]}, {"subject": "team:research", "used": 90_000_000}),
        ("budget_used >= 90", {"budgets": [{**BUDGET, "rolling": True}]}, {"used": 90_000_000}),
        ("budget_used >= 90", {"budgets": [{**BUDGET, "subject": "everyone"}]}, {"used": 90_000_000}),
        ("budget_used >= 90", {"budgets": [{**BUDGET, "subject": {"metadata": "cost_center"}}]}, {"used": 90_000_000}),
        ("budget_used >= 90", {"budgets": [{**BUDGET, "subject": {"model": "m"}}]}, {"used": 90_000_000}),
        ("budget_used > 100", {"budgets": [BUDGET]}, {"limit": "monthly", "used": 120_000_000}),
        (
            "tokens_used >= 50",
            {"rate_limits": [{"name": "t", "subject": {"team": "*"}, "tokens": "100k/minute"}]},
            {"limit": "t", "used": 50_000},
        ),
        (
            "request >= 50",
            {"rate_limits": [{"name": "r", "subject": {"provider": "openai"}, "requests": "10/minute"}]},
            {"limit": "r", "used": 5},
        ),
        (
            "request >= 50",
            {
                "routing_profiles": [
                    {
                        "name": "Fast",
                        "virtual_provider": "fast",
                        "targets": [{"provider": "OpenAI", "limits": {"requests": "10/hour"}}],
                    }
                ]
            },
            {"target": "openai/m", "used": 5},
        ),
    ],
)
async def test_every_limit_that_applies_is_seen(condition: str, section: dict[str, Any], use: dict[str, Any]) -> None:
    stated = policy(condition, **section)

    assert (await decided(stated, use))["model"] == "local/m"
    assert (await decided(stated, {**use, "used": use["used"] // 3}))["model"] == "openai/m"


async def test_it_is_seen_where_no_price_is_known_and_where_a_rule_refuses() -> None:
    unknown = policy("budget_used > 85", served={"refuse": {"message": "spent"}}, budgets=[BUDGET])
    use = {"limit": "monthly", "used": 90_000_000}

    assert (await decided(unknown, use, model="openai/never-heard-of"))["refusal"]["message"] == "spent"


async def test_limits_of_others_and_in_shadow_mode_are_not_seen() -> None:
    for other in ({**BUDGET, "subject": {"team": "other"}}, {**BUDGET, "mode": "shadow"}):
        assert (await decided(policy("budget_used > 85", budgets=[other]), {"used": 90_000_000}))["model"] == "openai/m"


async def test_percentages_that_are_stated_go_before_it() -> None:
    budgets = policy("budget_used > 85", budgets=[BUDGET])
    given = await decided(budgets, {"limit": "monthly", "used": 90_000_000}, percent={"budget_used": 10})

    assert given["model"] == "openai/m"


async def test_a_draw_that_is_given_is_made_once() -> None:
    weighted = policy("budget_used > 85", budgets=[BUDGET])
    weighted["routing_profiles"] = [
        {
            "name": "W",
            "virtual_provider": "w",
            "strategy": "weighted",
            "targets": [{"provider": "openai"}, {"provider": "local"}],
        }
    ]

    for draw, model in (([0.2, 0.9], "openai/m"), ([0.8, 0.1], "local/m")):
        assert (await decided(weighted, model="w/m", draw=draw))["model"] == model


async def test_a_rule_that_is_asked_again_sees_the_limits_of_the_model_that_it_was_sent_to() -> None:
    chained = {
        "version": 1,
        "routing_rules": [
            {"name": "first", "cel_expression": 'model == "old"', "model": "openai/m", "chain_rule": True},
            {"name": "second", "cel_expression": "request >= 50", "targets": [{"provider": "local"}]},
        ],
        "rate_limits": [{"name": "r", "subject": {"model": "m"}, "requests": "10/minute"}],
    }

    assert (await decided(chained, {"limit": "r", "used": 5}, model="openai/old"))["model"] == "local/m"


async def test_in_a_sequence_a_spent_budget_is_seen_by_the_very_next_request(tmp_path: Path) -> None:
    tests = {
        "tests": [
            {
                "name": "spent",
                "request": {"model": "openai/m", "identity": WHO},
                "sequence": [
                    {
                        "settle": {"input_tokens": 1, "output_tokens": 1, "cost_usd_micros": 90_000_000},
                        "expect": {"model": "openai/m", "served": "openai/m"},
                    },
                    {"expect": {"model": "local/m", "rule": "nearly spent"}},
                    {"after": "40d", "expect": {"model": "openai/m", "rule": None}},
                ],
            }
        ]
    }
    (tmp_path / "t.yaml").write_text(yaml.safe_dump(tests))
    host = Host.parse(yaml.safe_dump(policy("budget_used > 85", budgets=[BUDGET])))
    (result,) = await run(host, read_suite(tmp_path / "t.yaml"), CATALOG)

    assert result.differences == ()


@pytest.mark.parametrize(
    ("subject", "stated"),
    [
        ({"team": "*"}, "team:Research"),
        ({"virtual_key": "*"}, "virtual_key:ci"),
        ({"model": "M"}, "model:M"),
        ({"provider": "openai"}, "provider:OpenAI"),
    ],
)
async def test_use_is_stated_by_the_name_of_its_subject_too(subject: dict[str, str], stated: str) -> None:
    who = {"team_id": "t-42", "team_name": "Research", "virtual_key_id": "k-1", "virtual_key_name": "ci"}
    budgets = policy("budget_used >= 90", budgets=[{**BUDGET, "subject": subject}])

    assert (await decided(budgets, {"subject": stated, "used": 90_000_000}, identity=who))["model"] == "local/m"
    assert (await decided(budgets, {"subject": "team:other", "used": 90_000_000}, identity=who))["model"] == "openai/m"
