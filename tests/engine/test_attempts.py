"""What happens to a decision later: attempts, failures, settling and giving back, as the windows show it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from governance.catalog import Catalog
from governance.engine.decision import Decision
from governance.engine.engine import Engine
from governance.engine.host import Host
from governance.hookspecs import hookimpl
from governance.ledger.memory import MemoryLedger
from governance.model import Charge, Failure, Recovery, Request, Ruling, Target, Usage, Window
from governance.model.errors import LedgerUnavailable
from governance.policy import Policy

TEAM = Window("team", "team:research", "requests", 100, 60)
TEAM_TOKENS = Window("team", "team:research", "tokens", 100_000, 60)


def requests(target: str, amount: int = 10) -> Window:
    return Window(target, f"target:{target}", "requests", amount, 60)


def tokens(target: str) -> Window:
    return Window(target, f"target:{target}", "tokens", 10_000, 60)


def slots(target: str) -> Window:
    return Window(target, f"target:{target}", "concurrent", 4, None)


class Policed:
    """Two limited targets, a limited team, and what is told to plugins."""

    def __init__(self, b_amount: int = 10, recovery: Recovery | None = None) -> None:
        self._b_amount, self._recovery = b_amount, recovery
        self.failures: list[tuple[str, str]] = []
        self.successes: list[tuple[str, Usage]] = []

    @hookimpl
    def pre_request(self, request: Request) -> Ruling | None:
        if request.model == "free":
            return None
        return Ruling(charges=(Charge(TEAM, 1), Charge(TEAM_TOKENS, 500)))

    @hookimpl
    def select_targets(self, request: Request) -> list[Target] | None:
        if request.model != "fast":
            return None
        return [
            Target("a/m", charges=(Charge(requests("a/m"), 1), Charge(tokens("a/m"), 500), Charge(slots("a/m"), 1))),
            Target("b/m", charges=(Charge(requests("b/m", self._b_amount), 1), Charge(tokens("b/m"), 500))),
        ]

    @hookimpl
    def on_failure(self, target: Target, failure: Failure) -> Recovery | None:
        self.failures.append((target.name, failure.kind))
        return self._recovery

    @hookimpl
    def on_success(self, target: Target, usage: Usage) -> None:
        self.successes.append((target.name, usage))


class House:
    """An engine with its plugin, its ledger and its clock."""

    def __init__(self, plugin: Policed, ledger: MemoryLedger | None = None) -> None:
        self.now_s = 1_795_176_000.0
        self.plugin = plugin
        self.ledger = ledger or MemoryLedger(lambda: self.now_s)
        host = Host(Policy("test", "sha256:0"), [("policed", plugin)])
        self.engine = Engine(host, self.ledger, clock=lambda: self.now_s)

    async def admit(self, model: str = "fast", **more: Any) -> Decision:
        return await self.engine.admit(Request(model, **more))

    async def used(self, *windows: Window) -> list[int]:
        return [reading.used for reading in await self.ledger.read(windows)]


@pytest.fixture
def house() -> House:
    return House(Policed())


async def test_what_is_admitted_is_counted_at_once_for_the_team_and_the_first_target(house: House) -> None:
    await house.admit()

    assert await house.used(TEAM, TEAM_TOKENS) == [1, 500]
    assert await house.used(requests("a/m"), tokens("a/m"), slots("a/m")) == [1, 500, 1]
    assert await house.used(requests("b/m"), tokens("b/m")) == [0, 0]


async def test_the_first_attempt_of_the_chosen_target_costs_nothing_more(house: House) -> None:
    decision = await house.admit()

    assert await house.engine.attempt(decision, "a/m") is None
    assert await house.used(TEAM, requests("a/m")) == [1, 1]


async def test_settling_replaces_what_was_reserved_by_what_was_used(house: House) -> None:
    decision = await house.admit()
    await house.engine.attempt(decision, "a/m")
    house.now_s += 0.73
    await house.engine.settle(decision, "a/m", Usage(40, 2))

    assert await house.used(TEAM, TEAM_TOKENS, requests("a/m"), tokens("a/m"), slots("a/m")) == [1, 42, 1, 42, 0]
    assert decision.trace.record()["attempts"] == [
        {"target": "a/m", "outcome": "ok", "ms": 730, "ended_at": "2026-11-20T12:00:00.730Z"}
    ]
    assert decision.trace.record()["usage"]["input_tokens"] == 40
    assert house.plugin.successes == [("a/m", Usage(40, 2))]


async def test_a_failed_attempt_keeps_its_request_and_gives_back_the_rest(house: House) -> None:
    decision = await house.admit()
    await house.engine.attempt(decision, "a/m")
    await house.engine.reached(decision)
    await house.engine.fail(decision, Failure("rate_limited", 429))
    assert await house.engine.attempt(decision, "b/m") is None

    assert await house.used(requests("a/m"), tokens("a/m"), slots("a/m")) == [1, 0, 0]
    assert await house.used(requests("b/m"), tokens("b/m")) == [1, 500]
    assert await house.used(TEAM, TEAM_TOKENS) == [2, 500], "the second attempt is a second request of the team"
    assert house.plugin.failures == [("a/m", "rate_limited")]


async def test_after_a_failover_the_target_that_answered_is_settled(house: House) -> None:
    decision = await house.admit()
    await house.engine.attempt(decision, "a/m")
    await house.engine.fail(decision, Failure("timeout"))
    await house.engine.attempt(decision, "b/m")
    await house.engine.settle(decision, "b/m", Usage(40, 2))

    assert await house.used(tokens("a/m"), tokens("b/m"), TEAM_TOKENS) == [0, 42, 42]
    assert [(a["target"], a["outcome"]) for a in decision.trace.record()["attempts"]] == [
        ("a/m", "failed"),
        ("b/m", "ok"),
    ]


async def test_a_fallback_without_room_is_skipped_with_its_wait() -> None:
    house = House(Policed(b_amount=1))
    first, second = await house.admit(), await house.admit()
    for decision in (first, second):
        await house.engine.attempt(decision, "a/m")
        await house.engine.fail(decision, Failure("overloaded", 529))
    assert await house.engine.attempt(first, "b/m") is None
    refusal = await house.engine.attempt(second, "b/m")

    assert refusal is not None
    assert (refusal.status, refusal.code, refusal.retry_after_s) == (429, "requests_exhausted", 60)
    assert await house.used(requests("b/m", 1), TEAM) == [1, 3], "what is skipped counts nowhere"
    assert second.trace.record()["attempts"][-1] == {
        "target": "b/m",
        "outcome": "skipped",
        "ms": 0,
        "error": "requests_exhausted",
    }


async def test_a_fallback_that_cools_down_is_skipped(house: House) -> None:
    decision = await house.admit()
    await house.engine.attempt(decision, "a/m")
    await house.engine.fail(decision, Failure("timeout"))
    await house.ledger.cool_down("b/m", 30)
    refusal = await house.engine.attempt(decision, "b/m")

    assert refusal is not None
    assert (refusal.status, refusal.code, refusal.retry_after_s) == (503, "cooling_down", 30)
    assert await house.used(requests("b/m"), TEAM) == [0, 1]


async def test_the_cool_down_that_a_plugin_asks_for_begins() -> None:
    house = House(Policed(recovery=Recovery(cool_down_s=15)))
    decision = await house.admit()
    await house.engine.attempt(decision, "a/m")
    await house.engine.fail(decision, Failure("overloaded", 529))

    assert (await house.admit()).trace.model == "b/m"
    house.now_s += 15
    assert (await house.admit()).trace.model == "a/m"


async def test_after_a_cool_down_one_request_finds_out_for_all() -> None:
    house = House(Policed(recovery=Recovery(cool_down_s=15)))
    failing = await house.admit()
    await house.engine.attempt(failing, "a/m")
    await house.engine.fail(failing, Failure("overloaded", 529))
    house.now_s += 15
    probe, other = await house.admit(), await house.admit()
    await house.engine.attempt(probe, "a/m")

    assert (probe.trace.model, other.trace.model) == ("a/m", "b/m")
    assert other.trace.fallbacks == ("a/m",)
    assert probe.trace.record()["attempts"][0]["probe"]
    await house.engine.fail(probe, Failure("overloaded", 529))
    house.now_s += 14
    assert (await house.admit()).trace.model == "b/m", "a probe that fails begins the next cool-down"
    house.now_s += 1
    probe = await house.admit()
    await house.engine.attempt(probe, "a/m")
    await house.engine.settle(probe, "a/m", Usage(40, 2))
    assert [(await house.admit()).trace.model for _ in range(2)] == ["a/m", "a/m"]


async def test_a_probe_that_tells_nothing_gives_way_to_the_next() -> None:
    house = House(Policed(recovery=Recovery(cool_down_s=15)))
    await house.ledger.cool_down("a/m", 15)
    house.now_s += 15
    probe = await house.admit()
    await house.engine.attempt(probe, "a/m")
    await house.engine.fail(probe, Failure("invalid_request", 400), cool_down=False)
    second = await house.admit()
    assert second.trace.model == "a/m"
    assert (await house.admit()).trace.model == "b/m"
    await house.engine.release(second)

    assert (await house.admit()).trace.model == "a/m"


async def test_a_hop_to_a_target_that_is_probed_is_the_last_resort() -> None:
    house = House(Policed())
    await house.ledger.cool_down("a/m", 15)
    house.now_s += 15
    await house.admit()
    decision = await house.admit()
    await house.engine.attempt(decision, "b/m")
    await house.engine.fail(decision, Failure("overloaded", 529))

    assert await house.engine.attempt(decision, "a/m") is None


async def test_a_cool_down_after_several_failures_waits_for_them() -> None:
    house = House(Policed(recovery=Recovery(cool_down_s=15, after=3, within_s=60)))
    chosen = []
    for _ in range(4):
        decision = await house.admit()
        chosen.append(decision.trace.model)
        await house.engine.attempt(decision, decision.trace.model)
        await house.engine.fail(decision, Failure("server_error", 500))

    assert chosen == ["a/m", "a/m", "a/m", "b/m"]


async def test_a_request_that_reached_nobody_is_given_back_whole(house: House) -> None:
    decision = await house.admit()
    await house.engine.release(decision)

    assert await house.used(TEAM, TEAM_TOKENS, requests("a/m"), tokens("a/m"), slots("a/m")) == [0, 0, 0, 0, 0]


async def test_a_request_that_reached_a_provider_keeps_its_request_count(house: House) -> None:
    decision = await house.admit()
    await house.engine.attempt(decision, "a/m")
    await house.engine.reached(decision)
    await house.engine.fail(decision, Failure("server_error", 500))
    await house.engine.release(decision)

    assert await house.used(TEAM, TEAM_TOKENS, requests("a/m"), tokens("a/m"), slots("a/m")) == [1, 0, 1, 0, 0]


async def test_settling_twice_counts_once_and_settling_after_a_release_counts_what_was_used(house: House) -> None:
    decision = await house.admit()
    await house.engine.attempt(decision, "a/m")
    await house.engine.release(decision)
    await house.engine.settle(decision, "a/m", Usage(40, 2))
    await house.engine.settle(decision, "a/m", Usage(40, 2))

    assert await house.used(TEAM_TOKENS, tokens("a/m")) == [42, 42]


async def test_an_answer_of_another_target_without_an_attempt_is_counted_where_it_came_from(house: House) -> None:
    decision = await house.admit()
    await house.engine.settle(decision, "b/m", Usage(40, 2))

    assert await house.used(tokens("a/m"), tokens("b/m")) == [0, 42]
    assert [attempt["target"] for attempt in decision.trace.record()["attempts"]] == ["b/m"]


async def test_a_model_that_the_decision_did_not_name_is_tried_only_if_the_key_may_call_it(house: House) -> None:
    async def may_call(name: str) -> bool:
        return name == "c/m"

    decision = await house.admit()
    refusals = [await house.engine.attempt(decision, name, may_call) for name in ("c/m", "d/m")]

    assert refusals[0] is None
    assert refusals[1] is not None
    assert (refusals[1].status, refusals[1].code) == (403, "model_not_allowed")


async def test_a_request_that_nothing_limits_asks_the_ledger_nothing(house: House) -> None:
    decision = await house.admit("free")
    assert await house.engine.attempt(decision, "free") is None
    assert await house.engine.attempt(decision, "free") is None
    await house.engine.settle(decision, "free", Usage(1, 1))
    await house.engine.release(decision)

    assert not decision.counted
    assert (await house.ledger.health()).open_reservations == 0
    assert house.plugin.successes == [("free", Usage(1, 1))]


async def test_targets_are_found_again_under_the_name_that_the_proxy_calls_them(house: House) -> None:
    models = Catalog([{"model_name": n, "litellm_params": {"model": m}} for n, m in (("x", "a/m"), ("y", "b/m"))], {})
    decision = await house.admit(models=models)
    await house.engine.attempt(decision, "x")
    await house.engine.settle(decision, "x", Usage(40, 2))

    assert decision.trace.record()["attempts"][0]["target"] == "a/m"
    assert await house.used(tokens("a/m")) == [42]


@pytest.mark.parametrize("step", ["attempt", "settle", "release", "renew"])
async def test_a_ledger_that_goes_away_later_breaks_nothing(step: str) -> None:
    class Fades(MemoryLedger):
        async def _gone(self, *args: Any, **more: Any) -> Any:
            raise LedgerUnavailable("no route to host")

        move = settle = release = renew = _gone

    house = House(Policed(), Fades())
    decision = await house.admit()
    calls: dict[str, Callable[[], Awaitable[Any]]] = {
        "attempt": lambda: house.engine.attempt(decision, "b/m"),
        "settle": lambda: house.engine.settle(decision, "a/m", Usage(1, 1)),
        "release": lambda: house.engine.release(decision),
        "renew": lambda: house.engine.renew(decision),
    }
    answer = await calls[step]()

    if step == "attempt":
        assert (answer.status, answer.code) == (503, "ledger_unavailable")
    else:
        assert decision.trace.steps[-1].did == "unavailable: no route to host"
