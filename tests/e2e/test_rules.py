"""Routing rules on a real proxy."""

import json
from typing import Any

import httpx

CHAT = {"messages": [{"role": "user", "content": "Hello"}]}


def ask(proxy, model: str, headers: dict[str, str] | None = None, **body: Any) -> httpx.Response:
    answer: httpx.Response = proxy.client.post(
        "/v1/chat/completions", json={"model": model, **CHAT, **body}, headers=headers or {}
    )
    return answer


def test_a_rule_names_the_target(proxy) -> None:
    answer = ask(proxy, "fast/any", {"x-tier": "premium"})

    assert answer.headers["x-governance-target"] == "groq/premium"
    assert answer.headers["x-governance-rule"] == "premium tier"
    assert proxy.decision(answer.headers["x-governance-decision-id"])["rule"] == "premium tier"


def test_a_rule_that_does_not_match_leaves_the_profile_to_decide(proxy) -> None:
    assert ask(proxy, "fast/any", {"x-tier": "basic"}).headers["x-governance-target"] == "cerebras/any"


def test_a_rule_of_a_team_hands_over_to_a_profile(proxy) -> None:
    key = "sk-" + json.dumps({"models": [], "team_id": "research", "user_id": "ada"})

    answer = ask(proxy, "research", {"authorization": f"Bearer {key}"})

    assert answer.headers["x-governance-target"] == "cerebras/researched"
    assert answer.headers["x-governance-profile"] == "Fast Provider Alias"


def test_a_rule_refuses(proxy) -> None:
    answer = ask(proxy, "fast/any", metadata={"tags": ["secret"]})

    assert answer.status_code == 403
    assert "secrets stay at home" in answer.json()["error"]["message"]
