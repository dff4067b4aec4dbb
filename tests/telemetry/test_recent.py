"""The recent decisions, on every store."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from typing import Any

import fakeredis
import pytest
import redis
from fakeredis import aioredis

from governance.ledger.address import directory
from governance.ledger.link import Wire
from governance.ledger.scripts import Script
from governance.model import Refusal
from governance.model.errors import LedgerUnavailable
from governance.telemetry.recent import Query, Recent, RecentHere, search
from governance.telemetry.redaction import encoded
from governance.telemetry.shared import RecentOfAll
from governance.trace import Candidate, Trace, uuid7
from tests.ledger.servers import Server, running

KEEP = 1_000
MOST = 64 * 2**20


class FakeLink:
    """Scripts on fakeredis."""

    kind = "fake"
    connected = 0

    def __init__(self, client: Any) -> None:
        self._client = client

    async def run(self, script: Script, keys: Sequence[str], args: Sequence[str | bytes | int]) -> Any:
        try:
            return await self._client.eval(script.text, len(keys), *keys, *args)
        except redis.RedisError as error:
            raise LedgerUnavailable(str(error)) from error

    async def close(self) -> None:
        await self._client.aclose()


@pytest.fixture(scope="session")
def redis_server() -> Iterator[Server]:
    with running() as server:
        yield server


Open = Callable[[int], Recent]


@pytest.fixture(params=["memory", "fakeredis", "redis"])
async def open_recent(request: pytest.FixtureRequest) -> AsyncIterator[Open]:
    opened: list[Recent] = []
    key = f"gov:{{{uuid.uuid4().hex}}}:decisions"

    def open_one(keep: int = KEEP) -> Recent:
        recent: Recent
        if request.param == "memory":
            recent = RecentHere(keep)
        elif request.param == "fakeredis":
            recent = RecentOfAll(FakeLink(aioredis.FakeRedis(server=fakeredis.FakeServer())), key, keep, MOST)
        else:
            server: Server = request.getfixturevalue("redis_server")
            recent = RecentOfAll(Wire(directory(server.url), key, timeout_s=30), key, keep, MOST)
        opened.append(recent)
        return recent

    yield open_one
    for recent in opened:
        await recent.close()


Put = Callable[..., Awaitable[Recent]]


@pytest.fixture
def kept(open_recent: Open) -> Put:
    """A store that holds the records of these traces."""

    async def put(traces: Sequence[Trace], keep: int = KEEP) -> Recent:
        recent = open_recent(keep)
        for trace in traces:
            recent.put(trace.id, encoded(trace.record()))
        for _ in range(10_000):
            if not traces or await recent.find(traces[-1].id):
                return recent
        raise AssertionError("the last one never came")

    return put


async def test_a_decision_is_found_by_its_id(kept: Put, trace) -> None:
    traces = [trace() for _ in range(700)]
    recent = await kept(traces)

    found = await recent.find(traces[3].id)

    assert found is not None
    assert json.loads(found)["id"] == traces[3].id
    assert await recent.find(uuid7()) is None


async def test_pages_follow_one_another_newest_first_and_end(kept: Put, trace) -> None:
    traces = [trace() for _ in range(250)]
    recent = await kept(traces)

    seen: list[str] = []
    cursor = None
    while True:
        page = await search(recent, Query(), 99, cursor)
        seen += [record["id"] for record in page.decisions]
        cursor = page.cursor
        if cursor is None:
            break

    assert seen == [trace.id for trace in reversed(traces)]


def refused(trace: Trace) -> None:
    trace.outcome, trace.refusal = "refuse", Refusal(429, "tokens_exhausted", "used up")


def elsewhere(trace: Trace) -> None:
    trace.candidates.append(Candidate("groq/x", False, "capability_mismatch"))


@pytest.mark.parametrize(
    ("query", "change"),
    [
        (Query(outcome="refuse"), refused),
        (Query(reason="tokens_exhausted"), refused),
        (Query(reason="capability_mismatch"), elsewhere),
        (Query(target="groq/x"), elsewhere),
        (Query(profile="Slow"), lambda trace: trace.notes.update(profile="Slow")),
        (Query(rule="premium"), lambda trace: trace.notes.update(rule="premium")),
        (Query(since_s=1_795_176_100.0), lambda trace: setattr(trace, "at_s", 1_795_176_100.0)),
    ],
)
async def test_a_search_finds_what_it_names(kept: Put, trace, query: Query, change: Callable[[Trace], None]) -> None:
    traces = [trace() for _ in range(9)]
    change(traces[4])
    recent = await kept(traces)

    page = await search(recent, query, 5)

    assert [record["id"] for record in page.decisions] == [traces[4].id]


@pytest.mark.parametrize("team", ["sales", "Sales team"])
async def test_a_team_is_found_by_id_and_by_name(kept: Put, trace, team: str) -> None:
    one = trace(team_id="sales", team_name="Sales team")
    recent = await kept([trace(), one, trace()])

    assert [r["id"] for r in (await search(recent, Query(team=team), 5)).decisions] == [one.id]


async def test_an_attempt_that_failed_is_a_reason_too(kept: Put, trace) -> None:
    recent = await kept([trace()])

    assert len((await search(recent, Query(reason="timeout"), 5)).decisions) == 1


async def test_a_long_search_ends_with_a_cursor_to_go_on_from(kept: Put, trace) -> None:
    needle = trace(team_id="needle")
    recent = await kept([needle, *(trace() for _ in range(2_500))], 5_000)

    first = await search(recent, Query(team="needle"), 5)
    assert (first.decisions, first.cursor is None) == ([], False)
    second = await search(recent, Query(team="needle"), 5, first.cursor)
    assert [record["id"] for record in second.decisions] == [needle.id]


async def test_the_oldest_are_forgotten(kept: Put, trace) -> None:
    traces = [trace() for _ in range(1_500)]
    recent = await kept(traces, 200)

    assert await recent.find(traces[0].id) is None
    assert await recent.find(traces[-200].id) is not None


async def test_an_empty_store_has_an_empty_page(kept: Put) -> None:
    assert await search(await kept([]), Query(), 5) == ([], None)


async def test_the_workers_on_one_redis_see_the_decisions_of_each_other(redis_server: Server, trace) -> None:
    key = f"gov:{{{uuid.uuid4().hex}}}:decisions"
    here, there = (RecentOfAll(Wire(directory(redis_server.url), key, 30), key, KEEP, MOST) for _ in range(2))
    one = trace()
    here.put(one.id, encoded(one.record()))
    await here.close()

    assert await there.find(one.id) is not None
    assert 0 < redis_server.client().pttl(key) <= 30 * 86_400_000
    await there.close()


async def test_without_redis_decisions_are_dropped_and_counted_and_it_is_said_once(trace, caplog) -> None:
    with running() as server:
        recent = RecentOfAll(Wire(directory(server.url), "k", 0.2, "telemetry store"), "k", KEEP, MOST)
        server.kill()
        asked = 0
        while not recent.error:
            recent.put(uuid7(), b"{}")
            asked += 1
            await asyncio.sleep(0.01)
        assert 1 <= recent.dropped <= asked

        server.restart()
        one = trace()
        while recent.error:
            recent.put(one.id, encoded(one.record()))
            await asyncio.sleep(0.05)
        assert await recent.find(one.id) is not None
        await recent.close()

    said = [r.getMessage() for r in caplog.records if r.name == "governance.telemetry"]
    assert len(said) == 2
    assert said[0].startswith("recent decisions cannot be kept: ")
    assert said[1].startswith("recent decisions are kept again; ")
    assert not [r.getMessage() for r in caplog.records if "ledger (" in r.getMessage()], "it is not the ledger"


async def test_what_comes_after_the_end_is_counted() -> None:
    recent = RecentOfAll(FakeLink(aioredis.FakeRedis()), "k", KEEP, MOST)
    await recent.close()
    recent.put(uuid7(), b"{}")

    assert recent.dropped == 1
