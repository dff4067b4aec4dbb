"""Behaviour cases of the gateway world, areas `rate_limit` and `budget`, on the plugins that keep limits here."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from governance.catalog import Catalog
from governance.engine.engine import Engine
from governance.engine.host import Host
from governance.ledger import Option
from governance.ledger.memory import MemoryLedger
from governance.model import Charge, Identity, Request, Usage
from governance.model.errors import PolicyError

CASES = {c["id"]: c for c in yaml.safe_load((Path(__file__).parent / "gateway-cases.yaml").read_text("utf-8"))["cases"]}
AREAS = {case["id"] for case in CASES.values() if case["area"] in ("rate_limit", "budget")}
WHO = Identity(team_id="t")
PRICED = {"openai/m": {"litellm_provider": "openai", "input_cost_per_token": 1e-6, "output_cost_per_token": 1e-6}}
EXCEEDED = {
    "request_limited": "requests_exhausted",
    "token_limited": "tokens_exhausted",
    "rate_limited": ("requests_exhausted", "tokens_exhausted"),
    "budget_exceeded": "cost_exhausted",
}


class Clock:
    now_s = 1_795_176_000.0

    def __call__(self) -> float:
        return self.now_s


def given(case_id: str) -> tuple[dict[str, Any], dict[str, Any]]:
    case = CASES[case_id]
    return case["given"], case["ours"] if case["compat"] == "decide" else case["expect"]


def engine(policy: dict[str, Any], clock: Clock) -> Engine:
    return Engine(Host.parse(json.dumps({"version": 1, **policy})), MemoryLedger(clock), clock=clock)


def request(prompt_tokens: int = 1) -> Request:
    models = Catalog(None, PRICED)
    return Request("openai/m", "embedding", WHO, prompt_tokens=prompt_tokens, models=models)


async def use(of: Engine, used: dict[str, int]) -> None:
    """Count what a case says is used, by the name of the limit and unit."""
    decision = await of.admit(request(0), mode="simulated")
    windows = {(r.window.limit, r.window.unit): r.window for r, _ in decision.trace.windows}
    for i, (name, amount) in enumerate(used.items()):
        limit, unit = name.split("/")
        window = windows[limit, unit]
        await of.ledger.move(f"use {i}", 1, Option("", [Charge(window, amount)]), force=True)
        await of.ledger.settle(f"use {i}", {})


def rate(**limits: Any) -> dict[str, Any]:
    return {"subject": {"team": "t"}, **limits}


async def refusal(of: Engine, prompt_tokens: int = 1) -> Any:
    return (await of.admit(request(prompt_tokens))).refusal


@pytest.mark.parametrize("case_id", ["BF-RL-002", "BF-RL-003"])
async def test_a_window_that_is_used_up_limits(case_id: str) -> None:
    of, expect = given(case_id)
    requests, tokens = of["requests"], of["tokens"]
    limit = rate(name="l", requests=f"{requests['max']}/minute", tokens=f"{tokens['max']}/minute")
    limited = engine({"rate_limits": [limit]}, Clock())
    await use(limited, {"l/requests": requests["used"], "l/tokens": tokens["used"]})

    told = await refusal(limited)

    assert told.status == expect["status"]
    assert told.code in EXCEEDED[expect["decision"]]


async def test_a_later_refusal_leaves_nothing_counted() -> None:
    of, expect = given("BF-RL-006")
    limits = [rate(name=entry["id"], requests=f"{entry['requests']['max']}/minute") for entry in of["limits"]]
    limited = engine({"rate_limits": limits}, Clock())
    await use(limited, {f"{entry['id']}/requests": entry["requests"]["used"] for entry in of["limits"]})

    told = await refusal(limited)

    assert told.code == EXCEEDED[expect["decision"]]
    windows = (await limited.admit(request(), mode="simulated")).trace.windows
    assert {reading.window.limit: reading.used for reading, _ in windows} == expect["used_after"]


async def test_no_more_are_admitted_at_once_than_fit() -> None:
    of, expect = given("BF-RL-007")
    limited = engine({"rate_limits": [rate(name="l", requests=f"{of['requests']['max']}/minute")]}, Clock())

    told = [await refusal(limited) for _ in range(of["concurrent"])]

    assert told.count(None) == expect["admitted"]


@pytest.mark.parametrize("case_id", ["BF-RL-008", "BF-RL-009"])
async def test_windows_are_independent_and_one_that_is_full_is_enough(case_id: str) -> None:
    of, expect = given(case_id)
    words = {"1m": "minute", "1d": "day"}
    limits, used = [], {}
    for i, rule in enumerate(of["rules"]):
        limits.append(rate(name=f"l{i}", **{rule["metric"]: f"{rule['max']}/{words[rule['window']]}"}))
        used[f"l{i}/{rule['metric']}"] = rule["used"]
    limited = engine({"rate_limits": limits}, Clock())
    await use(limited, used)

    assert (await refusal(limited)).code == EXCEEDED[expect["decision"]]


async def test_a_limit_with_another_period_begins_anew() -> None:
    of, expect = given("BF-RL-012")
    clock = Clock()
    before = engine({"rate_limits": [rate(name="l", requests=f"{of['rule']['max']}/minute")]}, clock)
    await use(before, {"l/requests": of["rule"]["used"]})
    host = Host.parse(json.dumps({"version": 1, "rate_limits": [rate(name="l", requests=f"{of['rule']['max']}/day")]}))
    after = Engine(host, before.ledger, clock=clock)

    (entry,) = (await after.admit(request(), mode="simulated")).trace.windows

    assert entry[0].used == expect["used_after"]


def test_a_limit_of_nothing_is_a_mistake() -> None:
    of, _ = given("BF-RL-015")

    with pytest.raises(PolicyError, match="must be above 0"):
        engine({"rate_limits": [rate(name="l", requests=f"{of['write']['request_max_limit']}/minute")]}, Clock())


def budget(name: str, dollars: float, period: str = "month", **more: Any) -> dict[str, Any]:
    return {"name": name, "subject": {"team": "t"}, "amount": f"{dollars} USD/{period}", **more}


async def test_a_budget_with_room_allows() -> None:
    of, _ = given("BF-BUD-001")
    limited = engine({"budgets": [budget("b", of["max"])]}, Clock())
    await use_money(limited, {"b": of["used"]})

    assert await refusal(limited) is None


@pytest.mark.parametrize("case_id", ["BF-BUD-004"])
async def test_one_budget_that_is_used_up_is_enough(case_id: str) -> None:
    of, expect = given(case_id)
    limited = engine({"budgets": [budget(e["id"], e["max"], e["id"]) for e in of["budgets"]]}, Clock())
    await use_money(limited, {entry["id"]: entry["used"] for entry in of["budgets"]})

    assert (await refusal(limited)).code == EXCEEDED[expect["decision"]]


async def test_every_budget_is_charged() -> None:
    of, expect = given("BF-BUD-005")
    limited = engine({"budgets": [budget(e["id"], e["max"], e["id"]) for e in of["budgets"]]}, Clock())
    decision = await limited.admit(request())
    await limited.settle(decision, "openai/m", Usage(1, 0, round(of["charge"] * 1_000_000)))

    windows = (await limited.admit(request(), mode="simulated")).trace.windows

    assert {r.window.limit: r.used / 1_000_000 for r, _ in windows} == expect["used_after"]


async def test_a_budget_of_the_model_blocks_beside_one_with_room() -> None:
    of, expect = given("BF-BUD-008")
    budgets = [
        budget("model", of["model_budget"]["max"], subject={"model": "m"}),
        budget("target", of["model_provider_budget"]["max"], subject={"target": "openai/m"}),
    ]
    limited = engine({"budgets": budgets}, Clock())
    await use_money(limited, {"model": of["model_budget"]["used"], "target": of["model_provider_budget"]["used"]})

    assert (await refusal(limited)).code == EXCEEDED[expect["decision"]]


async def test_a_budget_begins_anew_with_its_next_period() -> None:
    of, _ = given("BF-BUD-010")
    clock = Clock()
    limited = engine({"budgets": [budget("b", of["max"], "day")]}, clock)
    await use_money(limited, {"b": of["used"]})
    assert await refusal(limited) is not None

    clock.now_s += of["window_started_h_ago"] * 3600

    assert await refusal(limited) is None


def test_a_budget_without_a_period_cannot_be_written() -> None:
    of, _ = given("BF-BUD-011")

    # Upstream lets it be saved and enforces it for ever; here it never becomes a policy.
    with pytest.raises(PolicyError, match="at least one second"):
        engine({"budgets": [budget("b", of["max"], of["reset"], rolling=True)]}, Clock())


async def use_money(of: Engine, dollars: dict[str, float]) -> None:
    decision = await of.admit(request(), mode="simulated")
    windows = {reading.window.limit: reading.window for reading, _ in decision.trace.windows}
    for name, amount in dollars.items():
        charge = Charge(windows[name], round(amount * 1_000_000))
        await of.ledger.move(f"use {name}", 1, Option("", [charge]), force=True)
        await of.ledger.settle(f"use {name}", {})


def test_no_case_of_these_areas_is_left_out() -> None:
    text = Path(__file__).read_text("utf-8")

    assert all(f'"{case_id}"' in text for case_id in AREAS)
