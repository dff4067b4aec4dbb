"""What governance costs a whole proxy, in one run beside a bare one: `python -m tests.bench.proxy`.

CPU per request of all threads, in blocks of requests over all proxies in shuffled order; every ratio is of blocks of
the same turn. `--short` (or GOVERNANCE_BENCH=short) takes a minute or two and is no more than a look. Writes Markdown.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import statistics
import sys
import tempfile
import time
from datetime import datetime, timezone
from pathlib import Path

import litellm

from tests.bench.proxy.paired import Block, Case, Client, Meter, measured, percentile_ms, ratio
from tests.bench.proxy.proxies import KINDS, Running, started

# The first is the one that aims are about, so it is measured longest.
CASES = {Case(): 100, Case(streamed=True): 30, Case(priced=False): 40, Case(in_flight=16): 30}
SHORT = {Case(): 10, Case(in_flight=16): 4}
REQUESTS = 16
COUNTED = 20

HEAD = "| proxy | CPU, us (mean) | of the bare | se | p50 / p95 / p99, ms | Redis CPU, us | trips | instructions |"


def machine() -> str:
    models = {
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    }
    version = f"Python {platform.python_version()}, LiteLLM {litellm._version.version}"  # type: ignore[attr-defined]
    day = datetime.now(timezone.utc).date()
    return f"{os.cpu_count()} x {', '.join(models) or platform.machine()}, {version}, {day}"


def row(client: Client, blocks: list[Block], base: list[Block]) -> str:
    cpu = [block.cpu_us for block in blocks]
    median, _, error = ratio(blocks, base)
    latency = " / ".join(f"{percentile_ms(client.took_s, percent):.1f}" for percent in (50, 95, 99))
    steps = [block.instructions for block in blocks if block.instructions]
    cells = [
        client.proxy.name,
        f"{statistics.median(cpu):,.0f} ({statistics.mean(cpu):,.0f})",
        "1" if blocks is base else f"{median:.3f}",
        "" if blocks is base else f"{error:.3f}",
        latency,
        *(
            [
                f"{statistics.mean(b.redis_us for b in blocks):,.0f}",
                f"{statistics.mean(b.redis_trips for b in blocks):.1f}",
            ]
            if client.proxy.redis
            else ["", ""]
        ),
        f"{statistics.median(steps):,.0f}" if steps else "",
    ]
    return f"| {' | '.join(cells)} |"


async def inside(clients: list[Client]) -> None:
    """What the proxies tell of themselves."""
    print("\n## Collector, memory, calls\n")
    print(
        "| proxy | collections, young / middle / full | their us, longest | RSS, MB | functions (own) | calls (own) |"
    )
    print("| --- | --- | --- | --- | --- | --- |")
    for client in clients:
        told = await client.post("/bench/collector")
        await client.post("/bench/calls/begin")
        await client.block(Case(), COUNTED)
        await asyncio.sleep(1)
        calls = await client.post("/bench/calls/end")
        cells = [
            client.proxy.name,
            " / ".join(map(str, told["collections"])),
            f"{sum(told['sum_us']):,.0f}, {told['longest_us']:,.0f}",
            f"{Meter(client.proxy).rss_mb():,.0f}",
            f"{calls['functions']:,} ({calls['own_functions']:,})",
            f"{calls['calls'] / COUNTED:,.0f} ({calls['own_calls'] / COUNTED:,.0f})",
        ]
        print(f"| {' | '.join(cells)} |", flush=True)


async def main(proxies: list[Running], cases: dict[Case, int]) -> None:
    clients = [Client(proxy) for proxy in proxies]
    print(f"{machine()}; {REQUESTS} requests a block.")
    for client in clients:
        await client.post("/bench/collector")  # what the start took is not told
    for case, blocks in cases.items():
        began_s = time.monotonic()
        found = await measured(clients, case, blocks, REQUESTS)
        print(f"\n## {case}\n\n{HEAD}\n|{' --- |' * HEAD.count('| ')}")
        for client, each in zip(clients, found, strict=True):
            print(row(client, each, found[0]))
        slower = [percentile_ms(client.took_s, 99) - percentile_ms(clients[0].took_s, 99) for client in clients[1:]]
        print(f"\nAdded p99, ms: {', '.join(f'{ms:.1f}' for ms in slower)}; {blocks} blocks", end=" ")
        print(f"in {time.monotonic() - began_s:.0f} s", flush=True)
    await inside(clients)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true", default=os.environ.get("GOVERNANCE_BENCH") == "short")
    parser.add_argument("--only", help="kinds whose name has this in it, beside the bare one")
    options = parser.parse_args()
    kinds = tuple(kind for kind in KINDS if kind is KINDS[0] or not options.only or options.only in kind.name)
    with tempfile.TemporaryDirectory() as folder, started(Path(folder), kinds) as proxies:
        asyncio.run(main(proxies, SHORT if options.short else CASES))
    sys.exit(0)
