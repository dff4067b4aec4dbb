"""A proxy that is stopped serves what it has begun, and leaves the ledger as it should be."""

import asyncio
import os
import signal
import threading
import time

import httpx

from governance.ledger import Health, open_ledger
from governance.model import Window

POLICY = """\
version: 1
ledger: {{url: "{url}", deadline_s: 600}}
routing_profiles:
  - name: Stopped
    virtual_provider: stopped
    targets: [{{provider: openai, limits: {{requests: 100/hour, tokens: 1M/hour, concurrent: 9}}}}]
"""


def state(url: str, model: str) -> tuple[dict[str, int], Health]:
    units = (("requests", 3600), ("tokens", 3600), ("concurrent", None))
    windows = [Window("Stopped: *", f"target:openai/{model}", unit, 100, period) for unit, period in units]

    async def read() -> tuple[dict[str, int], Health]:
        ledger = open_ledger(url)
        try:
            return {r.window.unit: r.used for r in await ledger.read(windows)}, await ledger.health()
        finally:
            await ledger.close()

    return asyncio.run(read())


def test_a_stopped_proxy_settles_what_it_has_begun(start, providers, redis_url: str) -> None:
    providers.fail("openai/stopping", latency_ms=1500, usage={"input_tokens": 30, "output_tokens": 4})
    answers: list[httpx.Response] = []

    with start(POLICY.format(url=redis_url)) as proxy:
        asking = threading.Thread(target=lambda: answers.append(proxy.chat("stopped/stopping")))
        asking.start()
        while not providers.stats("openai/stopping").get("in_flight"):
            time.sleep(0.05)
        os.kill(proxy.pid, signal.SIGTERM)
        asking.join()

    assert [answer.status_code for answer in answers] == [200]
    used, health = state(redis_url, "stopping")
    assert used == {"requests": 1, "tokens": 34, "concurrent": 0}
    assert health.open_reservations == 0
