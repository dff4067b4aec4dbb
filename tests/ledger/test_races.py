"""Several processes at once, and processes that die."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

from governance.ledger import Ledger, Option, open_ledger
from governance.model import Charge, Window
from tests.ledger.racer import SHARED, TARGETS
from tests.ledger.servers import Server, running

RACER = Path(__file__).parent / "racer.py"


def racer(server: Server, clients: int, tries: int, deadline_s: float, *more: str) -> subprocess.Popen[str]:
    arguments = [server.url, str(clients), str(tries), str(deadline_s), *more]
    return subprocess.Popen(
        [sys.executable, str(RACER), *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={"PYTHONPATH": str(Path(__file__).parents[2])},
    )


async def test_four_processes_of_two_hundred_clients_admit_exactly_the_limit() -> None:
    with running() as server:
        racers = [racer(server, 200, 2, 600) for _ in range(4)]
        admitted = [int(process.communicate()[0]) for process in racers]
        ledger = open_ledger(server.url, realm="race", timeout_s=30)
        counted = await ledger.read([SHARED, *TARGETS])
        await ledger.close()

    assert sum(admitted) == 450, "three targets of 150 are the tighter limit"
    assert [reading.used for reading in counted] == [450, 150, 150, 150]


async def test_a_thousand_clients_of_one_process_admit_exactly_the_limit(ledger: Ledger) -> None:
    window = Window("race", "team:research", "requests", 60, 3_600)
    charges = [Charge(window, 1)]
    answers = await asyncio.gather(
        *(ledger.reserve(charges, [Option("a", charges)], reservation_id=str(i), deadline_s=60) for i in range(1_000))
    )

    assert sum(answer.granted for answer in answers) == 30, "each takes two"


async def test_a_process_that_is_killed_leaves_nothing_past_its_deadline() -> None:
    with running() as server:
        process = racer(server, 50, 4, 1.0, "stay")
        assert process.stdout is not None
        admitted = int(process.stdout.readline())
        process.kill()
        process.wait()
        ledger = open_ledger(server.url, realm="race", timeout_s=30)
        assert admitted == 200
        for _ in range(500):
            health = await ledger.health()
            if health.open_reservations == 0:
                break
            await asyncio.sleep(0.02)
        counted = await ledger.read([SHARED, *TARGETS])
        await ledger.close()
        process.communicate()

    assert (health.open_reservations, health.expired) == (0, 200)
    assert [reading.used for reading in counted] == [0, 0, 0, 0]


async def test_every_key_ends_by_itself_and_lies_in_its_realm() -> None:
    with running() as server:
        ledger = open_ledger(server.url, realm="mine", timeout_s=30)
        windows = [Window("l", "s", unit, 50, period) for unit, period in (("requests", 60), ("concurrent", None))]  # type: ignore[arg-type]
        month = Window("b", "s", "usd_micros", 50, "month")
        charges = [Charge(window, 1) for window in (*windows, month)]
        for name in ("settled", "released", "open", "late"):
            deadline_s = 0.01 if name == "late" else 60
            await ledger.reserve(charges, [Option("a", charges[:1])], reservation_id=name, deadline_s=deadline_s)
        await asyncio.sleep(0.02)
        await ledger.settle("settled", {})
        await ledger.move("open", 1, Option("b", charges[:1]))
        await ledger.release("released")
        await ledger.cool_down("a", 30)
        await ledger.health()
        client = server.client()
        keys = list(client.scan_iter())

        assert len(keys) >= 8
        for key in keys:
            assert key.startswith(b"gov:{mine}:")
            assert client.pttl(key) > 0, f"{key!r} would stay for ever"
        await ledger.close()


async def test_who_names_ever_new_users_makes_as_many_windows_as_its_own_limit_admits() -> None:
    with running() as server:
        ledger = open_ledger(server.url, realm="mine", timeout_s=30)
        team = Window("of a team", "team:a", "requests", 20, 60)
        admitted = 0
        for i in range(200):
            user = Window("of each", f"team:a && end_user:{i}", "requests", 5, "month")
            charges = [Charge(team, 1), Charge(user, 1)]
            admitted += (await ledger.reserve(charges, (), reservation_id=str(i), deadline_s=60)).granted
        windows = list(server.client().scan_iter("gov:{mine}:w:*"))
        await ledger.close()

    assert admitted == 20
    assert len(windows) == 20 + 1, "what was refused leaves nothing"
