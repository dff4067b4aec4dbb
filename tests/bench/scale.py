"""1,000 teams before one shard: `python -m tests.bench.scale` (needs redis-server), with `--teams` and `--requests`.

Each team has limits of requests and tokens, a budget by the day and month, and three keys; all of them share a budget.
Who asks is drawn by a Zipf law, so that some teams ask most. Requests go the whole way of a decision without LiteLLM:
read, admit, attempt, settle. CPU is of this process (a worker) and of redis-server.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import statistics
import sys
import time
from typing import Any

import redis

from governance.engine.engine import Engine
from governance.engine.host import Host
from governance.intake.read import read_request
from governance.ledger import open_ledger
from governance.model import Identity, Usage
from tests.bench.path import BODY, CATALOG, HEADERS
from tests.ledger.servers import running

KEYS_OF_A_TEAM = 3
IN_FLIGHT = 16


def policy(teams: int, url: str) -> dict[str, Any]:
    """A limit of each kind for each team by its name, and a budget of all together."""
    names = [f"team-{i}" for i in range(teams)]
    return {
        "version": 1,
        "ledger": {"url": url, "timeout": "10s"},
        "routing_profiles": [
            {"name": "Fast", "virtual_provider": "fast", "targets": [{"provider": f"p{i}"} for i in range(3)]}
        ],
        "rate_limits": [
            {"name": name, "subject": {"team": name}, "requests": "100k/minute", "tokens": "1000M/day"}
            for name in names
        ],
        "budgets": [
            *(
                {"name": name, "subject": {"team": name}, "amount": ["1000 USD/day", "9000 USD/month"]}
                for name in names
            ),
            {"name": "all of us", "subject": "everyone", "amount": "900000 USD/month"},
        ],
    }


def callers(teams: int, requests: int, seed: int = 1) -> list[Identity]:
    """Who asks, one for each request."""
    drawn = random.Random(seed)
    chosen = drawn.choices(range(teams), [1 / (place + 1) for place in range(teams)], k=requests)
    return [
        Identity(virtual_key_id=f"{team}-{drawn.randrange(KEYS_OF_A_TEAM)}", team_id=f"team-{team}") for team in chosen
    ]


async def ask(engine: Engine, identity: Identity) -> float:
    """One request; the seconds until it was decided."""
    began = time.perf_counter()
    request = read_request("acompletion", BODY, identity=identity, headers=HEADERS, models=CATALOG)
    decision = await engine.admit(request)
    took = time.perf_counter() - began
    assert decision.target, decision.refusal
    name = decision.call_name(decision.target)
    await engine.attempt(decision, name)
    await engine.reached(decision)
    await engine.settle(decision, name, Usage(230, 120, 900))
    return took


async def served(engine: Engine, identities: list[Identity], in_flight: int) -> list[float]:
    """All of them, so many at once."""
    waiting, took = iter(identities), []

    async def worker() -> None:
        for identity in waiting:
            took.append(await ask(engine, identity))

    await asyncio.gather(*(worker() for _ in range(in_flight)))
    return took


def cpu_us(admin: redis.Redis) -> float:
    told: Any = admin.info("cpu")
    return float(told["used_cpu_user"] + told["used_cpu_sys"]) * 1e6


async def measure(teams: int, requests: int) -> None:
    """A line for each figure."""
    with running() as server:
        admin, text = server.client(), json.dumps(policy(teams, server.url))
        began = time.process_time()
        host = Host.parse(text)
        say(f"policy of {teams:,} teams, {len(text) / 1e6:.2f} MB, read", time.process_time() - began, "s of CPU")
        engine = Engine(host, open_ledger(server.url, timeout_s=10))
        await served(engine, [Identity(team_id=f"team-{i}") for i in range(teams)], IN_FLIGHT)
        identities, before = callers(teams, requests), (cpu_us(admin), time.process_time(), time.perf_counter())
        took = await served(engine, identities, IN_FLIGHT)
        of_server, of_worker = cpu_us(admin) - before[0], (time.process_time() - before[1]) * 1e6
        say(
            f"{requests:,} requests by {len({each.team_id for each in identities}):,} teams, {IN_FLIGHT} in flight",
            time.perf_counter() - before[2],
            "s",
        )
        say("CPU of Redis for one, decided and settled", of_server / requests, "us")
        say("so one core of a shard serves", 1e6 * requests / of_server, "requests a second")
        say("CPU of the worker for one, without LiteLLM", of_worker / requests, "us")
        say("until it is decided, median", statistics.median(took) * 1000, "ms")
        say("until it is decided, 99th percentile", statistics.quantiles(took, n=100)[98] * 1000, "ms")
        used: Any = admin.info("memory")
        say("Redis memory in use, with what was reserved lately", used["used_memory"] / 1e6, "MB")
        await engine.close()


async def apart(requests: int) -> None:
    """Two realms on two servers, one after the other and at once: what either costs its server."""
    costs = []
    with running() as first, running() as second:
        for at_once in (False, True):
            engines = [
                Engine(Host.parse(json.dumps(policy(10, s.url))), open_ledger(s.url, timeout_s=10))
                for s in (first, second)
            ]
            before = [cpu_us(s.client()) for s in (first, second)]
            runs = [served(engine, callers(10, requests), IN_FLIGHT) for engine in engines]
            if at_once:
                await asyncio.gather(*runs)
            else:
                for run in runs:
                    await run
            costs.append(
                [(cpu_us(s.client()) - had) / requests for s, had in zip((first, second), before, strict=True)]
            )
            for engine in engines:
                await engine.close()
    for name, cost in zip(("one after the other", "both at once"), costs, strict=True):
        say(f"two realms on two servers, {name}: CPU of either for one", statistics.mean(cost), "us")


def say(what: str, figure: float, unit: str) -> None:
    sys.stdout.write(f"{what:<72} {figure:10,.2f} {unit}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.bench.scale", description=__doc__)
    parser.add_argument("--teams", type=int, default=1_000)
    parser.add_argument("--requests", type=int, default=20_000)
    given = parser.parse_args()
    asyncio.run(measure(given.teams, given.requests))
    asyncio.run(apart(given.requests // 10))
