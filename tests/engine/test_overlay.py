"""The effective policy: what is in force beside the policy, and for how long."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.catalog import Catalog
from governance.engine.decision import Decision
from governance.engine.engine import Engine
from governance.engine.host import Host
from governance.engine.overlay import Overlay, unknown
from governance.intake.conversation import BodyConversation
from governance.ledger.memory import MemoryLedger
from governance.model import Identity, Request
from governance.model.overlay import ActiveProfile, AnyEntry, Drain, Increase, Stop, read_back, written

NOW_S = 1_795_176_000.0
UNTIL_S = NOW_S + 100
POLICY = """
version: 1
task_routing: {active_profile: eco}
routing_profiles:
  - {name: Fast, virtual_provider: fast, targets: [{provider: a}, {provider: b}]}
routing_rules:
  - {name: first, cel_expression: model == "ruled", targets: [{provider: a, model: m}]}
  - {name: second, cel_expression: model == "ruled", targets: [{provider: b, model: m}]}
rate_limits:
  - {name: Team, subject: {team: research}, requests: [2/minute, 1000/day], concurrent: 10}
budgets:
  - {name: money, subject: {team: poor}, amount: 1 USD/day}
"""
HELLO = BodyConversation({"messages": [{"role": "user", "content": "hello"}]}, {}, Identity(), 1)
CATALOG = Catalog([{"model_name": "*", "litellm_params": {"model": "*"}}], {})


class Clock:
    def __init__(self) -> None:
        self.now_s = NOW_S

    def __call__(self) -> float:
        return self.now_s


class Worker:
    """An engine whose overlay and clock are given."""

    def __init__(self, *entries: AnyEntry, policy: str = POLICY) -> None:
        self.clock = Clock()
        self.overlay = Overlay()
        self.overlay.use(entries)
        self.engine = Engine(Host.parse(policy), MemoryLedger(self.clock), clock=self.clock, overlay=self.overlay)

    async def ask(self, model: str = "fast/m", team: str = "research", **more: Any) -> Decision:
        return await self.engine.admit(Request(model, identity=Identity(team_id=team), models=CATALOG, **more))

    async def admitted(self, times: int) -> int:
        return sum([(await self.ask()).refusal is None for _ in range(times)])


def entry(kind: type[Any], id: str = "e1", until_s: float | None = UNTIL_S, **more: Any) -> Any:
    return kind(id=id, at_s=NOW_S, until_s=until_s, author="ada", author_kind="user", reason="incident", **more)


def increase(id: str = "e1", until_s: float | None = UNTIL_S, **more: Any) -> Any:
    return entry(Increase, id, until_s, **{"section": "rate_limits", "limit": "team", **more})


STOP = entry(Stop, "s1", section="rate_limits", limit="Team")


async def test_an_increase_holds_until_its_own_time_exactly_and_the_record_names_it() -> None:
    worker = Worker(increase(unit="requests", amount=5, period=60))

    assert await worker.admitted(7) == 5
    record = (await worker.ask()).trace.record()
    assert record["overlay"] == ["e1"]
    minute = next(window for window in record["windows"] if window["window"] == "60s")
    assert (minute["limit_amount"], minute["stated_amount"], minute["overlay"]) == (5, 2, ["e1"])

    worker.clock.now_s = UNTIL_S - 0.001
    assert await worker.admitted(9) == 5, "the minute has passed, the increase has not"
    worker.clock.now_s = UNTIL_S
    decision = await worker.ask()
    assert decision.refusal is not None, "five are counted, and two are allowed again"
    assert "overlay" not in decision.trace.record()
    worker.clock.now_s += 120
    assert await worker.admitted(9) == 2


async def test_of_several_increases_the_highest_counts_and_none_lowers() -> None:
    lower = increase("low", unit="requests", amount=1, period=60)
    worker = Worker(lower, increase("x", factor=Decimal("1.5")), increase("y", unit="requests", amount=4, period=60))

    assert await worker.admitted(9) == 4
    assert (await worker.ask()).trace.overlay == ("y", "x"), "the day and what is in flight grow by the factor"


async def test_a_stopped_limit_counts_on_and_refuses_nobody() -> None:
    worker = Worker(STOP)

    assert await worker.admitted(5) == 5
    record = (await worker.ask()).trace.record()
    minute = next(window for window in record["windows"] if window["window"] == "60s")
    assert (minute["mode"], minute["stated_mode"], minute["used_before"]) == ("shadow", "enforce", 5)
    assert record["shadow"][0]["name"] == "Team"
    assert record["overlay"] == ["s1"]


async def test_a_stopped_budget_does_not_keep_models_without_a_price_out() -> None:
    refused = await Worker().ask(team="poor")
    stopped = await Worker(entry(Stop, section="budgets", limit="money")).ask(team="poor")

    assert refused.refusal is not None
    assert stopped.refusal is None


async def test_a_drained_target_gets_nothing_and_the_next_one_serves() -> None:
    worker = Worker(entry(Drain, "d1", target="A/m"))
    record = (await worker.ask()).trace.record()

    assert record["model"] == "b/m"
    drained = next(each for each in record["candidates"] if each["target"] == "a/m")
    assert (drained["reason"], drained["detail"]) == ("drained", "kept free by overlay d1")
    assert record["overlay"] == ["d1"]
    assert (await worker.ask("ruled")).trace.notes["rule"] == "second", "a rule that is left without targets is passed"
    assert (await worker.ask("fast/other", team="")).trace.model == "a/other"


@pytest.mark.parametrize("model", ["fast/m", "a/m"])
async def test_where_everything_is_drained_the_refusal_says_when_it_ends(model: str) -> None:
    worker = Worker(entry(Drain, "d1", target="a/*"), entry(Drain, "d2", UNTIL_S + 60, target="b/*"))
    refusal = (await worker.ask(model)).refusal

    assert refusal is not None
    assert (refusal.status, refusal.code, refusal.retry_after_s) == (503, "drained", 100)
    assert "can serve now; one can again in 1 min 40 s" in refusal.message
    assert "kept free by overlay d1" in refusal.message
    assert "incident" not in refusal.message
    worker.clock.now_s = UNTIL_S
    assert (await worker.ask(model)).trace.model == "a/m"


async def test_who_asks_for_a_drained_model_itself_is_served_by_its_own_fallbacks() -> None:
    decision = await Worker(entry(Drain, "d1", target="a/m")).ask("a/m", fallbacks=("b/m",))

    assert decision.trace.model == "b/m"


async def test_the_active_profile_is_another_one_and_the_latest_counts() -> None:
    first = entry(ActiveProfile, "p1", None, profile="premium")
    worker = Worker(first, entry(ActiveProfile, "p2", profile="balanced").model_copy(update={"at_s": NOW_S + 1}))

    decision = await worker.ask("auto", conversation=HELLO)
    assert (decision.trace.notes["profile"], decision.trace.overlay) == ("balanced", ("p2",))
    worker.clock.now_s = UNTIL_S
    assert (await worker.ask("auto", conversation=HELLO)).trace.notes["profile"] == "premium"
    worker.overlay.use([])
    assert (await worker.ask("auto", conversation=HELLO)).trace.notes["profile"] == "eco"


async def test_what_names_nothing_of_the_policy_changes_nothing_and_is_told() -> None:
    gone = [increase(limit="gone", factor=Decimal(2)), entry(ActiveProfile, profile="gone")]
    worker = Worker(*gone, entry(Stop, section="gone", limit="Team"), increase(unit="requests", amount=2, period=60))

    assert await worker.admitted(3) == 2
    assert [unknown(worker.engine.stated, each) for each in worker.overlay.entries] == [
        "`rate_limits` of the policy has no entry `gone`",
        "the policy has no task profile `gone`",
        "`gone` of the policy has no entry `Team`",
        "the policy itself allows as much for `team`, or has no such window",
    ]


def test_entries_are_kept_as_text_and_those_of_a_later_version_are_passed_over() -> None:
    entries = [STOP, increase(factor=Decimal("1.5")), entry(Drain, target="a/m"), entry(ActiveProfile, profile="x")]

    assert [read_back(written(each)) for each in entries] == entries
    assert read_back('{"kind": "teleport"}') is None


@settings(max_examples=60, deadline=None)
@given(
    steps=st.lists(st.tuples(st.floats(0, 40), st.integers(1, 4)), min_size=1, max_size=25),
    amount=st.integers(3, 9),
    factor=st.none() | st.decimals("1.1", 4, places=2),
)
async def test_an_increase_is_as_if_the_policy_had_said_so_and_its_end_as_if_it_no_longer_did(
    steps: list[tuple[float, int]], amount: int, factor: Decimal | None
) -> None:
    most = amount if factor is None else int(2 * factor)
    over = increase(factor=factor) if factor else increase(unit="requests", amount=amount, period=60)
    limit = "version: 1\nrate_limits: [{{name: team, subject: {{team: research}}, requests: {}/minute}}]"
    worker = Worker(over, policy=limit.format(2))
    ledger, clock = MemoryLedger(worker.clock), worker.clock
    edited, as_before = (Engine(Host.parse(limit.format(n)), ledger, clock=clock) for n in (max(2, most), 2))

    for seconds, times in steps:
        clock.now_s += seconds
        twin = edited if clock.now_s < UNTIL_S else as_before
        for _ in range(times):
            decision = await worker.ask()
            expected = await twin.admit(Request("fast/m", identity=Identity(team_id="research"), models=CATALOG))
            assert (decision.refusal is None) == (expected.refusal is None)
            for reading, counted in decision.trace.windows:
                assert reading.window.amount == (max(2, most) if clock.now_s < UNTIL_S else 2)
                assert not counted or reading.used + reading.amount <= reading.window.amount
