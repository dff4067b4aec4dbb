"""Resident memory of whole proxies, bare and governed, side by side: `python -m tests.bench.memory`.

When they are ready, and after requests of each kind: the first ones make LiteLLM itself load more. Then, with
`--requests N`, as many of them, each of a customer, a tag and a session of its own.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from pathlib import Path

from tests.bench.proxy.paired import Case, Client, Meter
from tests.bench.proxy.proxies import GOVERNANCE, Kind, started
from tests.bench.proxy.report import Report, row

KINDS = (
    Kind("bare"),
    Kind("governance, 100 rules", (GOVERNANCE,), 100),
    Kind("governance, 2 rules", (GOVERNANCE,), 2),
    Kind("governance, 2 rules, 10,000 limits", (GOVERNANCE,), 2, limits=10_000),
)
FIRST = {"50 plain": (Case(), 50), "50 streamed": (Case(streamed=True), 50), "500 plain": (Case(), 500)}


async def main(clients: list[Client], requests: int, report: Report) -> None:
    report.table("MB", "ready", *FIRST, *(["…"] if requests else []))
    for client in clients:
        meter = Meter(client.proxy)
        found = [meter.rss_mb()]
        for case, number in FIRST.values():
            await client.block(case, number)
            found.append(meter.rss_mb())
        report.say(row(client.proxy.name, *(f"{mb:,.0f}" for mb in found)))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, started(Path(folder), KINDS) as proxies:
        asyncio.run(main([Client(proxy) for proxy in proxies], options.requests, Report()))
