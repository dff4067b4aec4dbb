"""What a conversation was about goes on where a request alone does not say it, and so does who called for tools."""

from __future__ import annotations

from typing import Any

import pytest

from governance.catalog import Catalog
from governance.engine.engine import Engine
from governance.engine.host import Host
from governance.engine.simulation import SimulationInput, simulate
from governance.intake.read import read_request
from governance.ledger.memory import MemoryLedger
from governance.model import Failure, Identity, Usage
from governance.trace import Trace

POLICY = """
version: 1
failover: {}
task_routing:
  active_profile: lab
  affinity: {key: auto, ttl: 30m}
  profiles:
    lab:
      code: [a/coder, b/coder, a/spare]
      general: c/talker
      creative: c/poet
      fallback: c/last
"""
FIX = "Fix the bug in this Python function: def f(x): return x +"
POEM = "Something completely different: write a poem about my cat who sleeps all day"


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


def stepped(text: str, result: str = "ok") -> list[dict[str, Any]]:
    call = {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
    called = {"role": "assistant", "content": None, "tool_calls": [call]}
    return [user(text), called, {"role": "tool", "tool_call_id": "call_1", "content": result}]


class Sessions:
    """An engine, and requests that are played to their end."""

    def __init__(self, policy: str = POLICY) -> None:
        self.now = 1_767_225_600.0
        self.engine = Engine(Host.parse(policy), MemoryLedger(lambda: self.now), clock=lambda: self.now)

    async def ask(self, *, fail: int = 0, key: str = "k", headers: dict[str, str] | None = None, **body: Any) -> Trace:
        """One request, answered by the first target of which no failure is left."""
        identity = Identity(virtual_key_id=key)
        body = {"model": "auto", "session_id": "s", **body}
        request = read_request("chat", body, identity=identity, headers=headers or {}, models=Catalog(None, {}))
        decision = await self.engine.admit(request)
        assert decision.target, decision.refusal
        for target in (decision.target, *decision.fallbacks):
            name = decision.call_name(target)
            if await self.engine.attempt(decision, name) is not None:
                continue
            await self.engine.reached(decision)
            if not fail:
                await self.engine.settle(decision, name, Usage(20, 10))
                break
            fail -= 1
            await self.engine.fail(decision, Failure("overloaded"))
        return decision.trace


def routed(trace: Trace) -> tuple[str, str | None]:
    return trace.notes["task"], trace.served


async def test_a_turn_that_alone_says_nothing_goes_on_with_the_task_of_its_conversation() -> None:
    sessions = Sessions()
    assert routed(await sessions.ask(messages=[user(FIX)])) == ("code", "a/coder")
    sessions.now += 120

    trace = await sessions.ask(input="go on", previous_response_id="resp_1")

    assert routed(trace) == ("code", "a/coder")
    assert trace.task_by.startswith(
        "what a/coder answered in this conversation 2 min ago, which this request is not sure enough to change; else "
    )


async def test_of_a_conversation_that_nobody_has_answered_nothing_is_recalled() -> None:
    sessions = Sessions()
    await sessions.ask(messages=[user(FIX)])

    assert routed(await sessions.ask(input="go on", previous_response_id="r", session_id="t"))[0] != "code"
    assert routed(await sessions.ask(input="go on", previous_response_id="r", key="other"))[0] != "code"
    sessions.now += 1801
    assert routed(await sessions.ask(input="go on", previous_response_id="r"))[0] != "code"


async def test_a_turn_that_stands_by_itself_changes_the_task_and_that_is_kept() -> None:
    sessions = Sessions()
    await sessions.ask(messages=[user(FIX)])

    assert routed(await sessions.ask(input=POEM, previous_response_id="r")) == ("creative", "c/poet")
    assert routed(await sessions.ask(input="shorter", previous_response_id="r")) == ("creative", "c/poet")


async def test_a_first_turn_begins_anew_and_what_the_caller_says_goes_before() -> None:
    sessions = Sessions()
    await sessions.ask(messages=[user(FIX)])

    assert (await sessions.ask(messages=[user("hm xyzzy")])).notes["task"] == "general"
    said = await sessions.ask(input="go on", previous_response_id="r", headers={"x-governance-task": "creative"})
    assert said.notes["task"] == "creative"


async def test_while_tools_are_called_the_task_is_that_of_who_has_called_for_them() -> None:
    sessions = Sessions()
    await sessions.ask(messages=[user(FIX)])

    trace = await sessions.ask(messages=stepped(POEM))

    assert routed(trace) == ("code", "a/coder")
    assert "while tools are called; else classifier" in trace.task_by


async def test_while_tools_are_called_another_model_of_the_same_provider_goes_before_other_providers() -> None:
    sessions = Sessions()
    await sessions.ask(messages=[user(FIX)])
    await sessions.engine.ledger.cool_down("a/coder", 60)

    assert (await sessions.ask(messages=stepped(FIX))).served == "a/spare"
    sessions = Sessions()
    await sessions.ask(messages=[user(FIX)])
    await sessions.engine.ledger.cool_down("a/coder", 60)
    assert (await sessions.ask(messages=[user(FIX), user("run the tests")])).served == "b/coder", "no tools are called"


async def test_a_conversation_stays_with_who_has_answered_it_however_short_it_is() -> None:
    sessions = Sessions()
    assert (await sessions.ask(messages=[user(FIX)], fail=1)).served == "b/coder"
    sessions.now += 120

    trace = await sessions.ask(messages=stepped(FIX))

    assert trace.served == "b/coder", "a is well again, and b has called for tools"
    assert trace.record()["affinity"]["pinned"] == "b/coder"


async def test_without_a_session_the_beginning_names_a_conversation_and_recalls_no_task() -> None:
    sessions = Sessions()
    await sessions.ask(messages=[user("hi there"), user(FIX)], session_id=None, fail=1)
    sessions.now += 120

    same = await sessions.ask(messages=[user("hi there"), user(FIX), user("it hangs")], session_id=None)

    other = await sessions.ask(messages=[user("hi there"), user("hm xyzzy")], session_id=None)

    assert routed(same) == ("code", "b/coder")
    assert other.notes["task"] != "code", "many conversations begin alike"


async def test_a_task_that_the_policy_does_not_know_any_more_is_not_recalled() -> None:
    sessions = Sessions(POLICY.replace("code:", "odd:").replace("lab:\n", "lab:\n      code: [a/coder]\n"))
    await sessions.ask(messages=[user(FIX)], headers={"x-governance-task": "odd"})
    ledger = sessions.engine.ledger
    later = Sessions()
    later.engine = Engine(Host.parse(POLICY), ledger, clock=lambda: later.now)

    assert (await later.ask(input="go on", previous_response_id="r")).notes["task"] != "odd"


@pytest.mark.parametrize(("task", "recalled"), [("code", True), ("", False), ("unheard-of", False)])
async def test_a_simulation_is_told_what_the_conversation_was_about(task: str, recalled: bool) -> None:
    body = {"model": "auto", "input": "go on", "previous_response_id": "r", "session_id": "s"}
    given = SimulationInput(call_type="responses", body=body, pinned={"target": "a/coder", "task": task, "ago": "3m"})
    decision = await simulate(Host.parse(POLICY), given, Catalog(None, {}))

    assert (decision.trace.notes["task"] == "code") is recalled
    assert ("3 min ago" in decision.trace.task_by) is recalled


async def test_without_affinity_nothing_is_asked_of_the_ledger() -> None:
    sessions = Sessions(POLICY.replace("  affinity: {key: auto, ttl: 30m}\n", ""))
    await sessions.ask(messages=[user(FIX)])

    trace = await sessions.ask(input="go on", previous_response_id="r")

    assert trace.notes["task"] != "code"
    assert trace.recall is None
