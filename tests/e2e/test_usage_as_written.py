"""Usage in shapes that real providers have, through a real proxy: what is counted is what they wrote."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.e2e.conftest import Proxy, Start, litellm_config
from tests.e2e.scripted import Scripted, chat, chunk, end, scripted

POLICY = """
version: 1
routing_profiles:
  - name: Counted
    virtual_provider: counted
    targets:
      - {provider: openai, limits: {tokens: 100k/hour}}
rate_limits:
  - {name: everybody, subject: everyone, tokens: 1M/hour}
budgets:
  - {name: all of it, subject: everyone, amount: 1000 USD/month}
"""
PRICES = {"input_cost_per_token": 1e-6, "output_cost_per_token": 1e-5}
PATHS = {"openai": "openai/v1", "groq": "groq/v1", "hosted_vllm": "hosted_vllm/v1", "anthropic": "anthropic"}


@pytest.fixture(scope="module")
def provider() -> Iterator[Scripted]:
    with scripted() as running:
        yield running


@pytest.fixture(scope="module")
def proxy(provider: Scripted, start: Start) -> Iterator[Proxy]:
    models = [
        {
            "model_name": f"{name}/*",
            "litellm_params": {
                "model": f"{name}/*",
                "api_key": "not-a-key",
                "api_base": f"{provider.url}/{path}",
                **PRICES,
            },
        }
        for name, path in PATHS.items()
    ]
    with start(POLICY, {**litellm_config(provider.url), "model_list": models}) as running:
        yield running


def record(proxy: Proxy, path: str, **body: Any) -> dict[str, Any]:
    """The record of a request that was answered."""
    answer = proxy.client.post(path, json=body)
    assert answer.status_code == 200, answer.text
    return proxy.decision(answer.headers["x-governance-decision-id"])


def counted(proxy: Proxy, provider: Scripted, model: str, given: Any, **body: Any) -> tuple[int, int]:
    provider.answers[model.partition("/")[2]] = given
    asked = {"model": model, "messages": [{"role": "user", "content": "Hello"}], **body}
    if isinstance(given, list):
        asked["stream"] = True
    usage = record(proxy, "/v1/chat/completions", **asked)["usage"]
    assert "implausible_usage" not in usage
    return usage["input_tokens"], usage["output_tokens"]


BESIDE = {
    "prompt_tokens": 10_000,
    "completion_tokens": 1_500,
    "total_tokens": 14_500,
    "completion_tokens_details": {"reasoning_tokens": 3_000},
}
ALONE = {"prompt_tokens": 21, "completion_tokens": 0, "total_tokens": 81, "reasoning_tokens": 60}


@pytest.mark.parametrize("name", ["openai", "groq"])
@pytest.mark.parametrize(("usage", "tokens"), [(BESIDE, (10_000, 4_500)), (ALONE, (21, 60))])
def test_reasoning_beside_the_answer_counts(
    proxy: Proxy, provider: Scripted, name: str, usage: dict[str, Any], tokens: tuple[int, int]
) -> None:
    events = [chunk("Hello"), end(), chunk(choices=[], usage=usage), "[DONE]"]

    assert counted(proxy, provider, f"{name}/thinks", chat(usage)) == tokens
    assert counted(proxy, provider, f"{name}/thinks-aloud", events) == tokens


USAGE = {"prompt_tokens": 700, "completion_tokens": 30, "total_tokens": 730}


@pytest.mark.parametrize("name", ["openai", "groq", "hosted_vllm"])
@pytest.mark.parametrize("place", ["choice", "x_groq"])
def test_usage_that_litellm_drops_counts(proxy: Proxy, provider: Scripted, name: str, place: str) -> None:
    last = end(usage=USAGE) if place == "choice" else {**end(), "x_groq": {"id": "1", "usage": USAGE}}

    assert counted(proxy, provider, f"{name}/elsewhere", [chunk("Hello"), last, "[DONE]"]) == (700, 30)


@pytest.mark.parametrize("name", ["openai", "groq"])
def test_reports_that_are_parts_are_added_up(proxy: Proxy, provider: Scripted, name: str) -> None:
    parts = [
        chunk("Hello", usage={"prompt_tokens": 9, "completion_tokens": 30, "total_tokens": 39}),
        chunk("again", usage={"prompt_tokens": 9, "completion_tokens": 20, "total_tokens": 29}),
    ]

    assert counted(proxy, provider, f"{name}/parts", [*parts, end(), "[DONE]"]) == (9, 50)


def test_a_stream_below_nothing_counts_what_was_seen(proxy: Proxy, provider: Scripted) -> None:
    usage = {"prompt_tokens": -700, "completion_tokens": -30, "total_tokens": -730}
    events = [chunk("Hello"), end(), chunk(choices=[], usage=usage), "[DONE]"]
    provider.answers["below"] = events

    asked = {"model": "openai/below", "messages": [{"role": "user", "content": "Hello"}], "stream": True}
    found = record(proxy, "/v1/chat/completions", **asked)["usage"]

    # Nothing was told: what was reserved stays counted.
    assert (found["input_tokens"], found["output_tokens"]) == (None, None)


def test_anthropics_parts_and_its_cache_by_age_count(proxy: Proxy, provider: Scripted) -> None:
    start = {
        "id": "m1",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [],
        "stop_reason": None,
        "usage": {
            "input_tokens": 10,
            "output_tokens": 1,
            "cache_creation": {"ephemeral_5m_input_tokens": 200, "ephemeral_1h_input_tokens": 100},
        },
    }
    provider.answers["parts"] = [
        {"type": "message_start", "message": start},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hello"}},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": None}, "usage": {"output_tokens": 30}},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 20}},
        {"type": "message_stop"},
    ]
    asked = {"model": "anthropic/parts", "messages": [{"role": "user", "content": "Hello"}], "stream": True}

    for path in ("/v1/messages", "/v1/chat/completions"):
        usage = record(proxy, path, max_tokens=500, **asked)["usage"]

        assert (usage["input_tokens"], usage["output_tokens"]) == (310, 51)


def test_an_embedding_with_a_total_alone_counts(proxy: Proxy, provider: Scripted) -> None:
    vector = {"object": "embedding", "index": 0, "embedding": [0.5]}
    provider.answers["embeds"] = {"object": "list", "model": "m", "data": [vector], "usage": {"total_tokens": 700}}

    usage = record(proxy, "/v1/embeddings", model="openai/embeds", input="Hello")["usage"]

    assert (usage["input_tokens"], usage["output_tokens"]) == (700, 0)


# Of what is no 64-bit number in an answer that is not streamed, LiteLLM 1.110 makes an error of its own.
@pytest.mark.parametrize(("number", "streamed"), [(10**18, False), (10**18, True), (10**30, True)])
def test_nobody_is_kept_out_by_a_number_that_cannot_be(
    proxy: Proxy, provider: Scripted, number: int, streamed: bool
) -> None:
    usage = {"prompt_tokens": number, "completion_tokens": number, "total_tokens": 2 * number}
    events = [chunk("Hello"), end(), chunk(choices=[], usage=usage), "[DONE]"]
    provider.answers[f"lies-{streamed}"] = events if streamed else chat(usage)
    asked = {"model": f"counted/lies-{streamed}", "messages": [{"role": "user", "content": "Hello"}]}

    told = [record(proxy, "/v1/chat/completions", **asked, stream=streamed, max_tokens=100) for _ in range(2)]

    for found in told:
        assert len(found["usage"]["implausible_usage"]) == 2
        assert found["usage"]["output_tokens"] == 100
        assert found["usage"]["input_tokens"] < 3_000


def test_an_answer_that_litellm_cannot_read_closes_no_window(proxy: Proxy, provider: Scripted) -> None:
    lies = {"prompt_tokens": 10**30, "completion_tokens": 10**30, "total_tokens": 2 * 10**30}
    provider.answers["unread"] = chat(lies)
    asked = {"model": "counted/unread", "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 100}
    for _ in range(2):
        proxy.client.post("/v1/chat/completions", json=asked)

    provider.answers["unread"] = chat({"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12})

    assert record(proxy, "/v1/chat/completions", **asked)["usage"]["output_tokens"] == 7
