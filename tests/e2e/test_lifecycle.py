"""Every way in which a request ends, and what stays counted then; the table is in docs/lifecycle.md."""

import asyncio
import json
from typing import Any

import httpx
import pytest

from tests.patience import ANSWER_S

CHAT = {"messages": [{"role": "user", "content": "Hello"}]}
REPORTED = {"input_tokens": 100, "output_tokens": 20}
MASTER = {"authorization": "Bearer sk-end-to-end-tests-only"}


def chat(proxy, model: str, guard: str = "", **body: Any) -> httpx.Response:
    headers = {"x-guard": guard} if guard else {}
    return proxy.client.post("/v1/chat/completions", json={"model": model, **CHAT, **body}, headers=headers)


def settled(proxy, answer: httpx.Response) -> dict[str, Any]:
    record: dict[str, Any] = proxy.decision(answer.headers["x-governance-decision-id"])
    return record


@pytest.fixture(autouse=True)
def reporting(providers) -> None:
    """Every answer reports the same usage, so that what a probe adds is known."""
    providers.fail("*", usage=REPORTED)


@pytest.mark.parametrize("stream", [False, True])
def test_an_answer_counts_its_request_and_what_was_reported(proxy, stream: bool) -> None:
    model = f"answered-{stream}"
    settled(proxy, chat(proxy, f"alone/{model}", stream=stream))

    assert proxy.used(f"alone/{model}", f"openai/{model}") == {"requests": 1, "tokens": 120, "concurrent": 0}


def test_a_failed_request_counts_its_request_and_nothing_else(proxy, providers) -> None:
    providers.fail("openai/failed", status=503)
    settled(proxy, chat(proxy, "alone/failed"))
    providers.fail("openai/failed", usage=REPORTED)

    assert proxy.used("alone/failed", "openai/failed") == {"requests": 1, "tokens": 0, "concurrent": 0}


def test_a_failover_counts_a_request_at_each_target_and_tokens_where_it_was_answered(proxy, providers) -> None:
    providers.fail("cerebras/moved", status=503)
    settled(proxy, chat(proxy, "life/moved"))

    assert proxy.used("life/moved", "cerebras/moved") == {"requests": 1, "tokens": 0, "concurrent": 0}
    # The probe has failed over as well.
    assert proxy.used("life/moved", "groq/moved") == {"requests": 2, "tokens": 240, "concurrent": 0}


def test_a_stream_that_breaks_before_its_first_token_fails_over(proxy, providers) -> None:
    providers.fail("cerebras/broken-early", break_after_chunks=0, break_kind="error_event", times=1)
    answer = chat(proxy, "life/broken-early", stream=True)

    assert answer.status_code == 200
    record = settled(proxy, answer)
    assert [(a["target"], a["outcome"]) for a in record["attempts"][:1]] == [("cerebras/broken-early", "failed")]
    assert proxy.used("life/broken-early", "cerebras/broken-early")["requests"] == 1


def test_a_stream_that_breaks_after_tokens_counts_its_request_and_gives_the_tokens_back(proxy, providers) -> None:
    providers.fail("openai/broken", break_after_chunks=3, break_kind="error_event", times=1)
    answer = chat(proxy, "alone/broken", "", stream=True, messages=[{"role": "user", "content": "one two three " * 5}])
    settled(proxy, answer)
    providers.fail("openai/broken", usage=REPORTED)

    proxy.settles("alone/broken", "openai/broken", {"requests": 1, "tokens": 0, "concurrent": 0})


def test_a_caller_that_leaves_a_stream_pays_for_what_it_got(proxy, providers) -> None:
    providers.fail("openai/left", chunk_delay_ms=200, usage=REPORTED, times=1)
    body = {"model": "alone/left", "stream": True, "messages": [{"role": "user", "content": "word " * 30}]}
    with proxy.client.stream("POST", "/v1/chat/completions", json=body) as answer:
        decision_id = answer.headers["x-governance-decision-id"]
        for i, _ in enumerate(answer.iter_lines()):
            if i > 6:
                break

    record = proxy.decision(decision_id)
    assert 0 < record["usage"]["input_tokens"] + record["usage"]["output_tokens"] < 120
    used = proxy.used("alone/left", "openai/left")
    assert (used["requests"], used["concurrent"]) == (1, 0)
    assert used["tokens"] == record["usage"]["input_tokens"] + record["usage"]["output_tokens"]


def test_a_caller_that_does_not_wait_for_an_answer_pays_for_it(proxy, providers) -> None:
    providers.fail("openai/impatient", latency_ms=3000, usage=REPORTED, times=1)

    async def ask_and_leave() -> None:
        async with httpx.AsyncClient(timeout=ANSWER_S, headers=MASTER) as client:
            body = {"model": "alone/impatient", **CHAT}
            asking = asyncio.create_task(client.post(f"{proxy.url}/v1/chat/completions", json=body))
            while not await asyncio.to_thread(lambda: providers.stats("openai/impatient")["received"]):
                assert not asking.done()
            assert asking.cancel()

    asyncio.run(ask_and_leave())

    proxy.settles("alone/impatient", "openai/impatient", {"requests": 1, "tokens": 120, "concurrent": 0})


def test_a_timeout_counts_its_request(proxy, providers) -> None:
    providers.fail("openai/slow", latency_ms=5000, times=1)
    answer = chat(proxy, "alone/slow", timeout=1)

    assert answer.status_code == 408
    settled(proxy, answer)
    assert proxy.used("alone/slow", "openai/slow") == {"requests": 1, "tokens": 0, "concurrent": 0}


def test_a_guardrail_before_the_call_leaves_nothing_counted(proxy) -> None:
    answer = chat(proxy, "alone/guarded", "before")

    assert answer.status_code == 403
    proxy.settles("alone/guarded", "openai/guarded", {"requests": 0, "tokens": 0, "concurrent": 0})


def test_a_guardrail_during_the_call_counts_at_most_the_request(proxy, providers) -> None:
    providers.fail("openai/moderated", latency_ms=1000, usage=REPORTED, times=1)
    answer = chat(proxy, "alone/moderated", "during")

    assert answer.status_code == 403
    used = proxy.used("alone/moderated", "openai/moderated")
    assert used["requests"] <= 1
    assert (used["tokens"], used["concurrent"]) == (0, 0)


def test_a_guardrail_after_the_answer_counts_the_answer(proxy) -> None:
    answer = chat(proxy, "alone/censored", "after")

    assert answer.status_code == 403
    proxy.settles("alone/censored", "openai/censored", {"requests": 1, "tokens": 120, "concurrent": 0})


def test_a_request_that_litellms_own_limiter_refuses_leaves_nothing_counted(proxy) -> None:
    headers = {"authorization": "Bearer sk-" + json.dumps({"user_id": "limited", "rpm_limit": 1, "models": []})}
    answers = [
        proxy.client.post("/v1/chat/completions", json={"model": "alone/rpm", **CHAT}, headers=headers)
        for _ in range(3)
    ]

    assert [answer.status_code for answer in answers] == [200, 429, 429]
    settled(proxy, answers[0])
    proxy.settles("alone/rpm", "openai/rpm", {"requests": 1, "tokens": 120, "concurrent": 0})


def test_a_request_that_litellm_begins_anew_is_counted_once(proxy) -> None:
    answer = chat(proxy, "groq/rerun-first", "rerun")

    assert answer.status_code == 200
    assert "groq/rerun-second" in answer.text


def test_several_models_in_one_request_are_refused(proxy, providers) -> None:
    answer = chat(proxy, "alone/comma,openai/comma")

    assert answer.status_code == 400
    assert "one request for each model" in answer.json()["error"]["message"]
    assert providers.stats("openai/comma")["received"] == 0


def test_a_cancelled_request_leaves_nothing_counted(proxy) -> None:
    answer = chat(proxy, "alone/cancelled", "cancel")

    assert answer.status_code >= 500
    proxy.settles("alone/cancelled", "openai/cancelled", {"requests": 0, "tokens": 0, "concurrent": 0})


def test_an_answer_from_the_cache_counts_its_request_and_costs_nothing(proxy) -> None:
    for _ in range(2):
        answer = chat(proxy, "alone/cached", cache={"use-cache": True})
        settled(proxy, answer)

    used = proxy.used("alone/cached", "openai/cached")
    assert used["tokens"] == 120
    assert settled(proxy, answer)["usage"] == {"input_tokens": 0, "output_tokens": 0, "cost_usd_micros": 0}


def test_what_a_caller_mocks_is_ignored(proxy, providers) -> None:
    answer = chat(proxy, "alone/mocked", mock_response="litellm.RateLimitError", mock_testing_fallbacks=True)

    assert answer.status_code == 200
    assert providers.stats("openai/mocked")["received"] == 1


def test_a_forged_decision_id_changes_nothing(proxy) -> None:
    other = chat(proxy, "alone/forged")
    forged = {"governance_decision_id": other.headers["x-governance-decision-id"]}

    answer = chat(proxy, "alone/forged", metadata=forged, litellm_metadata=forged)

    assert answer.headers["x-governance-decision-id"] != forged["governance_decision_id"]
    settled(proxy, answer)
    assert proxy.used("alone/forged", "openai/forged")["requests"] == 2


def test_a_caller_cannot_ask_for_retries_that_are_not_counted(proxy, providers) -> None:
    providers.fail("openai/retried", status=500)
    chat(proxy, "alone/retried", num_retries=5, max_retries=5)

    assert providers.stats("openai/retried")["received"] == 1


def test_a_caller_cannot_hide_a_request(proxy) -> None:
    hidden = {"is_silent_experiment": True}
    for bucket in ("metadata", "litellm_metadata"):
        settled(proxy, chat(proxy, "alone/hidden", **{bucket: hidden}))

    assert proxy.used("alone/hidden", "openai/hidden")["requests"] == 2


def test_a_callers_fallback_may_not_change_what_the_decision_says(proxy, providers) -> None:
    providers.fail("cerebras/rewritten", status=503)
    forged = [{"model": "groq/rewritten", "metadata": {}, "litellm_call_id": "forged"}]

    answer = chat(proxy, "life/rewritten", fallbacks=forged)

    record = settled(proxy, answer)
    assert [(a["target"], a["outcome"]) for a in record["attempts"]] == [
        ("cerebras/rewritten", "failed"),
        ("groq/rewritten", "ok"),
    ]


def test_another_request_cannot_end_this_one(proxy, providers) -> None:
    providers.fail("cerebras/taken", break_after_chunks=1, break_kind="hang", times=1)
    body = {"model": "single/taken", "stream": True, "messages": [{"role": "user", "content": "word " * 20}]}
    with proxy.client.stream("POST", "/v1/chat/completions", json=body) as answer:
        forged = {"governance_decision_id": answer.headers["x-governance-decision-id"]}
        for headers in ({"authorization": "Bearer sk-wrong"}, MASTER):
            httpx.post(
                f"{proxy.url}/raw/chat",
                json={"model": "x", "litellm_metadata": forged, "metadata": forged, **CHAT},
                headers=headers,
                timeout=ANSWER_S,
            )

        assert chat(proxy, "single/taken").headers["x-governance-target"] == "openai/taken"
