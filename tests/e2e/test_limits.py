"""Limits of targets, on a real proxy."""

import asyncio
from collections import Counter

import httpx
import pytest

from tests.patience import ANSWER_S

MASTER = {"authorization": "Bearer sk-end-to-end-tests-only"}


async def many(url: str, model: str, times: int) -> list[httpx.Response]:
    body = {"model": model, "messages": [{"role": "user", "content": "Hello"}]}
    async with httpx.AsyncClient(base_url=url, timeout=ANSWER_S, headers=MASTER) as client:
        return await asyncio.gather(*(client.post("/v1/chat/completions", json=body) for _ in range(times)))


async def test_racing_clients_get_exactly_the_limit_from_the_first_target(proxy, providers) -> None:
    answers = await many(proxy.url, "limited/raced", 40)

    served = Counter(answer.headers["x-governance-target"] for answer in answers)
    assert served == {"cerebras/raced": 10, "openai/raced": 30}
    assert providers.stats("cerebras/raced")["received"] == 10


def test_a_refused_caller_learns_why_and_when_to_come_back(proxy) -> None:
    answers = [proxy.chat("small/twice") for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    refused, error = answers[2], answers[2].json()["error"]
    assert 1 <= int(refused.headers["retry-after"]) <= 62
    assert error["type"] == "rate_limit_error"
    assert error["provider_specific_fields"]["code"] == "requests_exhausted"
    assert "cerebras/twice" in error["message"]
    record = proxy.decision(refused.headers["x-governance-decision-id"])
    assert record["refusal"]["retry_after_s"] == int(refused.headers["retry-after"])


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/completions", {"prompt": "Hello"}),
        ("/v1/embeddings", {"input": "Hello"}),
        ("/v1/responses", {"input": "Hello"}),
        ("/v1/messages", {"max_tokens": 5, "messages": [{"role": "user", "content": "Hello"}]}),
    ],
)
def test_every_endpoint_refuses_with_429_and_a_retry_after(proxy, path: str, body: dict[str, object]) -> None:
    model = f"small/on-{path.rpartition('/')[2]}"
    for _ in range(2):
        proxy.chat(model)

    answer = proxy.client.post(path, json={"model": model, **body})

    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) >= 1
    assert "error" in answer.json()


def test_tokens_are_settled_to_what_was_used(proxy) -> None:
    """Each request reserves 900 tokens of 1,000 and uses about 10, so the next one finds room."""
    answers = [proxy.chat("tokens/settled", max_tokens=900) for _ in range(1)]
    for _ in range(4):
        proxy.decision(answers[-1].headers["x-governance-decision-id"])
        answers.append(proxy.chat("tokens/settled", max_tokens=900))

    assert [answer.status_code for answer in answers] == [200] * 5
    record = proxy.decision(answers[-1].headers["x-governance-decision-id"])
    assert record["windows"][0]["used_before"] < 100
    assert record["usage"]["output_tokens"] > 0


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/chat/completions", {"messages": [{"role": "user", "content": "Hello"}]}),
        ("/v1/completions", {"prompt": "Hello"}),
        ("/v1/responses", {"input": "Hello"}),
        ("/v1/messages", {"max_tokens": 50, "messages": [{"role": "user", "content": "Hello"}]}),
    ],
)
def test_usage_is_what_the_provider_reported(
    proxy, providers, path: str, body: dict[str, object], stream: bool
) -> None:
    providers.fail("hosted_vllm", usage={"input_tokens": 123, "output_tokens": 45})
    providers.fail("anthropic", status=503)

    answer = proxy.client.post(path, json={"model": "across/reported", "stream": stream, **body})

    assert answer.status_code == 200
    record = proxy.decision(answer.headers["x-governance-decision-id"])
    assert (record["usage"]["input_tokens"], record["usage"]["output_tokens"]) == (123, 45)


def test_a_failed_attempt_gives_its_tokens_back(proxy, providers) -> None:
    providers.fail("cerebras", status=503)
    failed = proxy.chat("tokens/given-back", max_tokens=900)
    proxy.decision(failed.json().get("decision_id", "") or failed.headers["x-governance-decision-id"])
    providers.heal()

    answer = proxy.chat("tokens/given-back", max_tokens=900)

    assert failed.status_code == 503
    assert answer.status_code == 200


def test_a_request_larger_than_the_limit_is_refused_for_good(proxy) -> None:
    answer = proxy.chat("tokens/large", max_tokens=5000)

    assert answer.status_code == 400
    assert "retry-after" not in answer.headers
    assert "1,000 tokens/minute" in answer.json()["error"]["message"]


async def test_a_target_in_use_is_passed_over_while_concurrency_is_full(proxy, providers) -> None:
    providers.fail("cerebras", latency_ms=1500)

    answers = await many(proxy.url, "single/flight", 3)

    served = Counter(answer.headers["x-governance-target"] for answer in answers)
    assert served == {"cerebras/flight": 1, "openai/flight": 2}


def test_concurrency_is_free_again_after_the_answer(proxy) -> None:
    first = proxy.chat("single/after")
    proxy.decision(first.headers["x-governance-decision-id"])

    assert proxy.chat("single/after").headers["x-governance-target"] == "cerebras/after"
