"""Background responses on real proxies: what was reserved waits for whoever asks after the response, on any proxy."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.patience import tries

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.e2e.conftest import Proxy, Start, litellm_config
from tests.e2e.scripted import Scripted, scripted

POLICY = """
version: 1
ledger: {{url: "{url}"}}
rate_limits:
  - {{name: tokens, subject: everyone, tokens: 1M/hour, requests: 100/hour}}
budgets:
  - {{name: money, subject: everyone, amount: 1000 USD/month}}
"""


USED = {"input_tokens": 1_000, "output_tokens": 10_000, "total_tokens": 11_000}
COST = 1_000 * 2 + 10_000 * 8


@pytest.fixture(scope="module")
def provider() -> Iterator[Scripted]:
    with scripted() as running:
        yield running


@pytest.fixture(scope="module")
def proxies(provider: Scripted, start: Start, redis_url: str) -> Iterator[tuple[Proxy, Proxy]]:
    params = {"model": "openai/gpt-4.1", "api_key": "not-a-key", "api_base": f"{provider.url}/v1"}
    models = [{"model_name": "openai/gpt-4.1", "litellm_params": params, "model_info": {"id": "the-one"}}]
    config = {**litellm_config(provider.url), "model_list": models}
    policy = POLICY.format(url=redis_url)
    with start(policy, config) as one, start(policy, config) as other:
        # Windows are shown some time after they were charged for the first time.
        provider.answers["gpt-4.1"] = response("first", "completed", USED)
        one.client.post("/v1/responses", json={"model": "openai/gpt-4.1", "input": "Hello"}).raise_for_status()
        settles(one, {}, requests=1, tokens=11_000, usd_micros=COST)
        yield one, other


def response(name: str, status: str, usage: dict[str, int] | None = None) -> dict[str, Any]:
    return {
        "id": f"resp_{name}",
        "object": "response",
        "created_at": 1,
        "model": "gpt-4.1",
        "status": status,
        "background": True,
        "output": [],
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "usage": usage,
    }


def counted(proxy: Proxy) -> dict[str, int]:
    """What each window has counted, what waits for its end included."""
    told = proxy.client.get("/governance/api/usage").raise_for_status().json()["windows"]
    return {window["unit"]: window["used"] + window["reserved"] for window in told}


def settles(proxy: Proxy, before: dict[str, int], **expected: int) -> None:
    """Wait until just this was counted since."""
    for _ in tries():
        now = counted(proxy)
        found = {unit: now.get(unit, 0) - before.get(unit, 0) for unit in expected}
        if found == expected:
            return
    assert found == expected


def accepted(proxy: Proxy, provider: Scripted, name: str) -> tuple[str, dict[str, int]]:
    """A response that was begun with 64,000 tokens allowed; its id and what had been counted before."""
    before = counted(proxy)
    provider.answers["gpt-4.1"] = provider.answers[f"resp_{name}"] = response(name, "queued")
    body = {"model": "openai/gpt-4.1", "input": "Hello", "background": True, "max_output_tokens": 32_000}
    answer = proxy.client.post("/v1/responses", json=body)
    assert answer.status_code == 200, answer.text
    record = proxy.decision(answer.headers["x-governance-decision-id"])
    assert "background" in record["usage"]["remarks"][0]
    return answer.json()["id"], before


def ask(proxy: Proxy, response_id: str) -> None:
    assert proxy.client.get(f"/v1/responses/{response_id}").status_code == 200


@pytest.mark.parametrize("asked", [0, 1])
def test_what_was_reserved_waits_for_whoever_asks(proxies: tuple[Proxy, Proxy], provider: Scripted, asked: int) -> None:
    name = f"asked{asked}"
    response_id, before = accepted(proxies[0], provider, name)
    reserved = counted(proxies[0])["tokens"] - before["tokens"]
    assert reserved >= 32_000, "what was reserved is still counted"
    ask(proxies[asked], response_id)
    settles(proxies[0], before, requests=1, tokens=reserved)

    provider.answers[f"resp_{name}"] = response(name, "completed", USED)
    ask(proxies[asked], response_id)

    settles(proxies[0], before, requests=1, tokens=11_000, usd_micros=COST)


def test_nobody_settles_twice(proxies: tuple[Proxy, Proxy], provider: Scripted) -> None:
    response_id, before = accepted(proxies[0], provider, "often")
    provider.answers["resp_often"] = response("often", "completed", USED)
    for proxy in (*proxies, *proxies):
        ask(proxy, response_id)
    settles(proxies[0], before, requests=1, tokens=11_000, usd_micros=COST)

    # The next response is told after all that was told of this one.
    another_id, middle = accepted(proxies[0], provider, "next")
    provider.answers["resp_next"] = response("next", "completed", USED)
    ask(proxies[1], another_id)

    settles(proxies[0], middle, requests=1, tokens=11_000, usd_micros=COST)


def test_a_response_that_failed_has_cost_nothing(proxies: tuple[Proxy, Proxy], provider: Scripted) -> None:
    response_id, before = accepted(proxies[0], provider, "fails")
    provider.answers["resp_fails"] = response("fails", "failed")

    ask(proxies[1], response_id)

    settles(proxies[0], before, requests=1, tokens=0, usd_micros=0)
