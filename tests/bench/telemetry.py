"""What telling costs a decision: `python -m tests.bench.telemetry`. CPU of the whole process, threads included.

The same requests are read, decided, tried, answered and settled twice: with log, recent decisions, metrics and marks
on, and with all of that off. Blocks of both take turns in one run, so that what else the machine does hits both alike.
Ends with exit code 1 when telling costs more than a tenth of a decision.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry

from governance.engine.engine import Engine
from governance.engine.host import Host
from governance.intake.read import read_request
from governance.ledger import open_ledger
from governance.model import Identity, Usage
from governance.proxy.headers import decision_headers
from governance.telemetry.marks import mark_spans, mark_spend_logs
from governance.telemetry.metrics import Metrics
from governance.telemetry.telemetry import Telemetry
from governance.telemetry.timed import Timed
from governance.trace import Trace
from tests.bench.rules import CATALOG, mixed_rules
from tests.ledger.servers import running

AIM = 1.10
BLOCKS, PER_BLOCK = 40, 100
IDENTITY = Identity(virtual_key_id="a" * 64, virtual_key_name="ci", team_id="team-1", team_name="Team 1")
HEADERS = {f"x-header-{i}": "value" for i in range(15)} | {"user-agent": "OpenAI/Python"}
BODY = {"model": "fast/glm-4.7", "messages": [{"role": "user", "content": "Say hello. " * 100}], "max_tokens": 500}
LIMITS = {"requests": "100M/minute", "tokens": "100B/minute", "concurrent": "1M"}
PROFILE = {
    "name": "Fast",
    "virtual_provider": "fast",
    "targets": [{"provider": p, "priority": i, "limits": LIMITS} for i, p in enumerate(("cerebras", "groq", "openai"))],
}
SAMPLED = {"route": 0.1, "refuse": 1.0, "pass": 0.01}
Decide = Callable[[], Awaitable[None]]


async def through(engine: Engine, told: Callable[[Trace], None]) -> None:
    """One request from its body to its end."""
    request = read_request("acompletion", BODY, identity=IDENTITY, headers=HEADERS, models=CATALOG)
    decision = await engine.admit(request)
    name = decision.call_name(decision.target) if decision.target else ""
    await engine.attempt(decision, name)
    await engine.reached(decision)
    decision_headers(decision.trace)
    await engine.settle(decision, name, Usage(230, 120, 900))
    told(decision.trace)


def policy(url: str, log: dict[str, Any], keep: int) -> Host:
    return Host.parse(
        json.dumps(
            {
                "version": 1,
                "ledger": {"url": url},
                "telemetry": {"decision_log": log, "decisions": {"keep": keep}},
                "routing_rules": mixed_rules(100),
                "routing_profiles": [PROFILE],
                "failover": {},
            }
        )
    )


async def cpu_us(decide: Decide) -> float:
    """Of each decision in a block, with what threads and tasks do for it afterwards."""
    begun = time.process_time_ns()
    for _ in range(PER_BLOCK):
        await decide()
    await asyncio.sleep(0.1)  # costs no CPU; log and recent decisions are written meanwhile
    return (time.process_time_ns() - begun) / 1000 / PER_BLOCK


async def compare(what: str, url: str, log: dict[str, Any], keep: int = 10_000) -> float:
    """How many times as much CPU a decision costs when all of it is told."""
    silent = Engine(policy(url, {}, 0), open_ledger(url))
    host = policy(url, log, keep)
    telemetry = Telemetry(host.policy.core, {}, Metrics(CollectorRegistry()))
    speaking = Engine(host, Timed(open_ledger(url), telemetry.metrics.ledger_took))
    telemetry.watch(lambda: speaking, list)
    telemetry.start()

    def tell(trace: Trace) -> None:
        mark_spend_logs([{}], trace)
        mark_spans(trace, trace.model)
        telemetry.tell(trace)

    pair: tuple[Decide, Decide] = (lambda: through(silent, lambda trace: None), lambda: through(speaking, tell))
    for decide in pair:
        await cpu_us(decide)
    blocks = [(await cpu_us(pair[0]), await cpu_us(pair[1])) for _ in range(BLOCKS)]
    ratio = statistics.median(on / off for off, on in blocks)
    off, on = (statistics.median(each) for each in zip(*blocks, strict=True))
    print(f"{what:58} {off:6.1f} us, told {on:6.1f} us: {ratio:.3f} x")
    await telemetry.close()
    for engine in (silent, speaking):
        await engine.close()
    return ratio


async def main() -> None:
    ratios = {}
    with tempfile.TemporaryDirectory() as folder, running() as server:
        to = str(Path(folder) / "decisions.jsonl")
        for name, url in (("memory", "memory://"), ("Redis", server.url)):
            await compare(f"{name}: metrics and marks", url, {}, keep=0)
            await compare(f"{name}: the default, with recent decisions", url, {})
            sampled = {"to": to, "sample": SAMPLED}
            ratios[name] = await compare(f"{name}: and the log, one route in ten", url, sampled)
            ratios[f"{name}, all"] = await compare(f"{name}: and the log, every one", url, {"to": to})
    print(f"aim: at most {AIM:.2f} x with everything on")
    sys.exit(0 if all(ratio <= AIM for ratio in ratios.values()) else 1)


if __name__ == "__main__":
    asyncio.run(main())
