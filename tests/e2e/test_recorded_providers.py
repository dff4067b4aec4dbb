"""What six providers answer, in the shapes of their documentation, through LiteLLM's own adapters and governance."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import yaml

from governance.proxy.contract.versions import installed
from tests.e2e.conftest import Proxy, Start, litellm_config
from tests.providers.playing import Playing, playing
from tests.providers.recorded import Case, Counted, Fails, providers

PROVIDERS = providers()
CASES = [(name, case) for name, provider in PROVIDERS.items() for case in provider.cases]
ANSWERED = [(name, case) for name, case in CASES if PROVIDERS[name].cases[case].counted]
FAILED = [(name, case) for name, case in CASES if PROVIDERS[name].cases[case].fails]
PATHS = {"chat": "/v1/chat/completions", "messages": "/v1/messages", "responses": "/v1/responses"}
# Who serves after a failure, by what is asked and whether as a stream.
BESIDE = {
    ("chat", False): "openai-whole",
    ("chat", True): "openai-stream",
    ("responses", False): "openai-responses",
    ("responses", True): "openai-responses_stream",
    ("messages", False): "anthropic-messages",
    ("messages", True): "anthropic-messages_stream",
}
PRICES = {
    "input_cost_per_token": 3e-6,
    "output_cost_per_token": 15e-6,
    "cache_read_input_token_cost": 0.3e-6,
    "cache_creation_input_token_cost": 3.75e-6,
}


@pytest.fixture(scope="module")
def stage() -> Iterator[Playing]:
    with playing(PROVIDERS) as running:
        yield running


@pytest.fixture(scope="module")
def proxy(stage: Playing, start: Start) -> Iterator[Proxy]:
    """Each case has two deployments, so that what one is left alone for is not the other's."""
    models = [deployment(stage, name, case, who) for name, case in CASES for who in ("alone", "first")]
    alone, first = [], []
    for name, case in CASES:
        model = f"{name}-{case}"
        recorded = PROVIDERS[name].cases[case]
        beside = BESIDE[recorded.asks, bool(recorded.events)]
        alone.append({"group": f"{model}-alone", "virtual_model": model})
        first.append({"group": f"{model}-first", "virtual_model": model})
        first.append({"group": f"{beside}-alone", "virtual_model": model, "priority": 1})
    policy = {
        "version": 1,
        "routing_profiles": [
            {"name": "Alone", "virtual_provider": "alone", "targets": alone},
            {"name": "First", "virtual_provider": "first", "targets": first},
        ],
        "budgets": [{"name": "all of it", "subject": "everyone", "amount": "1000 USD/month"}],
        "failover": {},
    }
    with start(yaml.safe_dump(policy), {**litellm_config(stage.url), "model_list": models}) as running:
        yield running
        assert not stage.misplaced


def deployment(stage: Playing, name: str, case: str, who: str) -> dict[str, Any]:
    url = f"{stage.url}/{name}/{case}/{who}"
    params = {key: value.format(url=url) for key, value in PROVIDERS[name].litellm.items()}
    return {"model_name": f"{name}-{case}-{who}", "litellm_params": {**params, **PRICES}}


def asked(proxy: Proxy, model: str, case: Case) -> httpx.Response:
    body: dict[str, Any] = {"model": model, "stream": bool(case.events)}
    body |= {"input": "Hello"} if case.asks == "responses" else {"messages": [{"role": "user", "content": "Hello"}]}
    body |= {"max_tokens": 1_000} if case.asks == "messages" else {}
    return proxy.client.post(PATHS[case.asks], json=body)


def record(proxy: Proxy, answer: httpx.Response) -> dict[str, Any]:
    return proxy.decision(answer.headers["x-governance-decision-id"])


@pytest.mark.parametrize(("name", "case"), ANSWERED)
def test_what_is_answered_is_counted_as_it_is_written(stage: Playing, proxy: Proxy, name: str, case: str) -> None:
    recorded = PROVIDERS[name].cases[case]
    answer = asked(proxy, f"alone/{name}-{case}", recorded)

    assert answer.status_code == 200, answer.text
    assert ("Hello" in answer.text) == (case != "blocked_prompt")
    usage = record(proxy, answer)["usage"]
    counted = {
        "input_tokens": usage["input_tokens"],
        "cached_tokens": usage.get("cached_tokens", 0),
        "output_tokens": usage["output_tokens"],
        "usd_micros": usage["cost_usd_micros"],
    }
    assert Counted(**counted) == recorded.counted
    assert "implausible_usage" not in usage


@pytest.mark.parametrize(("name", "case"), FAILED)
def test_a_failure_is_understood_told_and_passed_on(stage: Playing, proxy: Proxy, name: str, case: str) -> None:
    recorded = PROVIDERS[name].cases[case]
    assert recorded.fails is not None
    expected = recorded.fails.by(installed())
    beside = f"group:{BESIDE[recorded.asks, bool(recorded.events)]}-alone"
    # A short cool-down may be over before a busy machine asks again.
    for _ in range(5):
        answer = asked(proxy, f"alone/{name}-{case}", recorded)
        before = stage.asked[f"{name}/{case}/alone"]
        again = asked(proxy, f"alone/{name}-{case}", recorded)
        cools = again.status_code == 503 and "cooling_down" in again.text
        if cools or not expected.cools:
            break
    first = asked(proxy, f"first/{name}-{case}", recorded)

    told, passed_on = record(proxy, answer), record(proxy, first)
    attempt = told["attempts"][0]
    found = Fails(
        kind=attempt["error"],
        status=answer.status_code,
        moves_on=first.status_code == 200 and first.headers["x-governance-target"] == beside,
        cools=cools,
        says_s=expected.says_s and attempt["retry_after_s"],
    )
    assert found == expected, answer.text
    assert passed_on["attempts"][0]["error"] == expected.kind
    # Nothing was answered: of a stream that had begun, the prompt counts.
    assert (told["usage"] or {}).get("output_tokens", 0) == 0
    if cools:
        assert stage.asked[f"{name}/{case}/alone"] == before
        assert int(again.headers["retry-after"]) >= 1
    if expected.moves_on:
        assert "Hello" in first.text
