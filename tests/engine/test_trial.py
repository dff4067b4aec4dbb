"""Who is tried, and what a policy that only looks on would have done."""

from __future__ import annotations

from typing import Any

import pytest

from governance.engine.engine import Engine
from governance.engine.host import Host
from governance.engine.trial import Trial, compared, replayed, share_of, subject_of
from governance.ledger.memory import MemoryLedger
from governance.model import Identity, Request
from governance.model.errors import LedgerUnavailable

PROFILE = "routing_profiles: [{name: F, virtual_provider: f, targets: [%s]}]\n"
LIMIT = "rate_limits: [{name: all, subject: everyone, requests: %d/minute}]\n"


def engine(policy: str, ledger: Any = None) -> Engine:
    return Engine(Host.parse("version: 1\n" + policy), ledger or MemoryLedger())


def test_a_subject_is_tried_by_its_team_else_its_key_and_stays_so_when_the_share_grows() -> None:
    people = [Identity(virtual_key_id=f"k{i}", team_id=f"t{i % 500}") for i in range(2_000)]
    candidate = engine("")
    small, large = Trial(7, candidate, 10, 0), Trial(7, candidate, 50, 0)

    taken = {who.team_id for who in people if small.takes(who)}
    assert 25 <= len(taken) <= 80
    assert {who.team_id for who in people if not small.takes(who)}.isdisjoint(taken), "a team is tried as a whole"
    assert all(large.takes(who) for who in people if small.takes(who))
    assert [Trial(7, candidate, percent, 0).takes(people[0]) for percent in (0, 100)] == [False, True]
    assert {who.team_id for who in people if Trial(8, candidate, 10, 0).takes(who)} != taken
    assert subject_of(Identity(virtual_key_id="k")) == "virtual_key:k"
    assert subject_of(Identity()) == "everyone"
    assert share_of(1, "team:a") == 80.22072541708542, "the same in every process and on every machine"


@pytest.mark.parametrize(
    ("in_force", "candidate", "difference"),
    [
        ("", "", "none"),
        (PROFILE % "{provider: a}", PROFILE % "{provider: b}", "other_target"),
        (PROFILE % "{provider: a}, {provider: b}", PROFILE % "{provider: a}", "other_fallbacks"),
        ("", LIMIT % 1 + "# ", "none"),
        (
            "",
            "routing_rules: [{name: closed, cel_expression: 'true', refuse: {status: 403, message: closed}}]",
            "would_refuse",
        ),
        (
            "routing_rules: [{name: closed, cel_expression: 'true', refuse: {status: 403, message: closed}}]",
            "",
            "would_admit",
        ),
    ],
)
async def test_what_would_have_come_of_it_is_compared(in_force: str, candidate: str, difference: str) -> None:
    ledger = MemoryLedger()
    request = Request("f/m")
    trial = Trial(1, engine(candidate, ledger), 0, 100)

    would = await trial.would(request, None)
    did = await engine(in_force, ledger).admit(request)

    assert compared(did, would)["difference"] == difference


async def test_who_looks_on_counts_nothing_and_sees_what_was_counted_before() -> None:
    ledger = MemoryLedger()
    live, trial = engine(LIMIT % 5, ledger), Trial(1, engine(LIMIT % 2, ledger), 0, 100)
    found = []
    for _ in range(6):
        would = await trial.would(Request("a/m"), None)
        found.append(compared(await live.admit(Request("a/m")), would)["difference"])

    assert found == ["none", "none", "would_refuse", "would_refuse", "would_refuse", "none"]


async def test_random_numbers_are_the_same_for_both() -> None:
    weighted = "routing_profiles:\n- {name: F, virtual_provider: f, strategy: weighted, targets: [%s]}\n"
    policy = weighted % ", ".join(f"{{provider: p{i}, weight: 1}}" for i in range(20))
    live, trial = engine(policy), Trial(1, engine(policy), 0, 100)
    for _ in range(20):
        first, request = replayed(Request("f/m"))
        would = await trial.would(first, None)
        assert compared(await live.admit(request), would)["difference"] == "none"


async def test_a_candidate_that_cannot_be_asked_costs_nobody_a_request(monkeypatch: pytest.MonkeyPatch) -> None:
    trial = Trial(1, engine(LIMIT % 2), 0, 100)

    async def away(*_: Any, **__: Any) -> Any:
        raise LedgerUnavailable("away")

    monkeypatch.setattr(trial.engine, "admit", away)
    assert await trial.would(Request("a/m"), None) is None
    assert compared(await engine("").admit(Request("a/m")), None) == {"difference": "unknown"}
