"""What is in force beside the policy of a real proxy: seen by all its workers, kept, and withdrawn by the command."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from governance.cli import app
from tests.e2e.conftest import MASTER_KEY
from tests.patience import ANSWER_S, tries

HEADERS = {"authorization": f"Bearer {MASTER_KEY}"}
OVERLAY = "/governance/api/overlay"
TWO_WORKERS = ("--num_workers", "2")
TASKS = """
version: 1
task_routing:
  active_profile: lab
  profiles: {lab: {fallback: groq/last}, spare: {fallback: openai/last}}
"""
LIMITED = """
version: 1
ledger: {url: REDIS}
rate_limits: [{name: all of us, subject: everyone, requests: 2/day}]
"""


@pytest.fixture(scope="module", autouse=True)
def state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("state")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("GOVERNANCE_STATE_DIR", str(folder))
        yield folder


def known_to_both(proxy: Any, entries: int) -> None:
    """Wait until each of two workers knows so many entries."""
    known: dict[int, int] = {}
    for _ in tries():
        # Another connection each time, so that either worker may answer.
        told = httpx.get(f"{proxy.url}/governance/health", headers=HEADERS, timeout=ANSWER_S).json()
        known[told["worker"]] = told["overlay"]["entries"]
        if list(known.values()) == [entries, entries]:
            return
    raise AssertionError(known)


def ask(proxy: Any, model: str) -> httpx.Response:
    body = {"model": model, "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 1}
    return httpx.post(f"{proxy.url}/v1/chat/completions", json=body, headers=HEADERS, timeout=ANSWER_S)


def command(proxy: Any, *words: str) -> dict[str, Any]:
    environment = {"GOVERNANCE_URL": proxy.url, "LITELLM_MASTER_KEY": MASTER_KEY}
    done = CliRunner().invoke(app, [*words, "--json"], env=environment)
    assert done.exit_code == 0, done.output
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def test_under_a_ledger_in_memory_workers_share_entries_and_a_restart_keeps_them(start: Any) -> None:
    with start(TASKS, None, *TWO_WORKERS) as proxy:
        assert ask(proxy, "auto").headers["x-governance-target"] == "groq/last"
        assert proxy.client.get(OVERLAY).json()["kept_in"] == "store"
        command(proxy, "profile", "set", "spare")
        known_to_both(proxy, 1)

        assert {ask(proxy, "auto").headers["x-governance-target"] for _ in range(6)} == {"openai/last"}

    with start(TASKS, None, *TWO_WORKERS) as proxy:
        known_to_both(proxy, 1)
        answer = ask(proxy, "auto")
        assert answer.headers["x-governance-target"] == "openai/last"
        entry = proxy.client.get(OVERLAY).json()["entries"][0]
        assert proxy.decision(answer.headers["x-governance-decision-id"])["overlay"] == [entry["id"]]

        drain = {"kind": "drain", "target": "openai/*", "until": "1h", "reason": "outage"}
        assert proxy.client.post(OVERLAY, json=drain).status_code == 201
        known_to_both(proxy, 2)
        for model in ("auto", "openai/gpt-4o"):
            refused = ask(proxy, model)
            assert (refused.status_code, "outage" in refused.text) == (503, False), refused.text
            assert int(refused.headers["retry-after"]) > 3_000
            record = proxy.decision(refused.headers["x-governance-decision-id"])
            assert (record["refusal"]["code"], record["candidates"][0]["reason"]) == ("drained", "drained")
        assert ask(proxy, "groq/other").status_code == 200


def test_with_redis_the_fleet_counts_up_to_the_increased_amount_and_then_to_the_old(start: Any, redis_url: str) -> None:
    with start(LIMITED.replace("REDIS", redis_url), None, *TWO_WORKERS) as proxy:
        raised = command(
            proxy, "overlay", "increase", "all of us", "--to", "5/day", "--until", "1h", "--reason", "launch"
        )
        known_to_both(proxy, 1)
        assert (raised["audited"], proxy.client.get(OVERLAY).json()["kept_in"]) == (True, "ledger")

        answers = [ask(proxy, "openai/gpt-4o") for _ in range(8)]
        assert [answer.status_code for answer in answers] == [200] * 5 + [429] * 3
        record = proxy.decision(answers[-1].headers["x-governance-decision-id"])
        window = record["windows"][0]
        assert (window["limit_amount"], window["stated_amount"], window["overlay"]) == (5, 2, [raised["entry"]["id"]])

        command(proxy, "overlay", "withdraw", raised["entry"]["id"])
        known_to_both(proxy, 0)
        assert ask(proxy, "openai/gpt-4o").status_code == 429
        assert "is used up (2 requests/day)" in ask(proxy, "openai/gpt-4o").text

        command(proxy, "overlay", "stop", "all of us", "--until", "1h", "--reason", "counted wrongly")
        known_to_both(proxy, 1)
        assert {ask(proxy, "openai/gpt-4o").status_code for _ in range(4)} == {200}
        audit = proxy.client.get("/governance/api/policy/audit", params={"verify": "true"}).json()
        assert [event["reason"] for event in audit["events"][:3]] == ["counted wrongly", "launch", "launch"]
        assert audit["verified"]["faults"] == []
