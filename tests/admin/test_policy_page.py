"""The policy by HTTP: read by viewers, changed by admins, and by nobody from a policy that is no longer in force."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from governance.engine.engine import Engine
from governance.engine.host import Host
from governance.ledger.memory import MemoryLedger
from governance.proxy.policies import open_policies
from governance.usecases.audit import verify_audit
from tests.admin.kept import FIRST, SECOND, caller

API = "/governance/api/policy"


def write(file: Path, text: str) -> None:
    file.write_text(text)


def has_state() -> bool:
    return os.path.exists(os.environ["GOVERNANCE_STATE_DIR"])


async def test_the_policy_in_force_is_told_with_where_it_comes_from_and_where_each_entry_stands(stored: Any) -> None:
    async with caller(stored, "viewer") as viewer:
        answer = await viewer.get(API)

    page = answer.json()
    assert answer.headers["etag"] == f'"{page["revision"]}"'
    assert (page["source"], page["editable"], page["in_sync"]) == ("database", True, True)
    assert (page["yaml"], page["file"]) == (FIRST, str(stored.policies.file))
    assert page["sections"]["budgets"] == {"line": 3, "entries": {"all of us": 4, "team": 5}}
    assert (page["active"]["id"], page["active"]["author_kind"]) == (1, "file")
    assert [worker["active_id"] for worker in page["workers"]] == [1]


async def test_a_change_from_the_policy_in_force_is_applied_and_told(stored: Any) -> None:
    async with caller(stored) as admin:
        before = (await admin.get(API)).headers["etag"]
        body = {"policy": SECOND, "comment": "more for teams"}
        answer = await admin.post(f"{API}/apply", json=body, headers={"if-match": before})
        after = (await admin.get(API)).headers["etag"]
        one = (await admin.get(f"{API}/revisions/2")).json()
        audit = (await admin.get(f"{API}/audit", params={"verify": "true"})).json()

    assert (answer.status_code, answer.json()["changed"]) == (200, True)
    assert answer.headers["etag"] == after != before
    assert (one["yaml"], one["author"], one["comment"]) == (SECOND, "admin", "more for teams")
    newest = audit["events"][0]
    assert (newest["actor"], newest["request_id"], newest["action"]) == ("admin", "req-7", "apply")
    assert [(entry["path"], entry["before"], entry["after"]) for entry in newest["entries"]] == [
        ("budgets.team.amount", "10 USD/day", "20 USD/day")
    ]
    assert (audit["verified"]["faults"], audit["verified"]["events"]) == ([], 2)


async def test_a_change_from_another_policy_is_not(stored: Any) -> None:
    async with caller(stored) as admin:
        base = (await admin.get(API)).headers["etag"]
        await admin.post(f"{API}/apply", json={"policy": SECOND}, headers={"if-match": base})
        stale = await admin.post(f"{API}/apply", json={"policy": FIRST + "# mine\n"}, headers={"if-match": base})
        nothing = await admin.post(f"{API}/apply", json={"policy": FIRST})
        weak = await admin.post(
            f"{API}/apply", json={"policy": FIRST}, headers={"if-match": f"W/{stale.headers['etag']}"}
        )

    error = stale.json()["error"]
    assert (stale.status_code, error["code"], error["active"]["id"]) == (412, "stale_base", 2)
    assert (error["merged"], error["conflicts"]) == (SECOND, []), "a comment is no change; theirs has the rest"
    assert "revision 2 by admin" in error["message"]
    assert (nothing.status_code, nothing.json()["error"]["code"]) == (428, "base_required")
    assert (weak.status_code, weak.json()["revision"]["id"]) == (200, 3)


async def test_what_cannot_be_used_is_told_with_line_and_path(stored: Any) -> None:
    async with caller(stored) as admin:
        answer = await admin.post(f"{API}/apply", json={"policy": FIRST + "- {name: x}\n"}, headers={"if-match": "*"})

    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (422, "invalid_policy")
    assert [(each["line"], each["path"]) for each in error["problems"]] == [
        (6, "budgets[2].amount"),
        (6, "budgets[2].subject"),
    ]
    assert error["problems"][0]["source"] == "policy"


@pytest.mark.parametrize(
    ("key", "text", "line"),
    [
        ("policy", FIRST.replace("source: database", "source: file"), 2),
        ("store", FIRST + "store: {url: 'sqlite:////other.db'}\n", 6),
        ("ledger.url", FIRST + "ledger:\n  url: redis://other\n", 7),
        ("on_contract_breach", FIRST + "on_contract_breach: degrade\n", 6),
        ("access.environment", FIRST + "access:\n  require_key: false\n  environment: [PATH]\n", 8),
    ],
)
async def test_what_the_file_of_each_proxy_says_no_revision_changes(
    stored: Any, key: str, text: str, line: int
) -> None:
    async with caller(stored) as admin:
        answer = await admin.post(f"{API}/apply", json={"policy": text}, headers={"if-match": "*"})
        listed = (await admin.get(f"{API}/revisions")).json()["revisions"]

    (problem,) = answer.json()["error"]["problems"]
    assert (answer.status_code, problem["line"], problem["path"]) == (422, line, key)
    message = f"`{key}` is taken from the policy file of each proxy, and must be here as it is there"
    assert problem["message"].startswith(message)
    assert [row["id"] for row in listed] == [1]


async def test_going_back_makes_a_new_revision(stored: Any) -> None:
    async with caller(stored) as admin:
        await admin.post(f"{API}/apply", json={"policy": SECOND}, headers={"if-match": "*"})
        back = await admin.post(f"{API}/rollback/1", json={})
        missing = await admin.post(f"{API}/rollback/99", json={})
        stale = await admin.post(f"{API}/rollback/2", json={}, headers={"if-match": '"sha256:0"'})
        listed = (await admin.get(f"{API}/revisions", params={"limit": 2})).json()
        rest = (await admin.get(f"{API}/revisions", params={"limit": 2, "cursor": listed["cursor"]})).json()

    assert (back.status_code, back.json()["revision"]["id"], back.json()["revision"]["source"]) == (200, 3, "rollback")
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "no_such_revision")
    assert stale.status_code == 412
    assert [(row["id"], row["active"]) for row in listed["revisions"]] == [(3, True), (2, False)]
    assert ([row["id"] for row in rest["revisions"]], rest["cursor"]) == ([1], None)


async def test_a_viewer_reads_and_changes_nothing_and_others_do_neither(stored: Any) -> None:
    reads = [API, f"{API}/revisions", f"{API}/revisions/1", f"{API}/audit"]
    async with caller(stored, "viewer") as viewer, caller(stored, "somebody") as somebody:
        assert {(await viewer.get(path)).status_code for path in reads} == {200}
        assert {(await somebody.get(path)).status_code for path in reads} == {403}
        for each in (viewer, somebody):
            applied = await each.post(f"{API}/apply", json={"policy": SECOND}, headers={"if-match": "*"})
            back = await each.post(f"{API}/rollback/1", json={})

            assert (applied.status_code, back.status_code) == (403, 403)
    assert (await stored.policies.ask(verify_audit)).events == 1


async def test_where_the_file_is_the_truth_a_change_is_told_the_line_to_edit(filed: Any) -> None:
    file = filed.policies.file
    wanted = filed.engine.host.policy.text.replace("10 USD", "20 USD")
    async with caller(filed) as admin:
        page = (await admin.get(API)).json()
        applied = await admin.post(f"{API}/apply", json={"policy": wanted}, headers={"if-match": "*"})
        back = await admin.post(f"{API}/rollback/1", json={})
        lists = [(await admin.get(f"{API}/{name}")).json() for name in ("revisions", "audit")]
        one = await admin.get(f"{API}/revisions/1")

    assert (page["source"], page["editable"], page["in_sync"], page["active"]) == ("file", False, None, None)
    assert (page["file"], page["sections"]["budgets"]["entries"]["team"]) == (str(file), 5)
    assert page["revision"] == Host.load(file).policy.revision
    error = applied.json()["error"]
    assert (applied.status_code, error["code"], error["line"]) == (409, "policy_is_a_file", 5)
    assert f"edit {file}:5 (budgets[1].amount)" in error["message"]
    assert (back.status_code, back.json()["error"]["file"]) == (409, str(file))
    assert lists == [{"revisions": [], "cursor": None}, {"events": [], "cursor": None}]
    assert one.status_code == 404
    assert not has_state()


async def test_a_file_that_holds_a_secret_is_not_shown(open_worker, file: Path) -> None:
    write(file, "version: 1\ntelemetry: {alerts: {webhook: 'https://chat.example/hooks/hunter2'}}\n")
    policies = open_policies(file)
    worker = open_worker()
    worker.engine = Engine(policies.begin(), MemoryLedger())
    worker.policies = policies
    async with caller(worker, "viewer") as viewer:
        answer = await viewer.get(API)

    assert "hunter2" not in answer.text
    assert (answer.json()["yaml"], answer.json()["withheld"]) == (None, ["telemetry.alerts.webhook"])


async def test_the_file_that_says_something_else_is_out_of_sync(stored: Any) -> None:
    stored.policies.file.write_text(SECOND)
    async with caller(stored) as admin:
        assert (await admin.get(API)).json()["in_sync"] is False
        stored.policies.file.write_text("no policy")
        assert (await admin.get(API)).json()["in_sync"] is False


@pytest.mark.parametrize(
    ("body", "status"),
    [({}, 400), ({"policy": 1}, 400), ({"policy": "version: 1", "other": 1}, 400), ({"policy": "\ud800"}, 400)]
    + [({"policy": text}, 422) for text in ("", "- 1", "a: [", "\0", "version: 1")]
    + [({"policy": "version: 1", "comment": "x" * 2_001}, 400)],
)
async def test_whatever_is_sent_is_answered_in_the_one_shape(stored: Any, body: dict[str, Any], status: int) -> None:
    async with caller(stored) as admin:
        # With escapes, which say more than UTF-8 can.
        answer = await admin.post(
            f"{API}/apply", content=json.dumps(body), headers={"if-match": "*", "content-type": "application/json"}
        )

    assert answer.status_code == status, answer.text
    assert {"message", "type", "code"} <= answer.json()["error"].keys()


@pytest.mark.parametrize(
    "query", ["revisions?limit=0", "revisions?cursor=x", "revisions?cursor=-1", "revisions/x", "audit?limit=999"]
)
async def test_a_parameter_that_can_be_none_is_told(stored: Any, query: str) -> None:
    async with caller(stored) as admin:
        answer = await admin.get(f"{API}/{query}")

    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_request")


@pytest.mark.parametrize("id", [0, -1, 10**30])
async def test_a_number_of_no_revision_is_none(stored: Any, id: int) -> None:
    async with caller(stored) as admin:
        assert (await admin.get(f"{API}/revisions/{id}")).status_code == 404
