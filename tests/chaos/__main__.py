"""`make chaos`: every fault in every mode, the promises that docs/ledger.md makes, and the figures in docs/chaos.md."""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tests.chaos.crowd import crowd
from tests.chaos.crowd import table as crowd_table
from tests.chaos.faults import FAULTS
from tests.chaos.oracle import Outcome, broken
from tests.chaos.run import MODES, run
from tests.chaos.world import ROOT, a_world

DOCS: Final = ROOT / "docs" / "chaos.md"
BEGIN: Final = "<!-- made by make chaos -->"
END: Final = "<!-- end of what make chaos makes -->"


def row(of: Outcome) -> str:
    counted = "forgotten" if of.fault.forgets else f"{of.counted_requests} of {of.served_requests}"
    return (
        f"| {of.fault.name} | `{of.mode}` | {of.served} of {of.asked} | {of.away_s * 1000:.0f} | "
        f"{of.longest_s * 1000:.0f} | {of.over} (≤ {of.most_over}) | {counted} | {of.late} |"
    )


def table(outcomes: Sequence[Outcome]) -> str:
    names = "fault", "mode", "served", "away, ms", "longest wait, ms", "over 200 (promised)", "counted", "late"
    head = [" | ".join(names), " | ".join("---" for _ in names)]
    return "\n".join([*(f"| {line} |" for line in head), *map(row, outcomes)])


async def all_of(faults: Sequence[str], modes: Sequence[str]) -> list[Outcome]:
    outcomes = []
    for fault in FAULTS:
        if faults and not any(word in fault.name for word in faults):
            continue
        for mode in modes:
            with tempfile.TemporaryDirectory(prefix="spool-") as spool:
                async with a_world() as world:
                    outcomes.append(await run(world, fault, mode, Path(spool)))
            print(row(outcomes[-1]), flush=True)
            for promise in broken(outcomes[-1]):
                print(f"    BROKEN: {promise}", flush=True)
    return outcomes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("faults", nargs="*", help="words of their names; without any, all of them")
    parser.add_argument("--mode", action="append", choices=MODES, help="one of the modes; several may be given")
    parser.add_argument("--write", action="store_true", help="put the table into docs/chaos.md")
    asked = parser.parse_args()
    outcomes = asyncio.run(all_of(asked.faults, asked.mode or MODES))
    made = table(outcomes)
    well = not any(True for each in outcomes for _ in broken(each))
    if not asked.faults:
        found = asyncio.run(crowd())
        made, well = f"{made}\n\n{crowd_table(found)}", well and found.well
    print("\n" + made)
    if asked.write:
        text = DOCS.read_text("utf-8")
        before, after = text.split(BEGIN)[0], text.split(END)[1]
        DOCS.write_text(f"{before}{BEGIN}\n\n{made}\n\n{END}{after}", "utf-8")
    sys.exit(not well)


if __name__ == "__main__":
    main()
