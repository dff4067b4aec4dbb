"""Resident memory of whole proxies, bare and governed, side by side: `python -m tests.bench.memory`.

When they are ready, and after requests of each kind: the first ones make LiteLLM itself load more. `--requests N` goes
on to as many, each of an end user, a tag and a session of its own, and limits that count each of them.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from pathlib import Path

from tests.bench.proxy.paired import PROMPT, Case, Client, Meter
from tests.bench.proxy.proxies import GOVERNANCE, Kind, started
from tests.bench.proxy.report import Report, row

BARE = Kind("bare")
KINDS = (
    BARE,
    Kind("governance, 2 rules", (GOVERNANCE,), 2),
    Kind("governance, 100 rules", (GOVERNANCE,), 100),
    Kind("governance, 2 rules, 10,000 limits more", (GOVERNANCE,), 2, limits=10_000),
)
CLAIMS = (BARE, Kind("governance, each end user and tag counted", (GOVERNANCE,), 2, redis=True, claims=True))
FIRST = {"50 plain": (Case(), 50), "50 streamed": (Case(streamed=True), 50), "500 plain": (Case(), 500)}
IN_FLIGHT = 16
# Of everybody's traffic so far; what is kept of decisions is full by the first of them.
TOLD_AT = (10_000, 20_000, 40_000, 60_000, 80_000, 100_000)
# What LiteLLM and governance do after their start is done by then.
STARTED_WITHIN_S = 6.0


async def first(clients: list[Client], report: Report) -> None:
    """One after the other, since each has its own first requests."""
    await asyncio.sleep(STARTED_WITHIN_S)
    report.table("MB", "ready", *FIRST)
    for client in clients:
        meter = Meter(client.proxy)
        found = [meter.rss_mb()]
        for case, number in FIRST.values():
            await client.block(case, number)
            found.append(meter.rss_mb())
        report.say(row(client.proxy.name, *(f"{mb:,.0f}" for mb in found)))


async def claimed(clients: list[Client], requests: int, report: Report) -> None:
    """All of them as far as each mark, so that they can be compared while it lasts."""
    marks = [mark for mark in TOLD_AT if mark <= requests]
    report.table("MB after so many requests", *(client.proxy.name for client in clients))
    done = 0
    for mark in marks:
        for client in clients:
            await asyncio.gather(*(ask(client, range(done + at, mark, IN_FLIGHT)) for at in range(IN_FLIGHT)))
        report.say(row(f"{mark:,}", *(f"{Meter(client.proxy).rss_mb():,.0f}" for client in clients)))
        done = mark


async def ask(client: Client, numbers: range) -> None:
    for number in numbers:
        body = {
            "model": f"{client.proxy.model}/priced",
            "messages": [{"role": "user", "content": PROMPT}],
            "max_tokens": 50,
            "user": f"end-user-{number}",
            "metadata": {"tags": [f"tag-{number}"], "session_id": f"session-{number}"},
        }
        await client.post("/v1/chat/completions", body)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=0)
    options = parser.parse_args()
    kinds = CLAIMS if options.requests else KINDS
    with tempfile.TemporaryDirectory() as folder, started(Path(folder), kinds) as proxies:
        everybody = [Client(proxy) for proxy in proxies]
        asyncio.run(claimed(everybody, options.requests, Report()) if options.requests else first(everybody, Report()))
