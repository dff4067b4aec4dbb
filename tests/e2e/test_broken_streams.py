"""Streams that fail: before their first token they are judged like any other answer, after it their record ends."""

import httpx
import pytest

POLICY = """\
version: 1
failover: {cool_down: {overloaded: 5m, connection_error: 5m, server_error: 5m}}
routing_profiles:
  - name: Pair
    virtual_provider: pair
    targets:
      - {provider: cerebras, priority: 1}
      - {provider: openai, priority: 2}
  - name: Across
    virtual_provider: across
    targets:
      - {provider: anthropic, priority: 1}
      - {provider: hosted_vllm, priority: 2}
"""
HELLO = [{"role": "user", "content": "one two three four five six"}]
ASKED = {
    "chat": ("/v1/chat/completions", "pair", "cerebras", "openai", {"messages": HELLO}),
    "messages": ("/v1/messages", "across", "anthropic", "hosted_vllm", {"messages": HELLO, "max_tokens": 50}),
    "responses": ("/v1/responses", "pair", "cerebras", "openai", {"input": "one two three four five six"}),
}


@pytest.fixture(scope="module")
def streaming(start):
    with start(POLICY) as running:
        yield running


def ask(proxy, api: str, model: str) -> httpx.Response:
    path, profile, _, _, body = ASKED[api]
    return proxy.client.post(path, json={"model": f"{profile}/{model}", "stream": True, **body})


def attempts(record) -> list[tuple[str, str, str | None]]:
    return [(a["target"], a["outcome"], a.get("error")) for a in record["attempts"]]


@pytest.mark.parametrize("api", ASKED)
@pytest.mark.parametrize("broken", ["error_event", "close"])
def test_a_stream_that_fails_before_its_first_token_is_judged_like_any_answer(
    streaming, providers, api: str, broken: str
) -> None:
    _, _, first, second, _ = ASKED[api]
    model = f"{api}-{broken}".replace("_", "-")
    providers.fail(f"{first}/{model}", break_after_chunks=0, break_kind=broken, message="Overloaded")

    answer = ask(streaming, api, model)

    assert answer.status_code == 200, answer.text
    assert answer.headers["x-governance-target"] == f"{second}/{model}"
    assert answer.headers["x-governance-attempts"] == "2"
    record = streaming.decision(answer.headers["x-governance-decision-id"])
    kind = "overloaded" if broken == "error_event" else "connection_error"
    assert attempts(record) == [(f"{first}/{model}", "failed", kind), (f"{second}/{model}", "ok", None)]
    assert ask(streaming, api, model).headers["x-governance-attempts"] == "1"
    assert providers.stats(f"{first}/{model}")["received"] == 1, "it was left alone"


@pytest.mark.parametrize("api", ASKED)
@pytest.mark.parametrize("broken", ["error_event", "close"])
def test_a_stream_that_breaks_after_tokens_ends_its_record(streaming, providers, api: str, broken: str) -> None:
    _, _, first, second, _ = ASKED[api]
    model = f"late-{api}-{broken}".replace("_", "-")
    providers.fail(f"{first}/{model}", break_after_chunks=3, break_kind=broken, message="Overloaded")

    answer = ask(streaming, api, model)

    record = streaming.decision(answer.headers["x-governance-decision-id"])
    tried = [(f"{first}/{model}", "failed")]
    # A connection that is dropped may take with it what it had brought (seen in 1.106 and 1.108): then it is another's.
    if "from " not in answer.text or f"{second}/{model}" in answer.text:
        assert f"{first}/{model}" not in answer.text, "nobody gets two answers in one"
        tried.append((f"{second}/{model}", "ok"))
    assert [(target, outcome) for target, outcome, _ in attempts(record)] == tried
    assert attempts(record)[0][2] in ("overloaded", "connection_error", "server_error")
    assert ask(streaming, api, model).headers["x-governance-target"] == f"{second}/{model}"
