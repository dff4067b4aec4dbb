"""Which functions a plain chat runs from its body to its record, and how often: `python -m tests.bench.path`.

A proxy meets every function with cold caches, so each one costs: they are counted, and stages are timed with caches
that something else has filled.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable
from types import CodeType
from typing import Any, Final

from prometheus_client import CollectorRegistry

from governance.catalog import Catalog
from governance.engine.engine import Engine
from governance.engine.host import Host
from governance.intake.read import read_request
from governance.ledger import open_ledger
from governance.model import Identity, Usage
from governance.proxy.headers import decision_headers
from governance.telemetry.metrics import Metrics
from governance.telemetry.telemetry import Telemetry
from governance.telemetry.timed import Timed
from tests.bench.proxy.policy import policy

IDENTITY = Identity(virtual_key_id="a" * 64, virtual_key_name="ci", user_id="u1", team_id="research", team_name="R")
HEADERS = {f"x-header-{i}": "value" for i in range(15)} | {"user-agent": "OpenAI/Python", "x-tier": "gold"}
BODY = {"model": "fast/priced", "messages": [{"role": "user", "content": "Say hello to all."}], "max_tokens": 50}
PRICED = {"input_cost_per_token": 0.000003, "output_cost_per_token": 0.000015}
CATALOG = Catalog(
    [
        {
            "model_name": f"p{i}/priced",
            "litellm_params": {"model": "openai/bench", **PRICED},
            "model_info": {"id": f"{i}"},
        }
        for i in range(3)
    ],
    {},
)
WARM = 20
_CACHE_BYTES: Final = 64 * 1024 * 1024


async def one(engine: Engine, telemetry: Telemetry, stage: Callable[[str], None] = lambda name: None) -> None:
    """One request from its body to its record; `stage` is called when each is over."""
    stage("")
    request = read_request("acompletion", BODY, identity=IDENTITY, headers=HEADERS, models=CATALOG)
    stage("read")
    decision = await engine.admit(request)
    assert decision.target, decision.refusal
    name = decision.call_name(decision.target)
    stage("admit")
    await engine.attempt(decision, name)
    await engine.reached(decision)
    stage("attempt")
    decision_headers(decision.trace)
    stage("headers")
    await engine.settle(decision, name, Usage(230, 120, 900))
    stage("settle")
    telemetry.tell(decision.trace)
    telemetry._tell_some(1)  # what a timer does soon after
    stage("tell")


class Stages:
    """How long each stage took, with caches that something else has filled before the request."""

    def __init__(self) -> None:
        self.took_us: dict[str, list[float]] = {}
        self._other = bytearray(_CACHE_BYTES)
        self._since_ns = 0

    def __call__(self, name: str) -> None:
        now_ns = time.perf_counter_ns()
        if name:
            self.took_us.setdefault(name, []).append((now_ns - self._since_ns) / 1000)
        # LiteLLM runs ten thousand other functions between two of ours.
        self._other[::64] = bytes(len(range(0, _CACHE_BYTES, 64)))
        self._since_ns = time.perf_counter_ns()


async def counted(rules: int = 100) -> Counter[CodeType]:
    """Calls of each function of ours in one request, on a ledger in memory."""
    host = Host.parse(json.dumps(policy(rules, "memory://")))
    telemetry = Telemetry(host.policy.core, {}, Metrics(CollectorRegistry()))
    engine = Engine(host, Timed(open_ledger("memory://"), telemetry.metrics.ledger_took))
    calls: Counter[CodeType] = Counter()

    def count(frame: Any, event: str, argument: Any) -> None:
        if event == "call" and "/governance" in frame.f_code.co_filename:
            calls[frame.f_code] += 1

    for _ in range(WARM):
        await one(engine, telemetry)
    sys.setprofile(count)
    try:
        await one(engine, telemetry)
    finally:
        sys.setprofile(None)
    await telemetry.close()
    await engine.close()
    return calls


async def staged(requests: int = 300) -> dict[str, float]:
    """Microseconds of each stage, the median."""
    host = Host.parse(json.dumps(policy(100, "memory://")))
    telemetry = Telemetry(host.policy.core, {}, Metrics(CollectorRegistry()))
    engine, stages = Engine(host, open_ledger("memory://")), Stages()
    for _ in range(requests):
        await one(engine, telemetry, stages)
    await telemetry.close()
    await engine.close()
    return {name: statistics.median(took) for name, took in stages.took_us.items()}


def main() -> None:
    """Print them, most calls first, and the stages."""
    calls = asyncio.run(counted())
    for code, count in calls.most_common():
        print(f"{count:5} {code.co_filename.partition('/governance')[2]}:{code.co_firstlineno} {code.co_qualname}")
    print(f"{len(calls)} functions, {sum(calls.values())} calls")
    found = asyncio.run(staged())
    print(", ".join(f"{name} {us:.0f} us" for name, us in found.items()), f"together {sum(found.values()):.0f} us")


if __name__ == "__main__":
    main()
