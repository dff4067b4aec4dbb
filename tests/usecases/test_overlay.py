"""The overlay as it is kept: in the store or in the ledger, shared, audited, and never more than can be read."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any, TypeVar

import fakeredis.aioredis
import pytest

from governance.engine.host import Host
from governance.ledger.overlay import RedisOverlay, open_overlay
from governance.ledger.scripts import Script
from governance.model.errors import StoreUnavailable
from governance.model.overlay import MOST_ENTRIES, ActiveProfile, Freeze, Increase
from governance.store import Store
from governance.usecases.audit import export_audit, verify_audit
from governance.usecases.change_policy import Author, seed
from governance.usecases.overlay import (
    InLedger,
    InStore,
    Kept,
    NoSuchEntry,
    PolicyFrozen,
    TooMany,
    check_not_frozen,
    entries,
    kept_by,
    row,
    set_entry,
    withdraw,
)

T = TypeVar("T")
NOW_S = 1_795_176_000.0
ADA, BOB = Author("ada", "user", "req-1"), Author("bob", "user")


class Link:
    """Scripts on a Redis of this process."""

    kind, connected = "fake", 1

    def __init__(self) -> None:
        self._client = fakeredis.aioredis.FakeRedis()

    async def run(self, script: Script, keys: Any, args: Any) -> Any:
        return await self._client.eval(script.text.decode(), len(keys), *keys, *args)

    async def close(self) -> None:
        """Nothing is open."""


def asking(store: Store) -> Any:
    async def ask(use: Callable[[Store], T]) -> T:
        return use(store)

    return ask


async def away(use: Any) -> Any:
    raise StoreUnavailable("no answer")


@pytest.fixture(params=["store", "ledger"])
def kept(request: pytest.FixtureRequest, store: Store) -> Kept:
    return InStore(asking(store)) if request.param == "store" else InLedger(RedisOverlay(Link()), asking(store))


def freeze(id: str = "f1", until_s: float = NOW_S + 60) -> Freeze:
    return Freeze(id=id, at_s=NOW_S, until_s=until_s, author="ada", author_kind="user", reason="black friday")


def profile(id: str, until_s: float | None, at_s: float = NOW_S) -> ActiveProfile:
    return ActiveProfile(id=id, at_s=at_s, until_s=until_s, author="ada", author_kind="user", reason="", profile=id)


async def test_an_entry_is_set_listed_withdrawn_and_the_chain_of_the_audit_holds(kept: Kept, store: Store) -> None:
    seed(store, Host.parse("version: 1").policy, ADA, _moment())
    done = await set_entry(kept, freeze(), ADA)

    assert (done.audited, await entries(kept)) == (True, (freeze(),))
    with pytest.raises(PolicyFrozen, match=r"frozen by ada until 2026-11-20 12:01 UTC: black friday \(`governance ove"):
        await check_not_frozen(kept, NOW_S)
    await check_not_frozen(kept, NOW_S + 60)
    withdrawn = await withdraw(kept, "f1", BOB, NOW_S + 1)

    assert (withdrawn.entry, await entries(kept)) == (freeze(), ())
    await check_not_frozen(kept, NOW_S + 1)
    with pytest.raises(NoSuchEntry, match="there is no entry `f1` in force; `governance overlay list` lists them"):
        await withdraw(kept, "f1", BOB, NOW_S + 1)
    events = list(export_audit(store))
    told = [(e["action"], e["actor"], e["reason"], e["revision_id"]) for e in events]
    assert told == [
        ("seed", "ada", "", 1),
        ("overlay_set", "ada", "black friday", 1),
        ("overlay_withdrawn", "bob", "black friday", 1),
    ]
    assert events[1]["entries"][0]["after"]["what"] == "the policy is not changed"
    assert verify_audit(store).faults == ()


async def test_a_store_without_a_policy_has_an_audit_all_the_same(kept: Kept, store: Store) -> None:
    await set_entry(kept, freeze(), ADA)

    assert [event["revision_id"] for event in export_audit(store)] == [None]
    assert verify_audit(store).faults == ()
    seed(store, Host.parse("version: 1").policy, ADA, _moment())
    assert verify_audit(store).faults == ()


async def test_a_new_active_profile_takes_out_those_that_it_outlives(kept: Kept) -> None:
    for each in (profile("a", None), profile("b", NOW_S + 9), profile("c", NOW_S + 20), profile("d", NOW_S + 10)):
        await set_entry(kept, each, ADA)
    assert [entry.id for entry in await entries(kept)] == ["a", "c", "d"]

    await set_entry(kept, profile("e", None, NOW_S + 1), ADA)
    assert [entry.id for entry in await entries(kept)] == ["e"]


async def test_there_are_never_too_many_and_ended_ones_make_room(kept: Kept) -> None:
    for i in range(MOST_ENTRIES):
        await set_entry(kept, freeze(f"f{i}"), ADA)

    with pytest.raises(TooMany, match="there are 100 entries already; withdraw some"):
        await set_entry(kept, freeze("more"), ADA)
    later = freeze("later", NOW_S + 120).model_copy(update={"at_s": NOW_S + 60})
    await set_entry(kept, later, ADA)
    assert await entries(kept) == (later,)


async def test_a_kill_switch_of_the_ledger_waits_for_no_database() -> None:
    kept = InLedger(RedisOverlay(Link()), away)

    assert (await set_entry(kept, freeze(), ADA)).audited is False
    assert [entry.id for entry in await entries(kept)] == ["f1"]
    assert (await withdraw(kept, "f1", BOB, NOW_S)).audited is False


async def test_where_nobody_has_made_a_store_nothing_is_in_it_and_none_is_made(tmp_path: Any) -> None:
    kept = kept_by("memory://", f"sqlite:///{tmp_path}/none.db", away, {})

    assert await entries(kept) == ()
    await check_not_frozen(kept, NOW_S)
    assert list(tmp_path.iterdir()) == []
    assert open_overlay("memory://") is None


async def test_what_a_later_version_has_set_changes_nothing_here(kept: Kept, store: Store) -> None:
    if isinstance(kept, InStore):
        with store.write() as work:
            work.overlay.put("x", '{"kind": "teleport"}', 9)
    else:
        assert isinstance(kept, InLedger)
        await kept._overlay.put("x", '{"kind": "teleport"}', 9)

    assert await entries(kept) == ()


def _moment() -> Any:
    return datetime.fromtimestamp(NOW_S, timezone.utc)


def test_increases_say_what_they_do() -> None:
    over = Increase(
        id="i", at_s=NOW_S, until_s=NOW_S + 1, author="ada", author_kind="user", reason="r", section="budgets",
        limit="gone", unit="usd_micros", amount=600_000_000, period="month",
    )  # fmt: skip
    told = row(over, Host.parse("version: 1"))

    assert told["what"] == "gone: 600 USD/month"
    assert (told["until"], told["problem"]) == (
        "2026-11-20T12:00:01.000Z",
        "`budgets` of the policy has no entry `gone`",
    )
