"""The overlay by the command: where the policy file says that it is kept, and seen by the other verbs."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from governance.engine.host import Host
from governance.store import open_store
from governance.usecases.change_policy import Author, seed

Command = Callable[..., Any]
POLICY = """\
version: 1
policy: {source: database}
task_routing: {}
rate_limits: [{name: research team, subject: {team: research}, requests: 60/minute}]
"""


@pytest.fixture(autouse=True)
def policy(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GOVERNANCE_STATE_DIR", str(folder / "state"))
    file = folder / "governance.yaml"
    file.write_text(POLICY.replace("policy: {source: database}\n", ""))
    return file


def done(governance: Command, *words: str, code: int = 0) -> Any:
    found = governance(*words)
    assert found.exit_code == code, found.output
    return found


def entries(governance: Command) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(done(governance, "overlay", "list", "--json").stdout)["entries"]
    return found


def test_entries_are_set_listed_shown_by_status_and_withdrawn(governance: Command, folder: Path) -> None:
    assert done(governance, "overlay", "list").stdout == "nothing is in force beside the policy\n"
    assert not (folder / "state").exists(), "who only looks makes no store"
    end = ("--until", "2h", "--reason", "launch")
    said = done(governance, "overlay", "increase", "research team", "--to", "120/minute", *end).stdout
    done(governance, "overlay", "stop", "research team", *end)
    done(governance, "overlay", "drain", "openai/*", *end)
    done(governance, "overlay", "freeze", *end)

    found = entries(governance)
    assert [entry["kind"] for entry in found] == ["increase", "stop", "drain", "freeze"]
    assert said == f"{found[0]['id']}: research team: 120 requests/minute, until {found[0]['until']}\n"
    assert "openai/*: gets no new request" in done(governance, "overlay", "list").stdout
    assert f"overlay    {found[2]['id']}  openai/*: gets no new request" in done(governance, "status").stdout
    for entry in found:
        assert f"{entry['id']}: withdrawn; " in done(governance, "overlay", "withdraw", entry["id"]).stdout
    assert entries(governance) == []


def test_mistakes_are_told_and_nothing_is_set(governance: Command) -> None:
    end = ("--until", "2h", "--reason", "launch")
    near = done(governance, "overlay", "increase", "research", "--factor", "2", *end, code=1)
    no_number = done(governance, "overlay", "increase", "research team", "--factor", "x", *end, code=1)
    done(governance, "overlay", "increase", "research team", *end, code=2)
    unknown = done(governance, "overlay", "withdraw", "abc", code=1)

    assert "did you mean `research team`?" in near.stderr
    assert no_number.stderr.startswith("factor: ")
    assert "there is no entry `abc` in force" in unknown.stderr
    assert entries(governance) == []


def test_another_profile_is_active_beside_the_file_until_it_is_withdrawn(governance: Command, policy: Path) -> None:
    before = policy.read_text()
    set_one = json.loads(done(governance, "profile", "set", "Premium", "--json").stdout)["entry"]

    assert (set_one["profile"], set_one["until"], policy.read_text()) == ("premium", "never", before)
    shown = json.loads(done(governance, "profile", "--json").stdout)
    assert (shown["active_profile"], shown["overlay"]) == ("premium", set_one["id"])
    done(governance, "overlay", "withdraw", set_one["id"])
    shown = json.loads(done(governance, "profile", "--json").stdout)
    assert (shown["active_profile"], shown["overlay"]) == ("balanced", None)


def test_a_frozen_policy_is_a_guard_that_says_no(governance: Command, policy: Path) -> None:
    policy.write_text(POLICY)
    store = open_store(f"sqlite:///{policy.parent}/state/governance.db", {})
    seed(store, Host.load(policy).policy, Author("governance.yaml", "file"), datetime.now(timezone.utc))
    store.close()
    done(governance, "overlay", "freeze", "--until", "1d", "--reason", "black friday")
    policy.with_name("new.yaml").write_text(POLICY.replace("60", "70"))

    refused = done(governance, "policy", "apply", "new.yaml", code=5)

    assert "the policy is frozen by " in refused.stderr
    assert "black friday" in refused.stderr
    done(governance, "overlay", "withdraw", entries(governance)[0]["id"])
    assert "revision 2 is in force" in done(governance, "policy", "apply", "new.yaml").stdout
    assert json.loads(done(governance, "policy", "audit", "verify", "--json").stdout)["valid"] is True
