"""Whom and what a change can touch, by both policies alone, and that nobody else is decided otherwise."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from typing import Any

import pytest

from governance.engine.engine import Engine
from governance.engine.host import Host
from governance.ledger.memory import MemoryLedger
from governance.model import Request
from governance.model.changes import Reach
from governance.model.errors import GovernanceError
from governance.usecases.blast import Touched, new_access, touched
from governance.usecases.compare import compare
from tests.usecases.test_effects_hold import NOW_S, asked, changed, policy, seen

SEEDS = 130
ONE = "a" * 64
KEYS = f"keys:\n- {{name: ci, team: research, sha256: {ONE}}}\n- {{name: shop, team: sales, sha256: {'b' * 64}}}\n"
ON_OPENAI = "- {name: openai, subject: {provider: openai}, requests: 9/minute}\n"
PROFILE = "routing_profiles:\n- name: Fast\n  virtual_provider: fast\n  targets: [%s]\n"


def limit(more: str = "", *, name: str = "research", of: str = "{team: research}", requests: str = "60/minute") -> str:
    return f"rate_limits:\n- {{name: {name}, subject: {of}, requests: {requests}{more}}}\n"


def found(before: str, after: str, **more: Any) -> list[Touched]:
    old, new = (Host.parse(f"version: 1\n{text}") for text in (before, after))
    return touched(old.policy, new.policy, compare(old, new), **more)


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (
            KEYS + limit(),
            KEYS + limit(requests="40/minute"),
            "team research (key ci): can only refuse more",
        ),
        (limit(), limit(requests="90/minute"), "team research: can only admit more"),
        (limit(), limit(", description: for science"), "everybody: decides nothing"),
        (
            limit(),
            limit(of="{team: '*', user: '*'}"),
            "team research, each team and each user: may refuse more and admit more; begins its count at zero",
        ),
        (
            "rate_limits:\n- {name: m, subject: {model: GPT-4o}, requests: 2/minute}\n",
            "rate_limits: []\n",
            "whoever is served by model gpt-4o: can only admit more",
        ),
        (
            limit() + ON_OPENAI + PROFILE % "{provider: groq}",
            limit() + ON_OPENAI + PROFILE % "{provider: openai}",
            "everybody asking for fast/*: may send requests elsewhere; grants a new target: openai/*; takes away groq/*"
            "; counted by openai",
        ),
        (
            "routing_rules: []\n",
            "routing_rules:\n- {name: vip, scope: team, scope_id: vip, targets: [{provider: a, model: b}]}\n",
            "team vip: may send requests elsewhere; grants a new target: a/b",
        ),
        (
            "routing_rules: []\n",
            "routing_rules:\n- {name: away, refuse: {message: go}}\n",
            "everybody: can only refuse more",
        ),
        (
            f"keys:\n- {{name: ci, sha256: {ONE}, models: [a/b]}}\n",
            f"keys:\n- {{name: ci, sha256: {ONE}, models: [a/b, c/d, e/f]}}\n",
            "key ci (key ci): grants 2 new targets: c/d, e/f",
        ),
        (
            f"keys:\n- {{name: ci, sha256: {ONE}}}\n",
            f"keys:\n- {{name: ci, sha256: {ONE}, denied_models: [a/b]}}\n",
            "key ci (key ci): can only take access away; takes from them who could serve them",
        ),
        (
            "teams:\n- {name: eu, require: {region: eu}}\n",
            "teams:\n- {name: eu, require: {region: [eu, ch]}}\n",
            "team eu: may send requests elsewhere; lets them be served by what could not serve them",
        ),
        (
            "task_routing: {}\n",
            "task_routing: {overrides: {code: a/new}}\n",
            "everybody asking for auto/*, balanced/*, eco/*, premium/*: may send requests elsewhere; "
            "grants a new target: a/new",
        ),
        ("failover: {}\n", "failover: {max_attempts: 2}\n", "everybody: may send requests elsewhere"),
        ("access: {}\n", "access: {require_key: true}\n", "everybody: can only refuse more"),
    ],
)
def test_an_entry_says_whom_and_what_it_can_touch(before: str, after: str, said: str) -> None:
    (entry,) = found(before, after)

    assert f"{entry.whom}: {entry.what}" == said


def test_changes_of_one_entry_are_told_together() -> None:
    (entry,) = found(limit(), limit(", concurrent: 2, description: less", requests="40/minute"))

    assert entry.path == ("rate_limits", "research")
    assert entry.effects == ("tightens",)


def test_a_change_that_grants_gives_a_reason_and_one_that_only_refuses_gives_none() -> None:
    assert new_access(found(limit(), limit(requests="40/minute"))) == []
    (reason,) = new_access(found(PROFILE % "{provider: a}", PROFILE % "{provider: a}, {provider: b}"))

    assert reason == "everybody asking for fast/*: may send requests elsewhere; grants a new target: b/*"


@pytest.mark.parametrize("word", [None, "fails", "nonsense"])
def test_an_entry_of_a_plugin_that_does_not_say_whom_may_touch_everybody(word: str | None) -> None:
    def door(change: Any) -> Any:
        return 1 / 0 if word == "fails" else word

    (entry,) = found(limit(), limit(requests="9/minute"), reaches=lambda name: door if word else None)

    assert (entry.callers, entry.known) == ((), False)
    assert entry.report()["unknown"] is True


def test_a_plugin_is_asked_about_the_whole_entry() -> None:
    def door(change: Any) -> Reach:
        assert (change.kind, change.path, change.before.name, change.after.name) == ("changed", (), "research", "new")
        return Reach(("team:research",))

    (entry,) = found(limit(), limit(name="new"), reaches=lambda name: door)

    assert entry.callers == ("team:research",)


def meets(entry: Touched, request: Request) -> bool:
    """Whether a request is one of those that the entry says it can touch."""
    who = request.identity
    ids = {"team": who.team_id, "user": who.user_id, "virtual_key": who.virtual_key_id}

    def is_in(caller: str) -> bool:
        parts = [part.partition(":")[::2] for part in caller.split(" && ")]
        return all(bool(ids[kind]) if id_ == "*" else ids[kind] == id_ for kind, id_ in parts if kind in ids)

    asks = not entry.asks or any(request.model.startswith(name.rstrip("*")) for name in entry.asks)
    return asks and (not entry.callers or any(map(is_in, entry.callers)))


async def play(rng: random.Random, said: Counter[str]) -> None:
    document = policy(rng)
    try:
        old, new = Host.parse(json.dumps(document)), Host.parse(json.dumps(changed(document, rng)))
    except GovernanceError:
        return
    entries = touched(old.policy, new.policy, compare(old, new))
    entries = [entry for entry in entries if entry.effects != ("cosmetic",)]
    for _ in range(8):
        request = asked(rng)
        met = any(meets(entry, request()) for entry in entries)
        engines = [Engine(host, MemoryLedger(lambda: NOW_S), clock=lambda: NOW_S) for host in (old, new)]
        was, now = [[seen(await engine.admit(request())) for _ in range(6)] for engine in engines]
        said["met" if met else "not met"] += 1
        said["met, and it mattered"] += met and was != now
        if not met:
            assert was == now, f"{entries}\n{json.dumps(document)}\n{request()}\n{was} -> {now}"


def test_whoever_is_not_named_is_decided_as_before() -> None:
    said: Counter[str] = Counter()

    async def all_of_them() -> None:
        for seed in range(SEEDS):
            await play(random.Random(seed), said)

    asyncio.run(all_of_them())

    assert said["not met"] > 200, said
    assert said["met, and it mattered"] > 25, "changes that nobody meets would prove nothing"
