"""A policy in a store: changed by HTTP at one proxy, in force at all of them, read by viewers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import yaml

from tests.e2e.conftest import key
from tests.patience import tries
from tests.postgres import Postgres

API = "/governance/api/policy"
# Of viewers that are not in its database, LiteLLM asks for routes that they may call.
_VIEWER_KEY = key(user_id="vera", user_role="proxy_admin_viewer", allowed_routes=["/governance/*"])
_SEEN = ("usage", "decisions", "overview", "models")
VIEWER = {"authorization": f"Bearer {_VIEWER_KEY}"}


def policy(provider: str, redis_url: str) -> str:
    return yaml.safe_dump(
        {
            "version": 1,
            "policy": {"source": "database"},
            "store": {"url": "${LIVING_STORE}"},
            "ledger": {"url": redis_url},
            "routing_profiles": [
                {"name": "Fast", "virtual_provider": "fast", "targets": [{"provider": provider, "model": "m"}]}
            ],
        }
    )


@pytest.fixture(scope="module")
def proxies(start, postgres: Postgres, redis_url: str) -> Iterator[Any]:
    """Two proxies on one PostgreSQL and one Redis."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("LIVING_STORE", postgres.new_database())
        text = policy("cerebras", redis_url)
        with start(text) as one, start(text) as other:
            yield one, other


@pytest.fixture
def running(proxies: Any) -> Any:
    return proxies[0]


def until(holds: Callable[[], Any]) -> Any:
    for _ in tries():
        if found := holds():
            return found
    raise AssertionError("has not happened")


def followed_by_both(running: Any, id: int) -> bool:
    workers = running.client.get(API).json()["workers"]
    return [worker["active_id"] for worker in workers] == [id, id]


def test_a_change_at_one_proxy_is_in_force_at_all_and_overwrites_nobodys(proxies: Any, redis_url: str) -> None:
    running, other = proxies
    until(lambda: followed_by_both(running, 1))
    before = running.client.get(API)
    assert running.chat("fast/m").headers["x-governance-target"] == "cerebras/m"
    change = {"policy": policy("groq", redis_url), "comment": "groq is faster"}

    applied = running.client.post(f"{API}/apply", json=change, headers={"if-match": before.headers["etag"]})
    stale = running.client.post(f"{API}/apply", json=change, headers={"if-match": before.headers["etag"]})

    assert (applied.status_code, applied.json()["revision"]["author"]) == (200, "admin"), applied.text
    assert (stale.status_code, stale.json()["error"]["code"]) == (412, "stale_base")
    until(lambda: followed_by_both(running, 2))
    answer = other.chat("fast/m")
    assert answer.headers["x-governance-target"] == "groq/m"
    record = other.decision(answer.headers["x-governance-decision-id"])
    assert record["policy_revision"] == applied.json()["revision"]["hash"]
    health = running.client.get("/governance/health").json()
    assert (health["status"], health["policy"]["followed"]["revision_id"]) == ("ok", 2)

    back = other.client.post(f"{API}/rollback/1", json={})

    assert back.json()["revision"]["id"] == 3
    until(lambda: followed_by_both(running, 3))
    assert running.chat("fast/m").headers["x-governance-target"] == "cerebras/m"
    audit = running.client.get(f"{API}/audit", params={"verify": "true"}).json()
    assert [event["action"] for event in audit["events"]] == ["rollback", "apply", "seed"]
    assert audit["verified"]["faults"] == []


def test_a_viewer_reads_and_changes_nothing(running: Any, redis_url: str) -> None:
    for path in ("", "/revisions", "/revisions/1", "/audit"):
        assert running.client.get(API + path, headers=VIEWER).status_code == 200, path
    change = {"policy": policy("groq", redis_url)}

    applied = running.client.post(f"{API}/apply", json=change, headers={**VIEWER, "if-match": "*"})
    nobody = running.client.get(API, headers={"authorization": "Bearer sk-nobody"})
    seen = [running.client.get(f"/governance/api/{page}", headers=VIEWER) for page in _SEEN]
    metrics = running.client.get("/governance/metrics", headers=VIEWER)

    assert (applied.status_code, applied.json()["error"]["code"]) == (403, "admin_required")
    assert nobody.status_code == 401
    assert [page.status_code for page in seen] == [200] * len(_SEEN), "as on the pages for people"
    assert metrics.status_code == 403


def test_one_entry_is_changed_at_one_proxy_and_asked_for_again_at_the_other(proxies: Any) -> None:
    running, other = proxies
    elsewhere, path = "/api/governance/routing-profiles", "/governance/api/profiles/Fast"
    seen = running.client.get(path).json()
    entry = {**seen["entry"], "targets": [{"provider": "groq", "model": "m"}]}
    headers = {"if-match": seen["etag"], "idempotency-key": "once"}

    first = running.client.put(path, json={"entry": entry}, headers=headers)
    again = other.client.put(path, json={"entry": entry}, headers=headers)
    viewed = running.client.get(path, headers=VIEWER)
    denied = running.client.put(path, json={"entry": entry}, headers={**VIEWER, "if-match": "*"})
    nobody = running.client.get(elsewhere, headers={"authorization": "Bearer sk-nobody"})

    assert (first.status_code, first.json()["changes"][0]["path"]) == (
        200,
        "routing_profiles[Fast].targets[0].provider",
    )
    assert (again.json(), again.headers["idempotency-replayed"]) == (first.json(), "true")
    assert (viewed.status_code, viewed.json()["entry"], denied.status_code, nobody.status_code) == (
        200,
        entry,
        403,
        401,
    )
    assert other.client.get(elsewhere).json()["profiles"][0]["targets"] == entry["targets"]
    until(lambda: other.chat("fast/m").headers["x-governance-target"] == "groq/m")
    tried = other.client.post(f"{elsewhere}/simulate", json={"model": "fast/m"}).json()
    assert tried["primary"] == "groq/m"
    deleted = running.client.delete(f"{elsewhere}/Fast")
    assert (deleted.status_code, running.client.get(elsewhere).json()) == (200, {"profiles": [], "count": 0})
    draft = other.client.post("/governance/api/drafts", json={})
    large = running.client.post("/governance/api/limits", content=b" " * (2**20 + 1))
    assert (draft.status_code, large.status_code) == (201, 413)
