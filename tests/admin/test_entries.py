"""The entries of the policy by HTTP: each by its name, changed one at a time, and nothing else of the text."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest

from governance.engine.engine import Engine
from governance.policy.sections import SECTIONS
from governance.proxy.policies import open_policies
from tests.admin.kept import caller

API = "/governance/api"
POLICY = """version: 1
policy: {source: database}
# Who counts.
rate_limits:
# For science.
- name: research team
  subject: {team: research}  # them
  requests: 60/minute
- {name: all, subject: everyone, tokens: 1M/day}
routing_rules:
- {name: a/b, cel_expression: 'model == "a"', model: openai/a}
- {name: second, cel_expression: 'model == "b"', model: openai/b}
keys:
- {name: ci, sha256: 6833d03a017c5cb3eac289f1849dc2acdda74142b11a3dbf7821c2cc10ba5bfa}
task_routing: {overrides: {coding: openai/gpt-4o}}
catalog: {overrides: {openai/gpt-4o: {input_usd_per_1m_tokens: 1}}}
"""
LIMIT = {"name": "new", "subject": "everyone", "requests": "5/second"}


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GOVERNANCE_STATE_DIR", str(tmp_path / "state"))
    file = tmp_path / "governance.yaml"
    file.write_text(POLICY)
    return file


async def text_of(client: httpx.AsyncClient) -> str:
    return str((await client.get(f"{API}/policy")).json()["yaml"])


def filed_as(open_worker: Any, file: Path, text: str) -> Any:
    """A worker whose policy is this file."""
    file.write_text(text)
    worker = open_worker()
    worker.policies = open_policies(file)
    worker.engine = Engine(worker.policies.begin(), worker.engine.ledger)
    return worker


def patched(file: Path, patch: str) -> str:
    """The file once somebody has committed a patch."""
    subprocess.run(["patch", "-p1"], cwd=file.parent, input=patch, text=True, check=True, capture_output=True)
    return file.read_text()


ANY = {"if-match": "*"}
# Of what is escaped here, because UTF-8 or JSON cannot say it.
JSON = {"content-type": "application/json"}


async def test_every_entry_of_every_section_is_read_by_its_name_with_its_place_and_the_etag(stored: Any) -> None:
    async with caller(stored, "viewer") as viewer:
        policy = (await viewer.get(f"{API}/policy")).json()
        pages = {word: (await viewer.get(f"{API}/{word}")).json() for word in SECTIONS}
        for word, page in pages.items():
            for each in page["entries"]:
                one = await viewer.get(f"{API}/{word}/{httpx.URL('').copy_with(path=each['name']).path.lstrip('/')}")

                assert {key: one.json()[key] for key in each} == each
                assert one.headers["etag"] == one.json()["etag"] == page["etag"] == f'"{policy["revision"]}"'
        missing = await viewer.get(f"{API}/limits/nobody")

    assert {word: [(each["name"], each["line"]) for each in page["entries"]] for word, page in pages.items()} == {
        "rules": [("a/b", 11), ("second", 12)],
        "profiles": [],
        "limits": [("research team", 6), ("all", 9)],
        "budgets": [],
        "keys": [("ci", 14)],
        "teams": [],
        "tasks": [("coding", 15)],
        "task-profiles": [],
        "catalog-overrides": [("openai/gpt-4o", 16)],
    }
    assert (pages["limits"]["source"], pages["limits"]["editable"]) == ("database", True)
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "no_such_entry")


async def test_a_list_comes_in_pages(stored: Any) -> None:
    async with caller(stored, "viewer") as viewer:
        first = (await viewer.get(f"{API}/limits", params={"limit": 1})).json()
        second = (await viewer.get(f"{API}/limits", params={"limit": 1, "cursor": first["cursor"]})).json()

    assert [page["entries"][0]["name"] for page in (first, second)] == ["research team", "all"]
    assert second["cursor"] is None


async def test_an_entry_is_changed_and_every_other_character_stays(stored: Any) -> None:
    async with caller(stored) as admin:
        seen = (await admin.get(f"{API}/limits/Research%20Team")).json()
        given = {"entry": {**seen["entry"], "requests": "40/minute"}, "comment": "less"}
        answer = await admin.put(f"{API}/limits/Research%20Team", json=given, headers={"if-match": seen["etag"]})
        text = await text_of(admin)
        audit = (await admin.get(f"{API}/policy/audit")).json()["events"][0]

    assert (answer.status_code, answer.json()["changed"]) == (200, True), answer.text
    assert answer.headers["etag"] == f'"{answer.json()["revision"]["hash"]}"' != seen["etag"]
    assert [(each["path"], each["effects"]) for each in answer.json()["changes"]] == [
        ("rate_limits[research team].requests", ["tightens"])
    ]
    assert text == POLICY.replace("60/minute", "40/minute")
    assert (audit["actor"], audit["reason"], [each["path"] for each in audit["entries"]]) == (
        "admin",
        "less",
        ["rate_limits.research team.requests"],
    )


async def test_entries_come_go_get_other_names_and_another_order(stored: Any) -> None:
    async with caller(stored) as admin:
        made = await admin.post(f"{API}/limits", json={"entry": LIMIT}, headers=ANY)
        task = await admin.post(f"{API}/tasks", json={"name": "vision", "entry": ["a/b", "c/d"]}, headers=ANY)
        model = await admin.put(
            f"{API}/catalog-overrides/openai/GPT-4o", json={"entry": {"output_usd_per_1m_tokens": 9}}, headers=ANY
        )
        called = await admin.put(f"{API}/limits/all", json={"entry": {**LIMIT, "name": "everyone"}}, headers=ANY)
        gone = await admin.delete(f"{API}/limits/new", params={"comment": "enough"}, headers=ANY)
        order = await admin.patch(f"{API}/rules", json={"order": ["second", "A/B"]}, headers=ANY)
        rules = [each["name"] for each in (await admin.get(f"{API}/rules")).json()["entries"]]
        limits = [each["name"] for each in (await admin.get(f"{API}/limits")).json()["entries"]]
        text = await text_of(admin)

    assert [each.status_code for each in (made, task, model, called, gone, order)] == [201, 201, 200, 200, 200, 200]
    assert (made.json()["name"], called.json()["name"], gone.json()["name"]) == ("new", "everyone", None)
    assert [each["kind"] for each in order.json()["changes"]] == ["moved"]
    assert (rules, limits) == (["second", "a/b"], ["research team", "everyone"])
    assert "{coding: openai/gpt-4o, vision: [a/b, c/d]}" in text
    assert "overrides: {openai/gpt-4o: {output_usd_per_1m_tokens: 9}}" in text
    assert "# For science." in text


async def test_a_change_from_another_policy_is_not_made_and_is_told_how_both_go_together(stored: Any) -> None:
    async with caller(stored) as admin:
        seen = (await admin.get(f"{API}/limits/all")).json()
        await admin.put(f"{API}/limits/all", json={"entry": {**seen["entry"], "tokens": "2M/day"}}, headers=ANY)
        base = {"if-match": seen["etag"]}
        apart = await admin.post(f"{API}/limits", json={"entry": LIMIT}, headers=base)
        same = await admin.put(f"{API}/limits/all", json={"entry": {**seen["entry"], "tokens": "3M/day"}}, headers=base)
        merged = apart.json()["error"]["merged"]
        applied = await admin.post(
            f"{API}/policy/apply", json={"policy": merged}, headers={"if-match": apart.headers["etag"]}
        )
        nothing = await admin.delete(f"{API}/limits/all")

    assert (apart.status_code, same.status_code, applied.status_code) == (412, 412, 200)
    assert (apart.json()["error"]["code"], apart.json()["error"]["conflicts"]) == ("stale_base", [])
    assert all(word in merged for word in ("2M/day", "5/second", "# them"))
    assert same.json()["error"]["merged"] is None
    assert [each["path"] for each in same.json()["error"]["conflicts"]] == [["rate_limits", "all", "tokens"]]
    assert (nothing.status_code, nothing.json()["error"]["code"]) == (428, "base_required")


@pytest.mark.parametrize(
    ("name", "status", "code"),
    [
        ("ALL ", 400, "invalid_request"),
        ("All", 409, "name_taken"),
        ("\uff21ll", 409, "name_taken"),  # a wide A
        ("a\u200bll", 400, "invalid_request"),
        ("..", 400, "invalid_request"),
        ("a//b", 400, "invalid_request"),
        ("", 400, "invalid_request"),
        ("\ud800", 400, "invalid_request"),
        ("x" * 201, 400, "invalid_request"),
    ],
)
async def test_a_name_that_people_would_take_for_another_is_taken(
    stored: Any, name: str, status: int, code: str
) -> None:
    async with caller(stored) as admin:
        body = json.dumps({"entry": {**LIMIT, "name": name}})
        for method, path in (("POST", "limits"), ("PUT", "limits/research%20team")):
            answer = await admin.request(method, f"{API}/{path}", content=body, headers={**ANY, **JSON})

            assert (answer.status_code, answer.json()["error"]["code"]) == (status, code), answer.text
        assert await text_of(admin) == POLICY


@pytest.mark.parametrize(
    ("entry", "status", "told"),
    [
        ({**LIMIT, "requests": "many"}, 422, "rate_limits[2].requests"),
        ({**LIMIT, "unknown": 1}, 422, "rate_limits[2].unknown"),
        ([], 400, "a mapping"),
        (None, 400, "a mapping"),
        ({**LIMIT, "description": "********"}, 400, "stands for a secret"),
        ({**LIMIT, "description": "\ud800"}, 400, "no policy can hold"),
        ({**LIMIT, "concurrent": float("nan")}, 400, "no policy can hold"),
        ({**LIMIT, "x": json.loads("[" * 60 + "]" * 60)}, 400, "nested deeper"),
        ({**LIMIT, "description": "postgresql://u:hunter2@host/db"}, 422, "holds a password"),
    ],
)
async def test_an_entry_that_cannot_be_used_is_told_where_and_changes_nothing(
    stored: Any, entry: Any, status: int, told: str
) -> None:
    async with caller(stored) as admin:
        body = json.dumps({"name": "new", "entry": entry})
        answer = await admin.post(f"{API}/limits", content=body, headers={**ANY, **JSON})

        assert answer.status_code == status
        assert told in answer.json()["error"]["message"]
        assert "hunter2" not in answer.text
        assert await text_of(admin) == POLICY


async def test_a_key_is_taken_by_its_digest_alone(stored: Any) -> None:
    secret = "sk-gov-a-key-that-nobody-shall-see"
    async with caller(stored) as admin:
        for entry in ({"sha256": secret}, {"sha256": "0" * 64, "key": secret}, {"sha256": [{"sha256": secret}]}):
            answer = await admin.post(f"{API}/keys", json={"name": "new", "entry": entry}, headers=ANY)

            assert answer.status_code == 422
            assert secret not in answer.text
        assert await text_of(admin) == POLICY


async def test_a_viewer_changes_nothing(stored: Any) -> None:
    async with caller(stored, "viewer") as viewer:
        answers = [
            await viewer.post(f"{API}/limits", json={"entry": LIMIT}, headers=ANY),
            await viewer.put(f"{API}/limits/all", json={"entry": LIMIT}, headers=ANY),
            await viewer.delete(f"{API}/limits/all", headers=ANY),
            await viewer.patch(f"{API}/limits", json={"order": ["all", "research team"]}, headers=ANY),
        ]

    assert {answer.status_code for answer in answers} == {403}


async def test_where_the_file_is_the_truth_a_change_is_told_as_a_patch_to_commit(open_worker: Any, file: Path) -> None:
    text = POLICY.replace("policy: {source: database}\n", "")
    worker = filed_as(open_worker, file, text)
    async with caller(worker) as admin:
        answer = await admin.put(
            f"{API}/limits/all", json={"entry": {"name": "all", "subject": "everyone", "tokens": "2M/day"}}
        )
        wrong = await admin.post(f"{API}/limits", json={"entry": {**LIMIT, "requests": "many"}})
        missing = await admin.delete(f"{API}/limits/nobody")
        page = (await admin.get(f"{API}/limits")).json()
        whole = await admin.post(f"{API}/policy/apply", json={"policy": text.replace("1M/day", "3M/day")})

    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["file"], error["line"]) == (409, "policy_is_a_file", str(file), 8)
    assert (page["source"], page["editable"], page["file"]) == ("file", False, str(file))
    assert (wrong.status_code, wrong.json()["error"]["problems"][0]["line"], missing.status_code) == (422, 9, 404)
    assert "+- {name: all, subject: everyone, tokens: 3M/day}" in whole.json()["error"]["patch"]
    assert patched(file, error["patch"]) == text.replace("1M/day", "2M/day")


async def test_no_patch_repeats_a_secret_that_stands_in_the_file(open_worker: Any, file: Path) -> None:
    text = "version: 1\ntelemetry: {alerts: {webhook: 'https://chat.example/hooks/hunter2'}}\n"
    worker = filed_as(open_worker, file, text)
    async with caller(worker) as admin:
        answer = await admin.post(f"{API}/limits", json={"entry": LIMIT})

    assert (answer.status_code, answer.json()["error"]["patch"]) == (409, None)
    assert "hunter2" not in answer.text
