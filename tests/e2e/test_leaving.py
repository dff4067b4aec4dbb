"""Who leaves before the first event of a stream pays for the prompt; who asks for too much harms nobody else."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.routing import Route

from tests.e2e.beside import served
from tests.e2e.conftest import MASTER_KEY
from tests.patience import ANSWER_S, tries

PRICED = "{assume: {input: 1 USD/1k, output: 1 USD/1k}}"
POLICY = f"""\
version: 1
failover: {{cool_down: {{rate_limited: 10m, overloaded: 10m, server_error: 10m, unknown: 10m}}}}
routing_profiles:
  - name: Alone
    virtual_provider: alone
    targets: [{{provider: openai, limits: {{tokens: 1M/day, requests: 1000/day, concurrent: 100}}}}]
  - name: Two
    virtual_provider: two
    targets:
      - {{provider: cerebras, priority: 1, limits: {{tokens: 1M/day}}}}
      - {{provider: groq, priority: 2, limits: {{tokens: 1M/day}}}}
budgets:
  - {{name: all, subject: everyone, amount: 1000000 USD/day, unpriced: {PRICED}}}
"""
RAW = "rate_limits: [{name: raw, subject: everyone, tokens: 100M/day}]\n"
PROMPT = [{"role": "user", "content": "word " * 200}]


@pytest.fixture(scope="module")
def leaving(start) -> Iterator[Any]:
    with start(POLICY) as running:
        yield running


def leave(url: str, path: str, body: dict[str, Any], until: Any) -> None:
    """Ask for a stream, and go away as soon as the provider was asked."""

    async def ask_and_leave() -> None:
        headers = {"authorization": f"Bearer {MASTER_KEY}"}
        async with httpx.AsyncClient(timeout=ANSWER_S, headers=headers) as client:
            asking = asyncio.create_task(client.post(f"{url}{path}", json=body))
            while not await asyncio.to_thread(until):
                assert not asking.done(), asking.result().text
            assert asking.cancel()

    asyncio.run(ask_and_leave())


@pytest.mark.parametrize(
    ("path", "model"),
    [("/v1/chat/completions", "left-chat"), ("/v1/messages", "left-messages"), ("/v1/responses", "left-responses")],
)
@pytest.mark.parametrize("how", ["hang", "slow"])
def test_who_leaves_before_the_first_event_pays_for_the_prompt(leaving, providers, path, model, how) -> None:
    name = f"{model}-{how}"
    stalls = {"break_after_chunks": 0, "break_kind": "hang"} if how == "hang" else {"latency_ms": 3_000}
    providers.fail(f"openai/{name}", **stalls, times=1)
    body = {"model": f"alone/{name}", "stream": True, "max_tokens": 5_000, "max_output_tokens": 5_000}
    body |= {"input": PROMPT[0]["content"]} if path == "/v1/responses" else {"messages": PROMPT}
    body.pop("max_tokens" if path == "/v1/responses" else "max_output_tokens")
    leave(leaving.url, path, body, lambda: providers.stats(f"openai/{name}")["received"])

    for _ in tries():
        used = leaving.used(f"alone/{name}", f"openai/{name}")
        if used["concurrent"] == 0:
            break
    # Asking for it uses some more.
    assert used["concurrent"] == 0
    assert 200 < used["tokens"] < 2_000


@pytest.fixture(scope="module")
def passed() -> list[Any]:
    """The bodies that LiteLLM has passed on to one who begins an answer and says nothing."""
    return []


@pytest.fixture(scope="module")
def watching(start, configuration, passed: list[Any]) -> Iterator[Any]:
    """Ends calls whose callers have left."""

    async def silent(request: Request) -> StreamingResponse:
        passed.append(await request.json())
        return StreamingResponse(nothing(), media_type="text/event-stream")

    async def nothing() -> AsyncIterator[bytes]:
        await asyncio.sleep(3_600)
        yield b""

    with served(Starlette(routes=[Route("/", silent, methods=["POST"])])) as url:
        config = configuration()
        config["general_settings"]["cancel_on_disconnect"] = True
        config["general_settings"]["pass_through_endpoints"][0]["target"] = url
        with start(POLICY + RAW, config) as running:
            yield running


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages", "/v1/responses"])
def test_who_leaves_an_answer_that_is_no_stream_pays_for_the_prompt(watching, providers, path: str) -> None:
    name = f"whole{path.replace('/', '-')}"
    providers.fail(f"openai/{name}", latency_ms=30_000, times=1)
    body = {"model": f"alone/{name}", "max_tokens": 5_000, "messages": PROMPT}
    if path == "/v1/responses":
        body = {"model": f"alone/{name}", "input": PROMPT[0]["content"]}
    leave(watching.url, path, body, lambda: providers.stats(f"openai/{name}")["received"])

    for _ in tries():
        used = watching.used(f"alone/{name}", f"openai/{name}")
        if used["concurrent"] == 0:
            break
    assert used["concurrent"] == 0
    assert 150 < used["tokens"] < 2_000


def test_a_stream_that_is_passed_through_and_left_before_its_first_byte_stays_counted(watching, passed) -> None:
    def tokens() -> tuple[int, int]:
        answer = watching.client.get("/governance/api/usage", params={"limit": "raw"})
        (window,) = (each for each in answer.json()["windows"] if each["unit"] == "tokens")
        return window["used"], window["reserved"]

    body = {"model": "m", "stream": True, "messages": PROMPT}
    before = tokens()[0]
    leave(watching.url, "/raw/chat", body, lambda: passed)
    for _ in tries():
        used, reserved = tokens()
        if not reserved:
            break

    assert reserved == 0, "it comes to its end"
    assert used - before > 150


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (413, "Payload Too Large"),
        (413, "request_too_large"),
        (429, "Request too large for gpt-4o on tokens per min (TPM): Limit 30000, Requested 50000."),
        (429, "Request too large for model `m`: Limit 6000, Requested 7000, please reduce your message size"),
    ],
)
def test_a_request_that_is_too_large_cools_the_target_down_for_nobody(leaving, providers, status, message) -> None:
    name = f"large-{status}-{len(message)}"
    providers.fail(f"cerebras/{name}", status=status, message=message, times=1)
    first = leaving.chat(f"two/{name}", "word " * 100)
    second = leaving.chat(f"two/{name}")

    assert first.headers["x-governance-target"] == f"groq/{name}", "the next target may take more"
    assert second.headers["x-governance-target"] == f"cerebras/{name}"
