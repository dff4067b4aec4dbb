"""A change that waits for workers, passes its tests, and is tried on some first: by HTTP."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from governance.catalog import Catalog
from governance.usecases.follow import seen_workers
from tests.admin.kept import FIRST, SECOND, caller

TESTS = "tests:\n- {name: is routed, request: {model: a/m}, expect: {outcome: route}}\n"
LONG_AGO = datetime(2000, 1, 1, tzinfo=timezone.utc)
API = "/governance/api/policy"
ANY = {"if-match": "*"}


@pytest.fixture
async def worker(stored: Any, file: Path) -> Any:
    """The same, with the models of its proxy; it looks at the store when it is told to."""

    class Models:
        catalog = Catalog(None, {})

    stored.models = Models
    return stored


def acknowledge(worker: Any) -> None:
    worker.policies._follower.look()


async def post(worker: Any, path: str, body: dict[str, Any], headers: dict[str, str] = ANY) -> Any:
    async with caller(worker) as admin:
        return await admin.post(f"{API}/{path}", json=body, headers=headers)


async def test_who_waits_is_told_which_workers_serve_by_it(worker: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    missing = await post(worker, "apply", {"policy": SECOND, "wait": 0.2})
    acknowledge(worker)
    # This worker looks as soon as it is told of a change.
    monkeypatch.setattr(worker.policies, "look_soon", lambda: acknowledge(worker))
    done = await post(worker, "rollback/1", {"wait": 60})
    at_once = await post(worker, "apply", {"policy": SECOND})

    assert (missing.status_code, missing.json()["revision"]["id"], missing.json()["workers"]["done"]) == (202, 2, 0)
    (late,) = missing.json()["workers"]["missing"]
    assert late["active_id"] == 1
    assert (done.status_code, done.json()["workers"]) == (200, {"done": 1, "refused": [], "missing": []})
    assert (at_once.status_code, at_once.json()["workers"]) == (200, None)


async def test_a_worker_that_cannot_use_it_is_told_with_its_reason(
    worker: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> None:
        store = worker.policies._follower.store
        known = seen_workers(store, LONG_AGO)[0]
        with store.write() as work:
            work.workers.tell(replace(known, seen_version=2, refused_id=2, reason="no plugin `x` here"))

    monkeypatch.setattr(worker.policies, "look_soon", refuse)

    answer = await post(worker, "apply", {"policy": SECOND, "wait": 60})

    assert answer.status_code == 202
    (refused,) = answer.json()["workers"]["refused"]
    assert (refused["active_id"], refused["reason"]) == (1, "no plugin `x` here")


async def test_a_policy_that_fails_its_tests_is_not_applied_and_an_admin_may_say_why_it_is(worker: Any) -> None:
    failed = await post(worker, "apply", {"policy": SECOND, "tests": TESTS})
    unreasoned = await post(worker, "apply", {"policy": SECOND, "tests": TESTS, "force": True})
    forced = await post(worker, "apply", {"policy": SECOND, "tests": TESTS, "force": True, "comment": "because"})
    planned = await post(worker, "plan", {"policy": FIRST})
    async with caller(worker) as admin:
        page = (await admin.get(API)).json()

    error = failed.json()["error"]
    assert (failed.status_code, error["code"], error["passed"]) == (409, "tests_failed", 0)
    assert [(each["line"], each["name"]) for each in error["failed"]] == [(2, "is routed")]
    assert (unreasoned.status_code, unreasoned.json()["error"]["code"]) == (400, "reason_required")
    assert (forced.status_code, forced.json()["revision"]["forced"]) == (200, True)
    assert [each["name"] for each in planned.json()["tests"]["failed"]] == ["is routed"], "the stored ones"
    assert page["tests"] == TESTS


async def test_just_what_was_planned_is_applied_and_only_on_what_it_was_planned_for(worker: Any) -> None:
    plan = (await post(worker, "plan", {"policy": SECOND})).json()
    other = (await post(worker, "plan", {"policy": FIRST + "access: {require_key: true}\n"})).json()

    done = await post(worker, "apply", {"plan_id": plan["plan_id"], "comment": "as planned"}, {})
    stale = await post(worker, "apply", {"plan_id": other["plan_id"]}, {})
    unknown = await post(worker, "apply", {"plan_id": "0" * 64}, {})
    both = await post(worker, "apply", {"plan_id": plan["plan_id"], "policy": SECOND})

    assert (plan["kept"], done.status_code, done.json()["revision"]["hash"]) == (True, 200, plan["candidate"])
    assert (stale.status_code, stale.json()["error"]["code"]) == (412, "stale_base")
    assert (unknown.status_code, unknown.json()["error"]["code"]) == (404, "no_such_plan")
    assert both.status_code == 400


async def test_a_policy_with_a_secret_is_neither_planned_nor_kept(worker: Any) -> None:
    secret = FIRST + "catalog: {discovery: {providers: {openai: {api_key: hunter2}}}}\n"

    answer = await post(worker, "plan", {"policy": secret})

    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "invalid_policy")
    assert "hunter2" not in answer.text


async def test_a_policy_is_tried_on_some_widened_promoted_or_aborted(worker: Any) -> None:
    none = await post(worker, "promote", {})
    staged = await post(worker, "apply", {"policy": SECOND, "percent": 10, "shadow": 20})
    async with caller(worker, "viewer") as viewer:
        page, seen = (await viewer.get(API)).json(), (await viewer.get(f"{API}/candidate")).json()
        forbidden = await viewer.post(f"{API}/promote", json={})
    busy = await post(worker, "apply", {"policy": FIRST + "# mine\n"})
    wider = await post(worker, "promote", {"percent": 50, "revision": 2})
    acknowledge(worker)
    followed = worker.policies.followed["candidate"]
    other = await post(worker, "abort", {"revision": 7})
    promoted = await post(worker, "promote", {"comment": "fine"})
    await post(worker, "apply", {"policy": FIRST, "percent": 0, "shadow": 100})
    aborted = await post(worker, "abort", {})
    async with caller(worker) as admin:
        actions = [event["action"] for event in (await admin.get(f"{API}/audit")).json()["events"]]
        gone = (await admin.get(f"{API}/candidate")).json()

    assert (none.status_code, none.json()["error"]["code"]) == (409, "no_candidate")
    assert (staged.status_code, staged.json()["candidate"]) == (200, {"percent": 10, "shadow_percent": 20})
    assert (page["active"]["id"], page["candidate"]["id"], page["candidate"]["percent"]) == (1, 2, 10)
    assert (seen["candidate"]["id"], seen["verdict"], seen["shadow"]["seen"]) == (2, "not_enough_data", 0)
    assert forbidden.status_code == 403
    assert (busy.status_code, busy.json()["error"]["code"]) == (409, "candidate_staged")
    assert wider.json()["candidate"] == {"percent": 50, "shadow_percent": 0}
    assert followed == {"revision_id": 2, "percent": 50, "shadow_percent": 0}
    assert (other.status_code, other.json()["error"]["candidate_id"]) == (409, 2)
    assert (promoted.json()["revision"]["id"], promoted.json()["changed"]) == (2, True)
    assert aborted.json()["revision"]["id"] == 2
    assert actions == ["abort", "stage", "promote", "stage", "stage", "seed"]
    assert gone == {"candidate": None}


async def test_what_cannot_be_tried_is_told_with_its_line(worker: Any) -> None:
    answer = await post(worker, "apply", {"policy": SECOND + "access: {require_key: true}\n", "percent": 10})

    assert (answer.status_code, answer.json()["error"]["problems"][0]["path"]) == (422, "access")
