"""Redis goes away under load, before two proxies of two workers; afterwards the ledger has what the providers served.

GOVERNANCE_OUTAGE=full makes it five seconds long, in both modes, hung and killed, with more clients: `make chaos`.
"""

import asyncio
import os
from collections.abc import Callable
from typing import Any, Final

import httpx
import pytest

from governance.ledger import open_ledger
from governance.model import Window
from tests.ledger.servers import Server
from tests.patience import ANSWER_S, tries

FULL: Final = os.environ.get("GOVERNANCE_OUTAGE") == "full"
CLIENTS: Final = 24 if FULL else 8
LASTS_S: Final = 5.0 if FULL else 0.0
EACH: Final = 3  # answers of each client before and after the fault, and in the short form in it
MASTER: Final = {"authorization": "Bearer sk-end-to-end-tests-only"}
POLICY: Final = """\
version: 1
ledger: {{url: "{url}", on_unavailable: {mode}, deadline_s: 60}}
routing_profiles:
  - name: Outage
    virtual_provider: outage
    targets:
      - {{provider: cerebras, priority: 1, limits: {{requests: 1M/day, tokens: 1B/day}}}}
"""
CASES: Final = [(mode, end) for mode in ("share", "allow") for end in ("killed", "hung")]


class Load:
    """Clients that ask both proxies in turn, one request each at a time, until they are told to stop."""

    def __init__(self, urls: list[str], model: str) -> None:
        self._urls, self._model = urls, model
        self._stops = asyncio.Event()
        self.served = self.without = 0
        self.refused: list[str] = []

    async def run(self, faults: Callable[[], Any]) -> None:
        clients = [asyncio.ensure_future(self._client(i)) for i in range(CLIENTS)]
        await faults()
        self._stops.set()
        await asyncio.gather(*clients)

    async def until(self, what: Callable[[], int], most: int) -> None:
        for _ in range(6_000):
            if what() >= most:
                return
            await asyncio.sleep(0.1)
        raise AssertionError(f"{what()} of {most}; refused: {self.refused[-3:]}")

    async def _client(self, number: int) -> None:
        body = {"model": f"outage/{self._model}", "messages": [{"role": "user", "content": "Hello"}]}
        async with httpx.AsyncClient(timeout=ANSWER_S, headers=MASTER) as http:
            while not self._stops.is_set():
                number += 1
                answer = await http.post(f"{self._urls[number % 2]}/v1/chat/completions", json=body)
                if answer.status_code == 200:
                    self.served += 1
                    self.without += "x-governance-ledger" in answer.headers
                else:
                    self.refused.append(answer.text)


async def counted(url: str, model: str) -> dict[str, int]:
    ledger = open_ledger(url)
    units: tuple[Any, ...] = ("requests", "tokens")
    windows = [Window("Outage: *", f"target:cerebras/{model}", unit, 10**6, 86_400) for unit in units]
    try:
        return {reading.window.unit: reading.used for reading in await ledger.read(windows)}
    finally:
        await ledger.close()


@pytest.mark.parametrize(("mode", "end"), CASES if FULL else CASES[:1])
def test_what_was_served_without_redis_is_counted_within_one_request_of_each_client(
    start, configuration, providers, mode: str, end: str
) -> None:
    server, model = Server(appendonly="yes"), f"outage-{mode}-{end}"
    policy = POLICY.format(url=server.url, mode=mode)
    two = "--num_workers", "2"
    try:
        with start(policy, configuration(), *two) as one, start(policy, configuration(), *two) as other:
            load = Load([one.url, other.url], model)
            asyncio.run(load.run(lambda: fault(load, server, end)))
            served = providers.stats(f"cerebras/{model}")
            found = paid(server.url, model, served)
    finally:
        server.remove()
    tokens = served["input_tokens"] + served["output_tokens"]
    if FULL:
        print(
            f"\n{mode}, {end}: {served['received']} were served, {load.without} of them without Redis, "
            f"{found['requests']} are counted; {len(load.refused)} were refused"
        )

    assert load.without >= CLIENTS
    assert abs(found["requests"] - served["received"]) <= CLIENTS
    assert abs(found["tokens"] - tokens) <= CLIENTS * tokens // served["received"]


async def fault(load: Load, server: Server, end: str) -> None:
    await load.until(lambda: load.served, EACH * CLIENTS)
    server.pause() if end == "hung" else server.kill()
    await asyncio.sleep(LASTS_S)
    await load.until(lambda: load.without, EACH * CLIENTS)
    await asyncio.to_thread(server.resume if end == "hung" else server.restart)
    before, without = load.served, load.without
    await load.until(lambda: load.served - load.without, before - without + EACH * CLIENTS)


def paid(url: str, model: str, served: dict[str, int]) -> dict[str, int]:
    """What is counted, as soon as all is paid, or nothing comes any more."""
    found: dict[str, int] = {}
    for _ in tries():
        found = asyncio.run(counted(url, model))
        if (
            found["requests"] == served["received"]
            and found["tokens"] == served["input_tokens"] + served["output_tokens"]
        ):
            break
    return found
