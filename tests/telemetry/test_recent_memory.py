"""What recent decisions take of Redis: bounded in bytes, as the documentation says, and never room of the ledger."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from governance.ledger import open_ledger
from governance.ledger.address import directory
from governance.ledger.link import Wire
from governance.model import Charge, Window
from governance.telemetry.redaction import encoded
from governance.telemetry.shared import RecentOfAll
from governance.trace import Trace, uuid7
from tests.ledger.servers import Server, running

KEY = "gov:{default}:decisions"
MIB = 2**20


@pytest.fixture
def server() -> Iterator[Server]:
    with running() as started:
        yield started


def recent_of(server: Server, keep: int = 1_000_000, most: int = 1_000 * MIB) -> RecentOfAll:
    return RecentOfAll(Wire(directory(server.url), KEY, 30, told="telemetry store"), KEY, keep, most)


async def put(recent: RecentOfAll, records: int, size: int) -> None:
    """So many of this size, none of which waits for room in the queue."""
    for at in range(records):
        recent.put(uuid7(), b"x" * size)
        if at % 1_000 == 999:
            await recent.sent()
    await recent.sent()


@pytest.mark.parametrize("size", [300, 3_000, 9_000])
async def test_they_take_no_more_than_they_may(server: Server, size: int) -> None:
    recent = recent_of(server, most=MIB)

    await put(recent, 3 * MIB // (size + 250), size)

    taken = server.client().memory_usage(KEY, samples=0)
    assert 0.6 * MIB < taken < 1.1 * MIB
    assert recent.dropped == 0
    await recent.close()


async def test_they_are_as_many_as_they_may_be(server: Server) -> None:
    recent = recent_of(server, keep=100)

    await put(recent, 300, 300)

    assert server.client().xlen(KEY) == 100
    await recent.close()


async def test_what_an_earlier_version_left_is_bounded_too(server: Server) -> None:
    client = server.client()
    for at in range(1_000):
        client.xadd(KEY, {"i": f"{at}", "r": "x" * 3_000})
    recent = recent_of(server, most=MIB)

    await put(recent, 640, 3_000)

    assert client.memory_usage(KEY, samples=0) < 1.1 * MIB
    await recent.close()


async def test_the_formula_of_the_documentation_is_right(server: Server, trace: Callable[..., Trace]) -> None:
    text = Path(__file__).parents[2].joinpath("docs", "deployment.md").read_text("utf-8")
    stated = re.search(r"`(\d+) \+ record` bytes a decision", text)
    assert stated is not None
    record = encoded(trace().record())
    recent = recent_of(server)

    await put(recent, 2_000, len(record))

    each = server.client().memory_usage(KEY, samples=0) / 2_000
    assert 0.75 <= each / (int(stated[1]) + len(record)) <= 1.1
    await recent.close()


async def test_a_full_server_takes_counts_and_no_decisions(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    client: Any = server.client()
    client.config_set("maxmemory-policy", "noeviction")
    room = client.info("memory")["used_memory"] + 8 * MIB
    client.config_set("maxmemory", room)
    recent, ledger = recent_of(server), open_ledger(server.url, timeout_s=30)
    window = Window("a minute", "team:t", "requests", 10**6, 60)

    async def counts(name: str) -> bool:
        return (await ledger.reserve([Charge(window, 1)], (), reservation_id=name, deadline_s=60)).granted

    # However much is told, the ledger has room.
    for at in range(20):
        await put(recent, 128, 9_000)
        assert await counts(f"r{at}")
        assert client.info("memory")["used_memory"] < 0.9 * room
    assert (recent.dropped, recent.error) == (0, None)

    # What somebody else takes is not made room for.
    client.delete(KEY)
    client.setrange("somebody else's", room * 86 // 100 - client.info("memory")["used_memory"], b"x")
    await put(recent, 64, 300)
    assert recent.dropped == 64
    assert recent.error == "the memory of its server is used to 80 %, and the ledger's counts come first"
    assert recent.error in caplog.text
    assert await counts("the last")

    client.delete("somebody else's")
    await put(recent, 64, 300)
    assert recent.error is None
    await recent.close()
    await ledger.close()
