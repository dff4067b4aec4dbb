"""One process of a race: many clients on one limit. Prints how many were admitted.

`python racer.py URL CLIENTS TRIES DEADLINE [stay]`
"""

from __future__ import annotations

import asyncio
import os
import sys

from governance.ledger import Option, open_ledger
from governance.model import Charge, Window

SHARED = Window("race", "team:research", "requests", 500, 3_600)
TARGETS = tuple(Window("race", f"target:{name}", "requests", 150, 3_600) for name in "abc")


async def race(url: str, clients: int, tries: int, deadline_s: float) -> int:
    ledger = open_ledger(url, realm="race", timeout_s=30)
    options = [Option(window.subject, [Charge(window, 1)]) for window in TARGETS]

    async def client(number: int) -> int:
        admitted = 0
        for attempt in range(tries):
            name = f"{os.getpid()}-{number}-{attempt}"
            reserved = await ledger.reserve([Charge(SHARED, 1)], options, reservation_id=name, deadline_s=deadline_s)
            admitted += reserved.granted
        return admitted

    admitted = sum(await asyncio.gather(*(client(number) for number in range(clients))))
    await ledger.close()
    return admitted


if __name__ == "__main__":
    print(asyncio.run(race(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]))), flush=True)
    if len(sys.argv) > 5:
        sys.stdin.read()  # until it is killed
