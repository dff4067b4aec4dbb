"""Which policy decides for whom in a worker, from the store to the engine: in one step, and told only afterwards."""

from __future__ import annotations

import os
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from governance.engine.host import Host
from governance.engine.keyring import Keyring
from governance.ledger.memory import MemoryLedger
from governance.model import Identity, Request
from governance.proxy.arms import Arms
from governance.proxy.reload import ReloadState
from governance.store import Staging, Store
from governance.usecases.acknowledged import acknowledged
from governance.usecases.change_policy import Author, apply
from governance.usecases.follow import Tried
from governance.usecases.staging import abort, promote
from tests.databases import open_one, store, url
from tests.proxy.test_policies import file, following, until

__all__ = ["file", "open_one", "store", "url"]

ADA = Author("ada", "user")
LIMIT = "rate_limits: [{name: all, subject: everyone, requests: %d/minute}]\n"
PEOPLE = [Identity(team_id=f"t{number}") for number in range(40)]


class Serving:
    """A worker without LiteLLM."""

    def __init__(self, host: Host) -> None:
        self._keyring = Keyring(())
        served: Any = None
        self.arms = Arms(host, self._keyring, served, MemoryLedger(), lambda alert: None)
        self.steps: list[tuple[str, int | None]] = []
        self.use(host)

    def use(self, host: Host) -> None:
        self.arms.use(host, self._keyring)
        self.reload = ReloadState(host.policy, 0.0)

    def try_out(self, tried: Tried | None) -> None:
        self.arms.try_out(tried, self._keyring)
        self.steps.append((self.reload.revision, tried and tried.id))

    async def decided_by(self, who: Identity) -> tuple[str, str]:
        request = Request("a/m", identity=who)
        decision = await self.arms.decide(self.arms.of(who), request, may_call)
        return decision.trace.arm, decision.trace.policy_revision


async def may_call(model: str) -> bool:
    return True


def how(file: Path) -> dict[str, Any]:
    now = datetime(2026, 11, 20, tzinfo=timezone.utc)
    return {"file": Host.load(file).policy.core, "environment": os.environ, "author": ADA, "now": now}


def stage(store: Store, file: Path, percent: int, shadow: int = 0, more: str = LIMIT % 7, **environment: str) -> str:
    by = {**how(file), "environment": {**os.environ, **environment}}
    done = apply(store, file.read_text() + more, base=None, stage=Staging(percent, shadow), **by)
    return done.revision.hash  # type: ignore[union-attr]


async def test_teams_are_tried_alike_in_two_workers_and_served_before_it_is_told(file: Path, store: Store) -> None:
    async with following(file, Serving) as (_, one), following(file, Serving) as (_, other):
        before = one.reload.revision
        candidate = stage(store, file, 50)
        now = datetime.now(timezone.utc)
        await until(lambda: len(acknowledged(store, 2, now).done) == 2)

        arms = [await one.decided_by(who) for who in PEOPLE]
        assert arms == [await other.decided_by(who) for who in PEOPLE], "what is told is served"
        assert set(arms) == {("in_force", before), ("candidate", candidate)}

        promote(store, **how(file))
        await until(lambda: len(acknowledged(store, 3, now).done) == 2)
        assert {await one.decided_by(who) for who in PEOPLE} == {("", candidate)}
        assert (candidate, 2) not in one.steps, "no request sees the candidate beside itself"


async def test_who_is_not_tried_is_looked_on_at_until_it_is_aborted(file: Path, store: Store) -> None:
    async with following(file, Serving) as (_, worker):
        stage(store, file, 0, 100)
        await until(lambda: worker.arms.trial)
        who = PEOPLE[0]
        found = []
        for _ in range(9):
            request = Request("a/m", identity=who)
            decision = await worker.arms.decide(worker.arms.of(who), request, may_call)
            found.append(decision.trace.record()["would"]["difference"])
        assert found == ["none"] * 9, "it counts nothing, and nothing was counted in its limit"

        abort(store, author=ADA, now=datetime(2026, 11, 20, tzinfo=timezone.utc))
        await until(lambda: worker.arms.trial is None)
        record = (await worker.arms.decide(worker.arms.of(who), Request("a/m", identity=who), may_call)).trace.record()
        assert "arm" not in record
        assert "would" not in record


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
async def test_a_candidate_that_cannot_be_used_here_is_told_and_tried_on_nobody(file: Path, store: Store) -> None:
    async with following(file, Serving) as (policies, worker):
        before = worker.reload.revision
        stage(store, file, 100, more=LIMIT.replace("%d/minute", "'${AMOUNT}'"), AMOUNT="7/minute")
        await until(lambda: worker.reload.error)

        assert "environment variable `AMOUNT` is not set" in str(worker.reload.error)
        assert await worker.decided_by(PEOPLE[0]) == ("", before)
        assert policies.followed["candidate"] is None
        (refused,) = acknowledged(store, 2, datetime.now(timezone.utc)).refused
        assert (refused.active_id, refused.refused_id) == (1, 2)
