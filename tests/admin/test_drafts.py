"""Drafts by HTTP: written by several, planned and tried, and put in force if nobody else was faster."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from governance.catalog import Catalog
from tests.admin.kept import FIRST, SECOND, caller

API = "/governance/api/drafts"
POLICY = "/governance/api/policy"
THIRD = FIRST.replace("100 USD", "50 USD")


@pytest.fixture
def worker(stored: Any) -> Any:
    stored.models = SimpleNamespace(catalog=Catalog(None, {}))
    return stored


async def test_a_draft_is_written_by_whoever_has_seen_its_last_version(worker: Any) -> None:
    async with caller(worker) as admin, caller(worker, "viewer") as viewer:
        begun = await admin.post(API, json={"comment": "for the autumn"})
        path = f"{API}/{begun.json()['id']}"
        changed = await admin.put(path, json={"policy": SECOND}, headers={"if-match": begun.headers["etag"]})
        late = await admin.put(path, json={"policy": THIRD}, headers={"if-match": begun.headers["etag"]})
        nothing = await admin.put(path, json={"policy": THIRD})
        one = await viewer.get(path)
        listed = (await viewer.get(API)).json()
        denied = [await viewer.post(API, json={}), await viewer.delete(path)]
        in_force = (await viewer.get(POLICY)).json()
        gone = await admin.delete(path, headers={"if-match": changed.headers["etag"]})
        again = await admin.delete(path)

    assert (begun.status_code, begun.json()["policy"], begun.json()["version"]) == (201, FIRST, 1)
    assert (begun.json()["base"], begun.json()["author"]) == (in_force["revision"], "admin")
    assert (changed.status_code, late.status_code, nothing.status_code) == (200, 412, 428)
    assert (late.json()["error"]["code"], late.json()["error"]["version"]) == ("stale_draft", 2)
    assert late.headers["etag"] == one.headers["etag"] == changed.headers["etag"] == '"2"'
    assert (one.json()["policy"], one.json()["comment"]) == (SECOND, "for the autumn")
    assert [(each["id"], each["version"], "policy" in each) for each in listed["drafts"]] == [(1, 2, False)]
    assert {each.status_code for each in denied} == {403}
    assert (in_force["yaml"], gone.status_code, again.status_code) == (FIRST, 204, 404)


async def test_a_draft_is_planned_tried_and_put_in_force_once_its_base_is(worker: Any) -> None:
    async with caller(worker) as admin:
        one, other = [(await admin.post(API, json={"policy": text})).json() for text in (SECOND, THIRD)]
        plan = (await admin.post(f"{API}/{one['id']}/plan", json={})).json()
        tried = await admin.post(f"{API}/{one['id']}/simulate", json={"body": {"model": "openai/gpt-4o"}})
        applied = await admin.post(f"{API}/{one['id']}/apply", json={"comment": "now"})
        gone = await admin.get(f"{API}/{one['id']}")
        stale = await admin.post(f"{API}/{other['id']}/apply", json={})
        merged = await admin.put(
            f"{API}/{other['id']}",
            json={"policy": stale.json()["error"]["merged"], "base": stale.headers["etag"]},
            headers={"if-match": '"1"'},
        )
        both = await admin.post(f"{API}/{other['id']}/apply", json={}, headers={"if-match": merged.headers["etag"]})
        text = (await admin.get(POLICY)).json()["yaml"]

    assert [change["path"] for change in plan["changes"]] == ["budgets[team].amount"]
    assert (tried.status_code, tried.json()["mode"]) == (200, "simulated")
    assert (applied.status_code, applied.json()["revision"]["comment"], gone.status_code) == (200, "now", 404)
    assert (stale.status_code, stale.json()["error"]["conflicts"], both.status_code) == (412, [], 200)
    assert text == SECOND.replace("100 USD", "50 USD")


@pytest.mark.parametrize("text", ["version: 2", "a: [", FIRST + "store: {url: 'postgresql://u:hunter2@host/db'}\n"])
async def test_a_text_that_may_hold_a_secret_is_not_kept(worker: Any, text: str) -> None:
    async with caller(worker) as admin:
        answer = await admin.post(API, json={"policy": text})
        listed = (await admin.get(API)).json()

    assert (answer.status_code, answer.json()["error"]["code"], listed["drafts"]) == (422, "invalid_policy", [])
    assert "hunter2" not in answer.text


async def test_drafts_are_kept_where_the_policy_is_a_file_and_applied_by_a_commit(filed: Any) -> None:
    try:
        async with caller(filed) as admin:
            text = filed.engine.host.policy.text
            draft = await admin.post(API, json={"policy": text.replace("10 USD", "20 USD")})
            answer = await admin.post(f"{API}/{draft.json()['id']}/apply", json={})
            listed = (await admin.get(API)).json()["drafts"]
    finally:
        await filed.policies.close()

    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "policy_is_a_file")
    assert "+- {name: team" in answer.json()["error"]["patch"]
    assert [each["id"] for each in listed] == [draft.json()["id"]]
