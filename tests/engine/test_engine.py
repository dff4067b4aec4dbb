"""One decision: pass, route or refuse."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest

from governance.catalog import Catalog
from governance.engine.engine import Engine
from governance.engine.host import Host
from governance.engine.plugins import plugin_class
from governance.hookspecs import hookimpl
from governance.ledger import Option, Reserved
from governance.ledger.memory import MemoryLedger
from governance.model import Charge, Identity, Refusal, Request, Ruling, Target, Window
from governance.model.errors import LedgerUnavailable
from governance.policy import AccessSettings, Policy
from governance.policy.document import Core

NOW_S = 1_795_176_000.0
TEAM = Window("team", "team:research", "requests", 2, 60)
BUDGET = Window("budget", "team:research", "usd_micros", 1_000, "month")
PRICES = {"a/priced": {"litellm_provider": "a", "input_cost_per_token": 1e-06, "output_cost_per_token": 1e-06}}


class Charges:
    """A limit on whoever asks."""

    def __init__(self, *windows: Window, ruling: Ruling | None = None) -> None:
        self._windows, self._ruling = windows, ruling

    @hookimpl
    def pre_request(self, request: Request) -> Ruling:
        return self._ruling or Ruling(charges=tuple(Charge(window, 1) for window in self._windows))


def profiles(*targets: dict[str, Any], **more: Any) -> object:
    plugin = plugin_class("routing_profiles")
    profile = {"name": "Fast", "virtual_provider": "fast", "targets": targets, **more}
    config = plugin.Config.model_validate([profile])  # type: ignore[attr-defined]
    return plugin(config)


def engine(*plugins: object, access: dict[str, Any] | None = None, ledger: Any = None) -> Engine:
    core = Core(access=AccessSettings(**(access or {})))
    host = Host(Policy("test", "sha256:0", core), [(f"plugin{i}", plugin) for i, plugin in enumerate(plugins)])
    return Engine(host, ledger or MemoryLedger(lambda: NOW_S), clock=lambda: NOW_S)


def only(*names: str) -> Callable[[str], Awaitable[bool]]:
    async def may_call(name: str) -> bool:
        return name in names

    return may_call


def reasons(record: dict[str, Any]) -> list[tuple[str, str | None]]:
    return [(candidate["target"], candidate["reason"]) for candidate in record["candidates"]]


A, B = {"provider": "a"}, {"provider": "b"}
ONE_A_MINUTE = {"requests": "1/minute"}
FAST = Request("fast/m")


async def test_a_request_that_nobody_speaks_for_passes_as_it_is() -> None:
    decision = await engine(profiles(A)).admit(Request("openai/gpt-4o", fallbacks=("groq/x",)))

    assert (decision.outcome, decision.refusal) == ("pass", None)
    assert (decision.trace.model, decision.trace.fallbacks) == ("openai/gpt-4o", ("groq/x",))


async def test_a_routed_request_has_a_target_its_fallbacks_and_a_record() -> None:
    decision = await engine(profiles(A, B)).admit(FAST)

    assert decision.outcome == "route"
    assert decision.target == Target("a/m")
    assert [target.name for target in decision.fallbacks] == ["b/m"]
    assert decision.trace.record()["profile"] == "Fast"
    assert reasons(decision.trace.record()) == [("a/m", None), ("b/m", None)]


async def test_a_refusal_of_a_plugin_is_the_answer_and_charges_nothing() -> None:
    teapot = Refusal(403, "teapot", "no coffee here")
    ledger = MemoryLedger(lambda: NOW_S)
    decision = await engine(Charges(TEAM), Charges(ruling=Ruling(refusal=teapot)), ledger=ledger).admit(FAST)

    assert (decision.outcome, decision.refusal, decision.target) == ("refuse", teapot, None)
    assert (await ledger.read([TEAM]))[0].used == 0


async def test_no_target_that_can_serve_is_400_with_every_reason() -> None:
    targets = ({**A, "enabled": False}, {**B, "request_types": ["embedding"]})
    decision = await engine(profiles(*targets)).admit(FAST)

    assert decision.refusal is not None
    assert (decision.refusal.status, decision.refusal.code) == (400, "no_eligible_target")
    assert reasons(decision.trace.record()) == [("a/m", "target_disabled"), ("b/m", "request_type_mismatch")]
    assert "a/m: target_disabled; b/m: request_type_mismatch" in decision.refusal.message


async def test_targets_that_a_plugin_drops_altogether_are_a_refusal_and_no_pass() -> None:
    class Drops:
        @hookimpl
        def select_targets(self, targets: Sequence[Target]) -> list[Target]:
            return []

    decision = await engine(profiles(A), Drops()).admit(FAST)

    assert decision.refusal is not None
    assert decision.refusal.message == "no target of profile Fast can serve this request"


async def test_a_full_target_hands_over_and_full_targets_are_429_with_the_soonest_room() -> None:
    now = [NOW_S]
    ledger = MemoryLedger(lambda: now[0])
    full = engine(profiles({**A, "limits": ONE_A_MINUTE}, {**B, "limits": {"requests": "1/hour"}}), ledger=ledger)

    first, second = await full.admit(FAST), await full.admit(FAST)
    now[0] += 17.5
    third = await full.admit(FAST)

    assert (first.trace.model, first.trace.fallbacks) == ("a/m", ("b/m",))
    assert (second.trace.model, second.trace.fallbacks) == ("b/m", ()), "what is full is no fallback"
    assert third.refusal is not None
    assert (third.refusal.status, third.refusal.code, third.refusal.retry_after_s) == (429, "requests_exhausted", 43)
    assert reasons(third.trace.record()) == [("a/m", "requests_exhausted"), ("b/m", "requests_exhausted")]


async def test_a_full_target_that_is_to_be_the_last_resort_stays_behind_those_with_room() -> None:
    targets = ({**A, "limits": {**ONE_A_MINUTE, "when_full": "last"}}, B, {"provider": "c"})
    fast = engine(profiles(*targets))

    await fast.admit(FAST)
    decision = await fast.admit(FAST)

    assert (decision.trace.model, decision.trace.fallbacks) == ("b/m", ("c/m", "a/m"))


async def test_a_target_that_cools_down_is_passed_over_and_is_no_fallback() -> None:
    ledger = MemoryLedger(lambda: NOW_S)
    fast = engine(profiles(A, {**B, "limits": {"when_full": "last"}}, {"provider": "c"}), ledger=ledger)
    await ledger.cool_down("a/m", 30)
    await ledger.cool_down("b/m", 30)
    decision = await fast.admit(FAST)

    assert (decision.trace.model, decision.trace.fallbacks) == ("c/m", ())
    assert reasons(decision.trace.record()) == [("a/m", "cooling_down"), ("b/m", "cooling_down"), ("c/m", None)]


async def test_targets_that_all_cool_down_are_503_with_the_soonest_end() -> None:
    ledger = MemoryLedger(lambda: NOW_S)
    for name, seconds in (("a/m", 30), ("b/m", 12.5)):
        await ledger.cool_down(name, seconds)
    decision = await engine(profiles(A, B), ledger=ledger).admit(FAST)

    assert decision.refusal is not None
    assert (decision.refusal.status, decision.refusal.code, decision.refusal.retry_after_s) == (503, "cooling_down", 13)


async def test_a_limit_on_the_caller_refuses_whatever_the_target() -> None:
    limited = engine(Charges(TEAM), profiles(A, B))
    outcomes = [(await limited.admit(request)).outcome for request in (FAST, Request("openai/x"), FAST)]
    refusal = (await limited.admit(Request("openai/x"))).refusal

    assert outcomes == ["route", "pass", "refuse"]
    assert refusal is not None
    assert (refusal.status, refusal.limit, refusal.retry_after_s) == (429, "team", 60)


async def test_the_callers_fallbacks_stay_where_the_policy_has_none() -> None:
    asked = Request("fast/m", fallbacks=("groq/x", "openai/y"))

    assert (await engine(profiles(A)).admit(asked)).trace.fallbacks == ("groq/x", "openai/y")
    assert (await engine(profiles(A, B)).admit(asked)).trace.fallbacks == ("b/m",), "a profile's own come first"


async def test_a_virtual_name_among_the_callers_fallbacks_becomes_its_targets() -> None:
    asked = Request("openai/x", fallbacks=("groq/x", "fast/m", "b/m", "fast/"))
    decision = await engine(profiles({**A, "enabled": False}, B, {"provider": "c"})).admit(asked)

    assert decision.trace.fallbacks == ("groq/x", "b/m", "c/m")


async def test_a_rewritten_model_without_targets_is_routed_to() -> None:
    decision = await engine(Charges(ruling=Ruling(model="openai/cheap"))).admit(Request("openai/dear"))

    assert (decision.outcome, decision.trace.model) == ("route", "openai/cheap")
    assert decision.trace.record()["request"]["model"] == "openai/dear"


@pytest.mark.parametrize("access", [{"grant": "targets"}, {}], ids=["policy", "profile"])
async def test_where_targets_are_granted_each_must_be_one_that_the_key_may_call(access: dict[str, str]) -> None:
    more = {} if access else {"access": {"grant": "targets"}}
    fast = engine(profiles(A, B, {"provider": "c"}, **more), access=access)
    decision = await fast.admit(FAST, may_call=only("b/m"))
    nobody = await fast.admit(FAST, may_call=only())

    assert (decision.trace.model, decision.trace.fallbacks) == ("b/m", ())
    assert reasons(decision.trace.record())[0] == ("a/m", "model_not_allowed")
    assert nobody.refusal is not None
    assert nobody.refusal.code == "no_eligible_target"


async def test_a_virtual_fallback_of_the_caller_lends_no_target_that_the_key_may_not_call() -> None:
    fast = engine(profiles(A, B), access={"grant": "targets"})
    decision = await fast.admit(Request("openai/x", fallbacks=("fast/m",)), may_call=only("openai/x", "b/m"))

    assert decision.trace.fallbacks == ("b/m",)


async def test_where_virtual_names_are_granted_nobody_is_asked() -> None:
    assert (await engine(profiles(A)).admit(FAST, may_call=only())).trace.model == "a/m"


async def test_access_is_asked_by_the_name_under_which_the_proxy_serves_a_target() -> None:
    catalog = Catalog([{"model_name": "smart", "litellm_params": {"model": "a/m"}}], {})
    fast = engine(profiles(A), access={"grant": "targets"})
    decision = await fast.admit(Request("fast/m", models=catalog), may_call=only("smart"))

    assert decision.target is not None
    assert decision.call_name(decision.target) == "smart"


async def test_a_policy_may_require_a_key() -> None:
    locked = engine(profiles(A), access={"require_key": True})
    refusal = (await locked.admit(FAST)).refusal

    assert refusal is not None
    assert (refusal.status, refusal.code) == (401, "virtual_key_required")
    assert (await locked.admit(Request("fast/m", identity=Identity("key-1")))).outcome == "route"


async def test_a_simulation_decides_the_same_and_counts_nothing() -> None:
    ledger = MemoryLedger(lambda: NOW_S)
    fast = engine(Charges(TEAM), profiles({**A, "limits": ONE_A_MINUTE}), ledger=ledger)
    for _ in range(3):
        decision = await fast.admit(FAST, mode="simulated")
        assert (decision.outcome, decision.trace.model) == ("route", "a/m")

    assert (await ledger.read([TEAM]))[0].used == 0
    assert decision.trace.record()["mode"] == "simulated"


async def test_a_cost_limit_refuses_what_it_cannot_price() -> None:
    fast = engine(profiles({**A, "limits": {"cost": "1 USD/day"}}, B))
    priced = Request("fast/priced", prompt_tokens=400, max_output_tokens=100, models=Catalog(None, PRICES))
    known, unknown = await fast.admit(priced), await fast.admit(FAST)

    assert (known.trace.model, known.trace.record()["windows"][0]["reserved"]) == ("a/priced", 500)
    assert reasons(unknown.trace.record()) == [("b/m", None), ("a/m", "unpriced")]


async def test_a_ledger_that_does_not_answer_is_503_and_no_error() -> None:
    class Away(MemoryLedger):
        async def reserve(self, shared: Sequence[Charge], options: Sequence[Option], **more: Any) -> Reserved:
            raise LedgerUnavailable("no route to host")

    for asked in (FAST, Request("openai/x")):
        decision = await engine(Charges(TEAM), profiles(A), ledger=Away()).admit(asked)

        assert decision.refusal is not None
        assert (decision.refusal.status, decision.refusal.code) == (503, "ledger_unavailable")
        assert "host" not in decision.refusal.message
        assert decision.trace.steps[-1].did == "unavailable: no route to host"


async def test_a_charge_that_cannot_be_counted_is_503_and_named_in_the_record() -> None:
    decision = await engine(Charges(Window("odd", "team:x", "requests", 1, "fortnight"))).admit(FAST)

    assert decision.refusal is not None
    assert decision.refusal.status == 503
    assert "fortnight" in decision.trace.steps[-1].did
