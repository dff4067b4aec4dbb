"""What the doctor makes of what a policy, a proxy and a Redis say of themselves."""

from __future__ import annotations

from typing import Any

import pytest

from governance.ledger.server import Server
from governance.usecases.doctor import Facts, Finding, examine, worst

INFO = {
    "redis_version": "7.0.15",
    "role": "master",
    "maxmemory": "1000000",
    "used_memory": "1000",
    "maxmemory_policy": "noeviction",
    "aof_enabled": "1",
    "rdb_last_bgsave_status": "ok",
    "aof_last_write_status": "ok",
}
HEALTH: dict[str, Any] = {
    "status": "ok",
    "litellm": {
        "version": "1.110.2",
        "tested": True,
        "probes": [{"name": "a", "error": None}],
        "missing": [],
        "workers": 2,
    },
    "policy": {"source": "governance.yaml", "revision": "sha256:1", "error": None},
    "store": {"error": None},
    "overlay": {"error": None},
    "plugins": [{"name": "budgets", "errors": 0}],
    "ledger": {"reachable": True, "lost": 0, "allowed": 0, "refused": 0},
    "metrics": {"incomplete": False},
}


def server(ahead_s: float = 0.0, saves: str | None = "3600 1", **info: str) -> Server:
    return Server({**INFO, **info}, ahead_s, saves)


def found(**facts: Any) -> list[Finding]:
    well: dict[str, Any] = {
        "revision": "sha256:1",
        "source": "file",
        "warnings": [],
        "health": HEALTH,
        "server": server(),
    }
    return examine(Facts(**{**well, **facts}))


def test_where_all_is_well_nothing_is_to_be_mended() -> None:
    findings = found()

    assert worst(findings) == "fine"
    assert [finding.mend for finding in findings] == [""] * 3
    assert {finding.part for finding in findings} == {"policy", "litellm", "redis"}


@pytest.mark.parametrize(
    ("changed", "level", "part", "said"),
    [
        ({"maxmemory_policy": "allkeys-lru"}, "broken", "redis", "evicts is a count"),
        ({"maxmemory_policy": "allkeys-lru", "maxmemory": "0"}, "warning", "redis", "evicts is a count"),
        ({"used_memory": "900000"}, "warning", "redis", "90% of maxmemory"),
        ({"aof_enabled": "0", "saves": ""}, "warning", "redis", "a restart forgets every budget"),
        ({"rdb_last_bgsave_status": "err"}, "broken", "redis", "last write to disk failed"),
        ({"role": "slave"}, "broken", "redis", "takes no writes"),
        ({"redis_version": "5.0.14"}, "broken", "redis", "too old"),
        ({"ahead_s": 2.5}, "warning", "clocks", "2.5 s ahead of this machine's"),
        ({"ahead_s": -7.0}, "warning", "clocks", "7.0 s behind this machine's"),
    ],
)
def test_what_ails_a_redis(changed: dict[str, Any], level: str, part: str, said: str) -> None:
    (finding,) = [each for each in found(server=server(**changed)) if each.level != "fine"]

    assert (finding.level, finding.part) == (level, part)
    assert said in finding.said
    assert finding.mend


def test_a_redis_that_does_not_tell_when_it_saves_is_not_accused() -> None:
    assert worst(found(server=server(aof_enabled="0", saves=None))) == "fine"


@pytest.mark.parametrize(
    ("changed", "level", "part", "said"),
    [
        ({"status": "degraded"}, "broken", "proxy", "degraded"),
        ({"litellm": {"version": "1.111.0", "tested": False}}, "warning", "litellm", "was not tested"),
        (
            {"litellm": {"version": "2", "probes": [{"name": "hops", "error": "lost"}]}},
            "broken",
            "litellm",
            "hops: lost",
        ),
        ({"litellm": {"version": "2", "missing": ["no hook"]}}, "warning", "litellm", "no hook"),
        ({"policy": {"error": "line 3: bad"}}, "broken", "policy", "was not taken over: line 3: bad"),
        ({"policy": {"revision": "sha256:2", "source": "other.yaml"}}, "warning", "policy", "other.yaml"),
        ({"store": {"error": "no disk"}}, "broken", "store", "no disk"),
        ({"decision_log": {"error": "full"}}, "broken", "decision log", "full"),
        ({"plugins": [{"name": "mine", "errors": 3}]}, "broken", "plugins", "mine failed 3 times"),
        ({"ledger": {"reachable": False}}, "broken", "ledger", "cannot reach"),
        ({"ledger": {"allowed": 1200}}, "warning", "ledger", "1,200 requests were served uncounted"),
        ({"metrics": {"incomplete": True}}, "warning", "metrics", "each worker tells its own"),
    ],
)
def test_what_ails_a_proxy(changed: dict[str, Any], level: str, part: str, said: str) -> None:
    (finding,) = [each for each in found(health={**HEALTH, **changed}) if each.level != "fine"]

    assert (finding.level, finding.part) == (level, part)
    assert said in finding.said
    assert finding.mend


def test_a_policy_of_the_database_is_not_compared_with_a_file() -> None:
    other = {**HEALTH, "policy": {"revision": "sha256:2", "error": None}}

    assert worst(found(source="database", health=other)) == "fine"


def test_the_worst_comes_first_and_what_cannot_be_asked_hides_nothing() -> None:
    findings = found(warnings=["a limit that both count"], health="no proxy answers", server="it does not answer")

    assert [finding.level for finding in findings] == ["broken", "warning", "unknown"]
    assert worst(findings) == "broken"


def test_a_ledger_in_memory_is_told() -> None:
    (finding,) = [each for each in found(server=None) if each.level != "fine"]

    assert "a restart forgets them" in finding.said
