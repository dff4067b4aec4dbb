"""Which of our functions a request runs in a whole proxy, hooks and all: `python -m tests.bench.proxy.calls`."""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from pathlib import Path
from typing import Any

from tests.bench.proxy.paired import Case, Client
from tests.bench.proxy.proxies import KINDS, Running, started

WARM = 30


async def counted(proxy: Running, case: Case, requests: int) -> dict[str, Any]:
    """What the proxy tells of so many requests, after some that nobody counts."""
    client = Client(proxy)
    await client.block(case, WARM)
    await client.post("/bench/calls/begin")
    await client.block(case, requests)
    await asyncio.sleep(1)  # what is done after the answer belongs to it
    told: dict[str, Any] = await client.post("/bench/calls/end")
    return told


def main() -> None:
    """Print them, most calls first."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=20)
    parser.add_argument("--streamed", action="store_true")
    parser.add_argument("--only", default="governance, memory, 100 rules", help="the proxy whose name has this in it")
    options = parser.parse_args()
    kinds = tuple(kind for kind in KINDS if options.only in kind.name)[:1]
    with tempfile.TemporaryDirectory() as folder, started(Path(folder), kinds) as (proxy,):
        told = asyncio.run(counted(proxy, Case(streamed=options.streamed), options.requests))
    for name, calls in sorted(told["each_own"].items(), key=lambda entry: -entry[1]):
        print(f"{calls / options.requests:7.2f} {name}")
    print(f"{told['own_functions']} functions of ours, {told['own_calls'] / options.requests:,.0f} calls a request;")
    print(f"{told['functions']} of all, {told['calls'] / options.requests:,.0f} calls")


if __name__ == "__main__":
    main()
