"""What happens when a target fails, on a real proxy."""

import pytest

CHAT = {"messages": [{"role": "user", "content": "Hello"}]}


def attempts(proxy, answer) -> list[tuple[str, str]]:
    record = proxy.decision(answer.headers["x-governance-decision-id"])
    return [(attempt["target"], attempt["outcome"]) for attempt in record["attempts"]]


KINDS = {
    401: "auth",
    402: "account_exhausted",
    404: "not_found",
    405: "not_found",
    409: "server_error",
    424: "server_error",
    425: "overloaded",
    429: "rate_limited",
    451: "unsupported",
    499: "timeout",
    500: "server_error",
    503: "overloaded",
    529: "overloaded",
}


@pytest.mark.parametrize("status", KINDS)
def test_the_next_target_answers_when_the_first_fails(proxy, providers, status: int) -> None:
    providers.fail("cerebras", status=status)

    answer = proxy.chat("fast/failing")

    assert answer.status_code == 200
    assert answer.headers["x-governance-target"] == "openai/failing"
    assert answer.headers["x-governance-attempts"] == "2"
    assert attempts(proxy, answer) == [("cerebras/failing", "failed"), ("openai/failing", "ok")]
    first = proxy.decision(answer.headers["x-governance-decision-id"])["attempts"][0]
    assert (first["error"], first["status"]) == (KINDS[status], status)


def test_a_400_that_is_not_the_callers_is_tried_elsewhere(proxy, providers) -> None:
    providers.fail("cerebras", status=400, message="Your credit balance is too low to access the API")

    answer = proxy.chat("fast/unpaid")

    assert answer.headers["x-governance-target"] == "openai/unpaid"
    failed = proxy.decision(answer.headers["x-governance-decision-id"])["attempts"][0]
    assert (failed["error"], failed["whose"], failed["status"]) == ("account_exhausted", "account", 400)


def test_each_target_is_asked_once(proxy, providers) -> None:
    providers.fail("cerebras", status=503)

    proxy.chat("fast/asked-once")

    assert providers.stats("cerebras/asked-once")["received"] == 1
    assert providers.stats("openai/asked-once")["received"] == 1


def test_a_request_that_is_itself_at_fault_is_tried_once(proxy, providers) -> None:
    """BF-FB-014."""
    providers.fail("cerebras", status=400, message="messages: must not be empty")

    answer = proxy.chat("fast/at-fault")

    assert answer.status_code == 400
    assert "must not be empty" in answer.json()["error"]["message"]
    assert providers.stats("openai/at-fault")["received"] == 0


def test_the_first_error_is_told_when_every_target_fails(proxy, providers) -> None:
    """BF-FB-015."""
    providers.fail("cerebras", status=503, message="cerebras is overloaded")
    providers.fail("openai", status=500, message="openai broke")

    answer = proxy.chat("fast/all-fail")

    assert answer.status_code == 503
    assert "cerebras is overloaded" in answer.json()["error"]["message"]


def test_a_streamed_chat_fails_over(proxy, providers) -> None:
    providers.fail("cerebras", status=503)

    answer = proxy.client.post("/v1/chat/completions", json={"model": "fast/streamed", "stream": True, **CHAT})

    assert answer.headers["x-governance-target"] == "openai/streamed"
    assert "openai/streamed" in answer.text


@pytest.mark.parametrize("stream", [False, True])
def test_messages_fail_over_between_apis(proxy, providers, stream: bool) -> None:
    providers.fail("anthropic", status=529)
    model = f"claude-{stream}"
    body = {"model": f"across/{model}", "max_tokens": 50, "stream": stream, **CHAT}

    answer = proxy.client.post("/v1/messages", json=body)

    assert answer.status_code == 200
    assert "hosted_vllm" in answer.text
    assert providers.stats(f"anthropic/{model}")["received"] == 1


def test_responses_fail_over(proxy, providers) -> None:
    providers.fail("cerebras", status=503)

    answer = proxy.client.post("/v1/responses", json={"model": "fast/responding", "input": "Hello"})

    assert answer.status_code == 200
    assert attempts(proxy, answer)[-1] == ("openai/responding", "ok")


def test_a_callers_own_fallback_serves_after_the_only_target(proxy, providers) -> None:
    providers.fail("cerebras", status=503)

    answer = proxy.chat("tokens/lonely", fallbacks=["groq/lonely"])

    assert answer.status_code == 200, answer.text
    assert answer.headers["x-governance-target"] == "groq/lonely"


def test_a_virtual_name_among_a_callers_fallbacks_becomes_its_targets(proxy, providers) -> None:
    providers.fail("groq", status=503)

    answer = proxy.chat("groq/direct", fallbacks=["light/light"])

    assert answer.status_code == 200
    assert "cerebras/glm-4.7-flash" in answer.json()["choices"][0]["message"]["content"]
