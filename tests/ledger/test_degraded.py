"""While the store is away: what was full stays full, each worker has its share, and all of it is counted afterwards."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from governance.ledger import Ledger, Option, Reserved, open_ledger
from governance.ledger.guard import Guarded
from governance.ledger.link import Wire
from governance.ledger.owed import Late, written
from governance.ledger.present import Present
from governance.ledger.redis import RedisLedger, prefix
from governance.model import Charge, Unit, Window
from tests.ledger.conftest import At
from tests.ledger.servers import Server, running
from tests.patience import tries

Start = Callable[..., Guarded]


def window(amount: int, on_unavailable: str = "allow", unit: Unit = "requests", period: int | str = 3_600) -> Window:
    return Window(f"{unit} {period}", "team:a", unit, amount, period, on_unavailable=on_unavailable)  # type: ignore[arg-type]


@pytest.fixture
def server() -> Iterator[Server]:
    with running(appendonly="yes", appendfsync="always") as own:
        yield own


@pytest.fixture
async def start(server: Server) -> AsyncIterator[Start]:
    """Workers of one ledger, each with a link of its own."""
    opened: list[Guarded] = []

    def begin(spool: Path | None = None) -> Guarded:
        wire = Wire(At(server.port), prefix("default"), timeout_s=2, failures=1)
        opened.append(Guarded(RedisLedger(wire), "refuse", spool))
        return opened[-1]

    yield begin
    for ledger in opened:
        await ledger.close()


async def reserve(ledger: Ledger, name: str, *charges: Charge, options: tuple[Option, ...] = ()) -> Reserved:
    return await ledger.reserve(charges, options, reservation_id=name, deadline_s=600)


async def admitted(ledger: Ledger, of: Window, name: str, most: int = 100) -> int:
    """How many of so many requests are let through."""
    return sum([(await reserve(ledger, f"{name}{i}", Charge(of, 1))).granted for i in range(most)])


async def paid(ledger: Ledger) -> None:
    for _ in tries():
        health = await ledger.health()
        if health.reachable and not health.owed:
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"what was owed has not been paid: {await ledger.health()}")


async def used(ledger: Ledger, of: Window) -> int:
    return (await ledger.read([of]))[0].used


async def test_what_was_last_seen_full_is_refused_as_full(server: Server, start: Start) -> None:
    ledger, limit = start(), window(3)
    assert await admitted(ledger, limit, "before", 5) == 3
    server.kill()
    answer = await reserve(ledger, "after", Charge(limit, 1))

    assert (answer.granted, answer.available) == (False, True), "as the store would say it"
    assert answer.shared[0].room_at_s is not None
    assert answer.shared[0].room_at_s > answer.now_s + 3_000


async def test_allow_has_the_room_that_was_last_seen_and_it_is_counted_afterwards(server: Server, start: Start) -> None:
    ledger, limit, tokens = start(), window(10), window(1_000, unit="tokens", period="month")
    assert await admitted(ledger, limit, "before", 4) == 4
    server.kill()
    assert await admitted(ledger, limit, "during", 20) == 6, "10 in all, and not 24"
    answer = await reserve(ledger, "money", Charge(tokens, 400))
    assert (answer.granted, answer.available, answer.away, answer.uncounted) == (True, False, "allow", (tokens,))
    await ledger.settle("money", {"tokens": 70})
    server.restart()
    await paid(ledger)

    assert [await used(ledger, each) for each in (limit, tokens)] == [10, 70]
    health = await ledger.health()
    assert (health.allowed, health.late, health.owed, health.lost) == (7, 7, 0, 0)


async def test_a_share_is_what_is_left_divided_by_all_workers(server: Server, start: Start) -> None:
    workers, limit = [start() for _ in range(4)], window(40, "share")
    for i, worker in enumerate(workers):
        await reserve(worker, f"before {i}", Charge(limit, 2))
    for worker in workers:
        # Each has heard of all when it has announced itself once more.
        assert (await worker.health()).workers == 4
        await reserve(worker, "known " + str(id(worker)), Charge(limit, 0))
    server.kill()
    let_through = [await admitted(worker, limit, f"{i} ", 30) for i, worker in enumerate(workers)]

    assert let_through == [8, 8, 8, 8], "a fourth of the 32 that were left"
    refused = await reserve(workers[0], "more", Charge(limit, 1))
    assert (refused.granted, refused.available) == (False, False), "others may have room, this worker has none"
    assert (await workers[0].health()).shared == 8
    server.restart()
    for worker in workers:
        await paid(worker)
    assert await used(workers[0], limit) == 40, "never over"


async def test_what_was_served_is_counted_once_however_often_it_is_told(server: Server, start: Start) -> None:
    ledger, limit = start(), window(100)
    await reserve(ledger, "before", Charge(limit, 1))
    server.pause()
    try:
        # It has been sent, and will be counted when the server wakes; and it was let through meanwhile.
        assert (await reserve(ledger, "in doubt", Charge(limit, 1))).away == "allow"
        assert await admitted(ledger, limit, "during", 5) == 5
    finally:
        server.resume()
    await paid(ledger)
    assert await used(ledger, limit) == 7
    told_again = RedisLedger(Wire(At(server.port), prefix("default"), timeout_s=2))
    debt = Late(1_767_225_600_000, 600, None, (Charge(limit, 1),), ())
    assert [await told_again.late(f"during{i}", debt) for i in range(5)] == [False] * 5
    assert await used(ledger, limit) == 7
    await told_again.close()


async def test_an_attempt_while_the_store_is_away_is_counted_with_its_target(server: Server, start: Start) -> None:
    ledger, limit, other = start(), window(100), window(50, period=60)
    options = (Option("a", [Charge(window(50, "refuse", period=61), 1)]), Option("b", [Charge(other, 1)]))
    server.kill()
    served = await reserve(ledger, "1", Charge(limit, 1), options=options)
    assert (served.granted, served.chosen) == (True, 1), "the first one insists on being counted"
    assert not (await ledger.move("1", 1, options[0])).fits
    assert (await ledger.move("1", 2, options[1], [Charge(limit, 1)])).fits
    await ledger.settle("1", {})
    server.restart()
    await paid(ledger)

    assert [await used(ledger, each) for each in (limit, other)] == [2, 2]


async def test_a_spool_is_paid_by_whoever_comes_next_and_once(server: Server, start: Start, tmp_path: Path) -> None:
    folder, limit, tokens = tmp_path / "spool", window(100), window(1_000, unit="tokens", period="month")
    first = start(folder)
    await reserve(first, "before", Charge(limit, 1))
    server.kill()
    assert (await reserve(first, "1", Charge(limit, 1), Charge(tokens, 300))).granted
    await first.settle("1", {"tokens": 20})
    assert (await reserve(first, "2", Charge(limit, 1), Charge(tokens, 300))).granted
    (file,) = folder.glob("*.owed")
    assert [json.loads(line)["debt"] for line in file.read_text().splitlines()] == ["late", "settled", "late"]
    assert file.stat().st_mode & 0o777 == 0o600
    lines = file.read_bytes()

    await first.close()  # as far as the store is concerned, it died
    file.write_bytes(lines + b'{"id": "torn')
    server.restart()
    second = start(folder)
    await reserve(second, "after", Charge(limit, 1))
    for _ in tries():
        if not file.exists():
            break
        await second.health()
    assert [await used(second, each) for each in (limit, tokens)] == [4, 320]

    file.write_bytes(lines)  # a third one finds it again
    third = start(folder)
    await reserve(third, "again", Charge(limit, 0))
    await paid(third)
    assert [await used(third, each) for each in (limit, tokens)] == [4, 320]


async def test_what_several_processes_have_left_is_paid_one_after_the_other(
    server: Server, start: Start, tmp_path: Path
) -> None:
    folder, limit = tmp_path / "spool", window(10_000)
    folder.mkdir()
    late = Late(round(time.time() * 1000), 600, None, (Charge(limit, 1),), ())
    for name, most in (("a", 1_200), ("b", 3)):
        lines = [json.dumps(written(f"{name} {i}", late)) for i in range(most)]
        (folder / f"{name}.owed").write_text("\n".join(lines))
    ledger = start(folder)
    await reserve(ledger, "own", Charge(limit, 1))
    for _ in tries():
        if not list(folder.glob("?.owed")):
            break
        await ledger.health()

    assert await used(ledger, limit) == 1_204


async def test_a_spool_that_cannot_be_written_is_told_and_nothing_else_fails(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    wire = Wire(At(server.port), prefix("default"), timeout_s=2, failures=1)
    ledger = Guarded(RedisLedger(wire), "allow", tmp_path / "file")
    server.kill()

    assert (await reserve(ledger, "1", Charge(window(5), 1))).granted
    assert (await ledger.health()).spool_error in {os.strerror(17), os.strerror(20)}
    await ledger.close()


async def test_a_ledger_that_began_empty_makes_nobodys_share_larger() -> None:
    now = [0.0]

    async def nothing() -> None: ...

    present = Present(None, nothing, lambda: now[0])  # type: ignore[arg-type]
    assert (present.known, present.workers) == (None, 1)
    for at_s, told, known in ((0, 4, 4), (3, 1, 4), (14, 3, 4), (16, 3, 3), (17, 5, 5)):
        now[0] = at_s
        present.heard(told)
        assert present.workers == known


async def test_shares_come_from_the_policy_of_the_ledger_where_a_window_says_nothing(server: Server) -> None:
    ledger = open_ledger(server.url, on_unavailable="share", timeout_s=2, failures=1)
    limit = Window("limit", "team:a", "requests", 5, 3_600)
    await reserve(ledger, "before", Charge(limit, 1))
    server.kill()

    assert (await reserve(ledger, "1", Charge(limit, 1))).away == "share"
    await ledger.close()
