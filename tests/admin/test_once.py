"""What is asked for under an idempotency key is done once, on whichever worker, and answered alike."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from governance.proxy.policies import open_policies
from tests.admin.kept import FIRST, caller

API = "/governance/api"
LIMIT = {"entry": {"name": "new", "subject": "everyone", "requests": "5/second"}}


@pytest.fixture
async def twins(stored: Any, open_worker: Any) -> Any:
    """Two workers on one store."""
    other = open_worker(FIRST)
    other.policies = open_policies(stored.policies.file)
    other.policies.begin()
    yield stored, other
    await other.policies.close()


def keyed(key: str, base: str = "*") -> dict[str, str]:
    return {"idempotency-key": key, "if-match": base}


async def test_what_is_asked_again_is_answered_alike_by_every_worker(twins: Any) -> None:
    one, other = twins
    async with caller(one) as admin, caller(other) as again:
        first = await admin.post(f"{API}/limits", json=LIMIT, headers=keyed("k"))
        second = await again.post(f"{API}/limits", json=LIMIT, headers=keyed("k"))
        without = await again.post(f"{API}/limits", json=LIMIT, headers={"if-match": "*"})
        body = await again.post(f"{API}/limits", json={**LIMIT, "comment": "x"}, headers=keyed("k"))
        path = await again.delete(f"{API}/limits/new", headers=keyed("k"))
        revisions = (await again.get(f"{API}/policy/revisions")).json()["revisions"]

    assert (first.status_code, first.headers.get("idempotency-replayed")) == (201, None)
    assert (second.status_code, second.json(), second.headers["etag"]) == (201, first.json(), first.headers["etag"])
    assert second.headers["idempotency-replayed"] == "true"
    assert (without.status_code, len(revisions)) == (409, 2)
    assert [(each.status_code, each.json()["error"]["code"]) for each in (body, path)] == [(422, "key_reused")] * 2


async def test_a_mistake_is_answered_alike_too_and_whoever_may_not_gets_nothing(twins: Any) -> None:
    one, other = twins
    wrong = {"entry": {**LIMIT["entry"], "requests": "many"}}
    async with caller(one) as admin, caller(other) as again, caller(other, "viewer") as viewer:
        first = await admin.post(f"{API}/limits", json=wrong, headers=keyed("k"))
        second = await again.post(f"{API}/limits", json=wrong, headers=keyed("k"))
        denied = await viewer.post(f"{API}/limits", json=wrong, headers=keyed("k"))
        empty = await admin.post(f"{API}/limits", json=LIMIT, headers=keyed("x" * 256))

    assert (first.status_code, second.json(), denied.status_code) == (422, first.json(), 403)
    assert (empty.status_code, empty.json()["error"]["code"]) == (400, "invalid_request")


async def test_of_many_at_once_one_is_done(twins: Any) -> None:
    async with caller(twins[0]) as admin, caller(twins[1]) as again:
        answers = await asyncio.gather(
            *(each.post(f"{API}/limits", json=LIMIT, headers=keyed("k")) for each in (admin, again) * 3)
        )
        revisions = (await again.get(f"{API}/policy/revisions")).json()["revisions"]

    codes = {(answer.status_code, answer.json().get("error", {}).get("code")) for answer in answers}
    assert (201, None) in codes
    assert codes <= {(201, None), (409, "in_progress")}
    assert len(revisions) == 2
