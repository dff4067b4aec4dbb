"""Conversations stay with the target that has answered them last, as the engine decides it; on memory."""

from __future__ import annotations

from collections import Counter

import pytest

from governance.catalog import Catalog
from governance.engine.engine import Engine
from governance.engine.host import Host
from governance.intake.read import read_request
from governance.ledger.memory import MemoryLedger
from governance.model import Failure, Identity, Usage
from governance.model.conversation import Stick, rendezvous

POLICY = """
version: 1
failover: {}
routing_profiles:
- name: Staying
  virtual_provider: stay
  strategy: weighted
  affinity: {ttl: 5m}
  targets:
  - {provider: openai, model: a}
  - {provider: openai, model: b}
  - {provider: openai, model: c, weight: 2}
"""
ANSWERED = Usage(2_000, 10, cached_tokens=1_500)


class Talk:
    """An engine, and turns of conversations that are played to their end."""

    def __init__(self, policy: str = POLICY) -> None:
        self.now = 1_767_225_600.0
        self.engine = Engine(Host.parse(policy), MemoryLedger(lambda: self.now), clock=lambda: self.now)

    async def turn(
        self,
        session: str,
        key: str = "k",
        *,
        fail: tuple[str, ...] = (),
        used: Usage = ANSWERED,
        who: dict[str, str] | None = None,
        **body,
    ):
        """One turn, answered by the first target of which no failure is left. Gives the trace."""
        request = read_request(
            "chat",
            {"model": "stay/x", "messages": [{"role": "user", "content": "Hi"}], "session_id": session, **body},
            identity=Identity(**{"virtual_key_id": key, **(who or {})}),
            models=Catalog(None, {}),
        )
        decision = await self.engine.admit(request)
        assert decision.target, decision.refusal
        failures = list(fail)
        for target in (decision.target, *decision.fallbacks):
            name = decision.call_name(target)
            if await self.engine.attempt(decision, name) is not None:
                continue
            await self.engine.reached(decision)
            if not failures:
                await self.engine.settle(decision, name, used)
                break
            await self.engine.fail(decision, Failure(failures.pop(0)))
        return decision.trace


def is_spread_by_weight(firsts: Counter[str], of: int) -> bool:
    shares = {"openai/a": 0.25, "openai/b": 0.25, "openai/c": 0.5}
    return all(abs(firsts[name] / of - share) < 0.03 for name, share in shares.items())


def test_the_order_of_conversations_keeps_the_weights_and_the_rest_when_one_leaves() -> None:
    weights = {"openai/a": 1.0, "openai/b": 1.0, "openai/c": 2.0}
    sticks = [Stick(f"{i:032x}", "session", 300) for i in range(4_000)]
    orders = [rendezvous(stick, list(weights), weights.__getitem__, str) for stick in sticks]

    assert is_spread_by_weight(Counter(order[0] for order in orders), 4_000)
    without = [rendezvous(stick, ["openai/a", "openai/c"], weights.__getitem__, str) for stick in sticks]
    assert all(
        [name for name in order if name != "openai/b"] == left for order, left in zip(orders, without, strict=True)
    )


async def test_a_conversation_stays_and_another_identity_never_meets_it() -> None:
    talk = Talk()
    first = await talk.turn("s")
    again = await talk.turn("s")

    assert again.served == first.served
    assert again.pin
    assert again.record()["affinity"]["cached_tokens"] == 1_500
    other = await talk.turn("s", key="another")
    assert other.pin is None
    assert other.stick != first.stick


@pytest.mark.parametrize("field", ["virtual_key_id", "team_id", "user_id", "customer_id", "end_user_id"])
async def test_who_differs_in_any_part_of_his_identity_never_meets_a_conversation(field: str) -> None:
    talk = Talk()
    first = await talk.turn("s", who={field: "one"})
    other = await talk.turn("s", who={field: "other"})

    assert (await talk.turn("s", who={field: "one"})).pin
    assert other.pin is None
    assert other.stick.key != first.stick.key


async def test_a_failure_of_the_target_moves_it_within_one_turn_and_one_of_the_request_does_not() -> None:
    talk = Talk()
    home = (await talk.turn("s")).served
    moved = await talk.turn("s", fail=("overloaded",))
    assert moved.served != home
    talk.now += 60  # the cool-down is over, and it stays where it is
    assert (await talk.turn("s")).served == moved.served

    declined = await talk.turn("s", fail=("content_policy",))
    assert declined.served != moved.served
    assert (await talk.turn("s")).served == moved.served


async def test_a_target_without_room_gets_the_conversation_back() -> None:
    talk = Talk(POLICY.replace("model: b", "model: b, limits: {requests: 3/hour}"))
    session = "0"
    while (await talk.turn(session, key="x")).served != "openai/b":
        session = str(int(session) + 1)
    await talk.turn(session, key="x")
    await talk.turn(session, key="x")
    full = await talk.turn(session, key="x")
    assert full.served != "openai/b"
    assert full.pin
    assert "requests_exhausted" in next(step.did for step in full.steps if step.hook == "affinity")
    talk.now += 240  # the pin lasts on
    assert (await talk.turn(session, key="x")).pin.target == "openai/b"


async def test_short_prompts_that_nobody_caches_leave_no_pin() -> None:
    talk = Talk()
    await talk.turn("s", used=Usage(100, 10))
    assert (await talk.turn("s")).pin is None


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"session_id": None, "prompt_cache_key": "p"}, "prompt_cache_key"),
        ({"session_id": None, "metadata": {"user_id": "user_1_account__session_0a1b2c3d-0000"}}, "session"),
        ({"session_id": None, "metadata": {"user_id": '{"session_id": "0a1b2c3d-0000"}'}}, "session"),
        ({"session_id": None, "messages": [{"role": "user", "content": "long " * 2_000}]}, "prefix"),
        ({"session_id": None}, None),
        ({"session_id": [], "metadata": 7, "prompt_cache_key": {}}, None),
    ],
)
async def test_what_names_a_conversation(body: dict, kind: str | None) -> None:
    trace = await Talk().turn("s", **body)
    assert (trace.stick.kind if trace.stick else None) == kind
    assert ("affinity" in trace.record()) == (kind is not None)


async def test_a_rule_keeps_conversations_together_too() -> None:
    talk = Talk(
        """
version: 1
routing_rules:
- name: split
  affinity: {key: session}
  targets: [{provider: openai, model: a, weight: 0.5}, {provider: openai, model: b, weight: 0.5}]
"""
    )
    served = {session: {(await talk.turn(session)).served for _ in range(3)} for session in map(str, range(12))}
    assert all(len(targets) == 1 for targets in served.values())
    assert set.union(*served.values()) == {"openai/a", "openai/b"}


async def test_the_order_stays_where_a_profile_fails_over_in_order_until_somebody_has_answered() -> None:
    talk = Talk(POLICY.replace("weighted", "ordered_failover"))
    assert (await talk.turn("s")).served == "openai/c"
    moved = await talk.turn("s", fail=("overloaded",))
    talk.now += 60
    assert (await talk.turn("s")).served == moved.served
    assert (await talk.turn("t")).served == "openai/c"


class Counting(MemoryLedger):
    """Counts the calls that a store would be asked by, and what was asked of pins."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[str, bool]] = []

    async def reserve(self, *args, **more):
        self.calls.append(("reserve", more.get("pinned") is not None))
        return await super().reserve(*args, **more)

    async def renew(self, *args, **more):
        self.calls.append(("renew", False))
        return await super().renew(*args, **more)

    async def settle(self, *args, **more):
        self.calls.append(("settle", more.get("pinning") is not None))
        return await super().settle(*args, **more)


@pytest.mark.parametrize("affine", [False, True])
async def test_staying_costs_no_call_of_the_ledger_and_without_it_nothing_is_asked(affine: bool) -> None:
    talk = Talk(POLICY if affine else POLICY.replace("affinity: {ttl: 5m}", "enabled: true"))
    talk.engine.ledger = ledger = Counting()
    await talk.turn("s")

    assert ledger.calls == [("reserve", affine), ("renew", False), ("settle", affine)]


async def test_a_limit_that_asks_for_less_leaves_nothing_of_the_conversation_or_the_mirror_behind() -> None:
    talk = Talk(
        POLICY.replace(
            "  targets:", "  mirror: {target: {provider: m, model: m}, share: 100%, budget: 1 USD/day}\n  targets:"
        )
        + "rate_limits:\n- {name: few, subject: everyone, requests: 1/day, on_exceeded: {route_to: plain/model}}\n"
    )
    whole = await talk.turn("s")
    assert whole.stick
    assert whole.mirror
    less = await talk.turn("s")

    assert less.served == "plain/model"
    assert (less.stick, less.pin, less.mirror) == (None, None, None)
