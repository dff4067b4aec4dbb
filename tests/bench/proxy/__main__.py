"""What governance costs a whole proxy, in one run beside a bare one: `python -m tests.bench.proxy`.

CPU per request of all threads, in blocks of requests over all proxies in shuffled order; every ratio is of blocks of
the same turn. `--short` (or GOVERNANCE_BENCH=short) takes a minute or two and is no more than a look. Says Markdown;
`--write` puts it into docs/benchmarks.md. However busy the machine, it ends: errors tell what could be measured.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import statistics
import tempfile
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import NamedTuple

import litellm

from tests.bench.proxy.paired import Block, Case, Client, Meter, measured, percentile_ms, ratio
from tests.bench.proxy.proxies import KINDS, Running, started
from tests.bench.proxy.report import Report, row


class Effort(NamedTuple):
    """So many blocks of each proxy, or as many as fit into this time."""

    blocks: int
    within_s: float


# The first is the one that aims are about, so it is measured longest. All of them together: under ten minutes.
CASES = {
    Case(): Effort(110, 250),
    Case(streamed=True): Effort(35, 100),
    Case(priced=False): Effort(40, 100),
    Case(in_flight=16): Effort(40, 100),
}
SHORT = {Case(): Effort(10, 60), Case(in_flight=16): Effort(4, 30)}
REQUESTS = 16
COUNTED = 20

HEADS = (
    *("proxy", "CPU, us (mean)", "of the bare", "standard error", "p50 / p95 / p99, ms"),
    *("Redis CPU, us", "trips", "instructions"),
)


def machine() -> str:
    models = {
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    }
    version = f"Python {platform.python_version()}, LiteLLM {litellm._version.version}"  # type: ignore[attr-defined]
    now = datetime.now(timezone.utc)
    load = " / ".join(f"{each:.1f}" for each in os.getloadavg())
    cores = f"{os.cpu_count()} x {', '.join(models) or platform.machine()}"
    return f"{cores}, {version}, {now:%Y-%m-%d %H:%M} UTC, load before {load}"


def line_of(client: Client, blocks: list[Block], base: list[Block]) -> str:
    cpu = [block.cpu_us for block in blocks]
    median, _, error = ratio(blocks, base)
    latency = " / ".join(f"{percentile_ms(client.took_s, percent):.1f}" for percent in (50, 95, 99))
    steps = [block.instructions for block in blocks if block.instructions]
    trips = f"{statistics.mean(b.redis_trips for b in blocks):.1f}" if client.proxy.redis else ""
    return row(
        client.proxy.name,
        f"{statistics.median(cpu):,.0f} ({statistics.mean(cpu):,.0f})",
        "1" if blocks is base else f"{median:.3f}",
        "" if blocks is base else f"{error:.3f}",
        latency,
        f"{statistics.mean(b.redis_us for b in blocks):,.0f}" if client.proxy.redis else "",
        trips,
        f"{statistics.median(steps):,.0f}" if steps else "",
    )


async def inside(clients: list[Client], report: Report) -> None:
    """What the proxies tell of themselves."""
    report.say("", "### Collector, memory, calls")
    report.table(
        *("proxy", "collections, young / middle / full", "their us, longest", "RSS, MB"),
        *("functions (own)", "calls of a request (own)"),
    )
    for client in clients:
        told = await client.post("/bench/collector")
        await client.post("/bench/calls/begin")
        await client.block(Case(), COUNTED)
        await asyncio.sleep(1)
        calls = await client.post("/bench/calls/end")
        report.say(
            row(
                client.proxy.name,
                " / ".join(map(str, told["collections"])),
                f"{sum(told['sum_us']):,.0f}, {told['longest_us']:,.0f}",
                f"{Meter(client.proxy).rss_mb():,.0f}",
                f"{calls['functions']:,} ({calls['own_functions']:,})",
                f"{calls['calls'] / COUNTED:,.0f} ({calls['own_calls'] / COUNTED:,.0f})",
            )
        )


async def main(proxies: list[Running], cases: dict[Case, Effort], report: Report) -> None:
    clients = [Client(proxy) for proxy in proxies]
    report.say(f"{machine()}; {REQUESTS} requests a block.")
    for client in clients:
        await client.post("/bench/collector")  # what the start took is not told
    for case, effort in cases.items():
        began_s = time.monotonic()
        found = await measured(clients, case, effort.blocks, REQUESTS, effort.within_s)
        report.say("", f"### {str(case).capitalize()}")
        report.table(*HEADS)
        for client, each in zip(clients, found, strict=True):
            report.say(line_of(client, each, found[0]))
        slower = [percentile_ms(client.took_s, 99) - percentile_ms(clients[0].took_s, 99) for client in clients[1:]]
        told = f"Added p99, ms: {', '.join(f'{ms:.1f}' for ms in slower)}; {len(found[0])} blocks"
        report.say("", f"{told} in {time.monotonic() - began_s:.0f} s.")
    await inside(clients, report)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true", default=os.environ.get("GOVERNANCE_BENCH") == "short")
    parser.add_argument("--only", help="kinds whose name has this in it, beside the bare one")
    parser.add_argument("--write", action="store_true", help="put what is measured into docs/benchmarks.md")
    options = parser.parse_args()
    if options.write and (options.short or options.only):
        parser.error("--write is for all of it, and takes neither --short nor --only")
    kinds = tuple(kind for kind in KINDS if kind is KINDS[0] or not options.only or options.only in kind.name)
    report = Report()
    with tempfile.TemporaryDirectory() as folder, started(Path(folder), kinds) as proxies:
        asyncio.run(main(proxies, SHORT if options.short else CASES, report))
    if options.write:
        report.write()
