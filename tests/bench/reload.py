"""How long the event loop of a worker stands still while a policy takes over or is planned, by the size of the policy.

    python -m tests.bench.reload

A worker as LiteLLM runs it, with the collector as governance sets it; the file is watched as in a proxy. The policies
take over from one another, so that each row also lets go of the one before.
"""

from __future__ import annotations

import asyncio
import gc
import os
import sys
import tempfile
import time
from pathlib import Path

from governance.admin.policy_plan import written
from governance.apart import full_collections_wait
from governance.catalog import Catalog
from governance.engine.host import Host
from governance.engine.retired import let_go_slowly
from governance.proxy.collector import calm
from governance.proxy.gateway import Gateway
from governance.proxy.policies import FilePolicies
from governance.proxy.reload import PolicyWatch
from governance.usecases.plan import plan
from tests.bench.stalls import Stalls

SMALL = "version: 1\n"


def limits(count: int) -> str:
    """Of so many teams."""
    each = "  - {{name: limit of team {0}, subject: {{team: team-{0}}}, requests: {1}/minute}}\n"
    return "version: 1\nrate_limits:\n" + "".join(each.format(i, 100 + i % 7) for i in range(count))


def conditions(count: int) -> str:
    """So many rules, each with a condition of its own."""
    each = (
        "  - {{name: rule {0}, cel_expression: 'model == \"m{0}\"', targets: [{{provider: openai, model: gpt-4o}}]}}\n"
    )
    return "version: 1\nrouting_rules:\n" + "".join(each.format(i) for i in range(count))


async def measured(name: str, watch: PolicyWatch, gateway: Gateway, file: Path, text: str) -> None:
    """Print how long it took, and how long nobody was served."""
    await asyncio.to_thread(file.write_text, text)
    async with Stalls() as stalls:
        began = time.perf_counter()
        await watch.look(gateway)
        took = time.perf_counter() - began
        # What comes after it: limits that begin anew are told, and the policy before is let go of.
        await asyncio.sleep(2)
    assert gateway.reload.policy.text == text, gateway.reload.error
    megabytes = len(text) / 2**20
    told = f"stall {stalls.own_ms:6.1f} ms, {stalls.most_ms:7.1f} ms by the clock"
    print(f"{name:<24} {megabytes:5.2f} MB {took:7.1f} s   {told}", flush=True)


async def compared(before: str, after: str) -> None:
    """Print the same of a plan, as a proxy makes it and answers with it."""
    base = await asyncio.to_thread(Host.parse, before)

    def made() -> tuple[int, int]:
        candidate = Host.parse(after)
        let_go_slowly(candidate)
        found = asyncio.run(plan(base, candidate, Catalog(None, {})))
        return len(found.changes), len(written(found.report()))

    async with Stalls() as stalls:
        began = time.perf_counter()
        with full_collections_wait():
            changes, length = await asyncio.to_thread(made)
        took = time.perf_counter() - began
    told = f"stall {stalls.own_ms:6.1f} ms, {stalls.most_ms:7.1f} ms by the clock"
    print(f"plan of {changes:,} changes, {length / 2**20:.1f} MB told {took:7.1f} s   {told}", flush=True)


async def main() -> None:
    """All sizes, smallest first."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "governance.yaml"
        file.write_text(SMALL)
        watch = PolicyWatch(file)
        policies = FilePolicies(file, watch, Host.load(file))
        gateway = Gateway(policies.begin(), policies)
        calm(os.environ)
        await measured("nothing changes much", watch, gateway, file, SMALL + "# \n")
        for count in (100, 1_000, 10_000, 25_000):
            await measured(f"{count:,} limits", watch, gateway, file, limits(count))
        await measured("10,000 conditions", watch, gateway, file, conditions(10_000))
        many = limits(25_000)
        await compared(many, many.replace("requests: 103/minute", "requests: 90/minute"))
        await compared(many, many.replace("/minute", "/hour"))
        await measured("nothing", watch, gateway, file, SMALL)
        print(f"{gc.get_freeze_count():,} objects are set apart", file=sys.stderr)
        await gateway.close()


if __name__ == "__main__":
    asyncio.run(main())
