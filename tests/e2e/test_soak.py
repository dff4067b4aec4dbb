"""Many requests of every kind through two workers and a real Redis; then the ledger equals what the providers counted.

GOVERNANCE_SOAK_REQUESTS makes it longer: the figure in docs/lifecycle.md is of 20,000.
"""

import asyncio
import os
import random
import signal
import subprocess
from typing import Any

import httpx
import pytest

from governance.ledger import open_ledger
from governance.model import Window
from tests.patience import ANSWER_S, tries

REQUESTS = int(os.environ.get("GOVERNANCE_SOAK_REQUESTS", "400"))
CLIENTS = 24
DEADLINE_S = 8
MASTER = {"authorization": "Bearer sk-end-to-end-tests-only"}
PROVIDERS = ("cerebras", "groq")
# No other test asks for these, so that the providers' counts are of this test alone.
EXACT = ("soak-steady", "soak-failing", "soak-broken", "soak-slow")
LEFT = "soak-left"
KILLED = "soak-killed"
POLICY = """\
version: 1
ledger: {{url: "{url}", deadline_s: {deadline_s}}}
routing_profiles:
  - name: Soak
    virtual_provider: soak
    targets:
      - provider: cerebras
        priority: 1
        limits: &large {{requests: 100M/day, tokens: 100B/day, cost: 1000000 USD/day, concurrent: 1000}}
      - {{provider: groq, priority: 2, limits: *large}}
"""
PRICES = {"input_cost_per_token": 0.000001, "output_cost_per_token": 0.000003}


def config(providers_url: str) -> dict[str, Any]:
    models = [
        {
            "model_name": f"{provider}/{model}",
            "litellm_params": {
                "model": f"{provider}/{model}",
                "api_base": f"{providers_url}/{provider}/v1",
                "api_key": "not-a-key",
                **PRICES,
            },
        }
        for provider in PROVIDERS
        for model in (*EXACT, LEFT, KILLED)
    ]
    return {
        "model_list": models,
        "litellm_settings": {"callbacks": ["governance.proxy.callback.handler"], "request_timeout": 30},
        # LiteLLM's own cool-downs would decide some hops in our place.
        "router_settings": {"disable_cooldowns": True},
        "general_settings": {"master_key": "sk-end-to-end-tests-only"},
    }


class Load:
    """Requests of every kind, at random but repeatably."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.random = random.Random(7)

    async def run(self, models: tuple[str, ...], times: int) -> None:
        queue = iter([self.random.choice(models) for _ in range(times)])

        async def client() -> None:
            async with httpx.AsyncClient(base_url=self.url, timeout=ANSWER_S, headers=MASTER) as http:
                for model in queue:
                    await self.ask(http, model)

        await asyncio.gather(*(client() for _ in range(CLIENTS)))

    async def ask(self, http: httpx.AsyncClient, model: str) -> None:
        text = "word " * self.random.randint(1, 40)
        chat = {"messages": [{"role": "user", "content": text}]}
        path, body = self.random.choice(
            [
                ("/v1/chat/completions", chat),
                ("/v1/chat/completions", {**chat, "stream": True}),
                ("/v1/messages", {**chat, "max_tokens": 50}),
                ("/v1/messages", {**chat, "max_tokens": 50, "stream": True}),
            ]
        )
        if model == "soak-broken":
            path, body = "/v1/chat/completions", {**chat, "stream": True}
        leave_after = self.random.randint(0, 12) if model == LEFT else None
        try:
            async with http.stream("POST", path, json={"model": f"soak/{model}", **body}) as answer:
                lines = 0
                async for _ in answer.aiter_lines():
                    lines += 1
                    if leave_after is not None and lines > leave_after:
                        return
        except httpx.TransportError:
            # A worker was killed under it, or the provider broke the stream.
            return


def counted(url: str, provider: str, model: str) -> dict[str, int]:
    units: tuple[tuple[Any, int | None], ...] = (
        ("requests", 86_400),
        ("tokens", 86_400),
        ("usd_micros", 86_400),
        ("concurrent", None),
    )
    windows = [Window("Soak: *", f"target:{provider}/{model}", unit, 1000, period) for unit, period in units]

    async def read() -> dict[str, int]:
        ledger = open_ledger(url)
        try:
            return {reading.window.unit: reading.used for reading in await ledger.read(windows)}
        finally:
            await ledger.close()

    return asyncio.run(read())


def open_reservations(url: str) -> int | None:
    async def ask() -> int | None:
        ledger = open_ledger(url)
        try:
            # Asking reaps what is overdue, a few at a time.
            for i in range(200):
                await ledger.reserve([], [], reservation_id=f"reap {i}", deadline_s=5)
                await ledger.release(f"reap {i}")
            return (await ledger.health()).open_reservations
        finally:
            await ledger.close()

    return asyncio.run(ask())


def wait_until_quiet(url: str, providers, models: tuple[str, ...]) -> None:
    for _ in tries(900):
        busy = [m for m in models for p in PROVIDERS if providers.stats(f"{p}/{m}").get("in_flight")]
        if not busy and open_reservations(url) == 0:
            return
    raise AssertionError(f"still open: {open_reservations(url)}, in flight: {busy}")


def one_worker(proxy_pid: int) -> int:
    children = subprocess.run(
        ["ps", "-o", "pid=,args=", "--ppid", str(proxy_pid)], capture_output=True, text=True
    ).stdout
    workers = [int(line.split()[0]) for line in children.splitlines() if "resource_tracker" not in line]
    assert len(workers) == 2, children
    return workers[0]


@pytest.fixture(scope="module")
def soaked(start, providers, redis_url):
    policy = POLICY.format(url=redis_url, deadline_s=DEADLINE_S)
    with start(policy, config(providers.url), "--num_workers", "2") as running:
        yield running


def faults(providers) -> None:
    providers.fail("cerebras/soak-failing", status=503)
    providers.fail("cerebras/soak-broken", break_after_chunks=2, break_kind="error_event")
    providers.fail("groq/soak-broken", break_after_chunks=2, break_kind="error_event")
    providers.fail("cerebras/soak-slow", latency_ms=300)
    providers.fail("cerebras/soak-left", chunk_delay_ms=20)
    providers.fail("cerebras/soak-killed", latency_ms=200)


def test_the_ledger_equals_what_the_providers_counted(soaked, providers, redis_url: str) -> None:
    faults(providers)

    asyncio.run(Load(soaked.url).run((*EXACT, LEFT), REQUESTS))
    wait_until_quiet(redis_url, providers, (*EXACT, LEFT))

    truth, ledger = {}, {}
    for target in (f"{provider}/{model}" for model in EXACT for provider in PROVIDERS):
        seen = providers.stats(target)
        input_tokens, output_tokens = seen.get("input_tokens", 0), seen.get("output_tokens", 0)
        truth[target] = {
            "requests": seen["received"],
            "tokens": input_tokens + output_tokens,
            "usd_micros": input_tokens + 3 * output_tokens,
            "concurrent": 0,
        }
        ledger[target] = counted(redis_url, *target.split("/"))
    assert ledger == truth
    left = counted(redis_url, "cerebras", LEFT)
    assert left["requests"] == providers.stats("cerebras/soak-left")["received"]
    assert left["concurrent"] == 0


def test_a_killed_worker_leaves_nothing_open(soaked, providers, redis_url: str) -> None:
    faults(providers)

    async def load_and_kill() -> None:
        load = asyncio.create_task(Load(soaked.url).run((KILLED,), max(60, REQUESTS // 10)))
        await asyncio.sleep(1)
        os.kill(one_worker(soaked.pid), signal.SIGKILL)
        await load

    asyncio.run(load_and_kill())
    wait_until_quiet(redis_url, providers, (KILLED,))

    truth, ledger = providers.stats("cerebras/soak-killed"), counted(redis_url, "cerebras", KILLED)
    # A request that was just being sent when its worker died may have been counted and never arrived; what arrived was
    # counted.
    assert truth["received"] <= ledger["requests"] <= truth["received"] + CLIENTS
    assert ledger["tokens"] <= truth["input_tokens"] + truth["output_tokens"]
    assert ledger["concurrent"] == 0
