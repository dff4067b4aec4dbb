"""What a change is said to do is what it does: by random changes of random policies, and random requests."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from copy import deepcopy
from typing import Any

from governance.catalog import Catalog
from governance.engine.engine import Engine
from governance.engine.host import Host
from governance.ledger.memory import MemoryLedger
from governance.model import Identity, Request, Usage
from governance.model.errors import GovernanceError
from governance.usecases.compare import compare

SEEDS = 900
NOW_S = 1_795_176_000.0
PRICES = {
    name: {"litellm_provider": "p", "input_cost_per_token": dear, "output_cost_per_token": dear}
    for name, dear in (("p/a", 1e-5), ("p/b", 1e-6))
}
MODELS = ["p/a", "p/b", "q/free", "fast/a", "fast/b", "slow/a"]
SERVED = [{"model_name": name} for name in ("p/a", "p/b", "q/free", "q/a", "q/b")]
CATALOG = Catalog(SERVED, PRICES)
SUBJECTS = [
    "everyone",
    {"team": "red"},
    {"team": "*"},
    {"team": "red", "user": "*"},
    {"user": "u1"},
    {"model": "a"},
    {"provider": "q"},
]
CONDITIONS = ["", 'team_id == "red"', 'model.startsWith("fast")', "prompt_tokens > 50", "request > 50.0"]
RATES = ["1/minute", "2/minute", "5/minute", "2/hour", "5/hour", ["2/minute", "3/hour"], ["5/minute", "9/day"]]
TOKENS = ["100/minute", "400/minute", "400/hour"]
SPENDS = ["0.001 USD/day", "0.01 USD/day", "0.01 USD/month", ["0.001 USD/hour", "0.01 USD/day"]]
ASSUMED = [{"assume": {"input": f"{dollars} USD/1M", "output": "2 USD/1M"}} for dollars in (1, 5)]
TARGETS = [{"provider": "p"}, {"provider": "q"}, {"provider": "p", "model": "b"}, {"group": "q/free"}]

LIMIT = {
    "subject": SUBJECTS,
    "match": CONDITIONS,
    "enabled": [True, False],
    "mode": ["enforce", "shadow"],
    "on_unavailable": ["refuse", "allow", "share"],
    "alert_at": ["80%", ["50%", "90%"]],
    "description": ["one", "two"],
}
FIELDS: dict[str, dict[str, list[Any]]] = {
    "rate_limits": {**LIMIT, "requests": RATES, "tokens": TOKENS, "concurrent": [1, 3]},
    "budgets": {
        **LIMIT,
        "amount": SPENDS,
        "unpriced": ["refuse", "allow", *ASSUMED],
        "timezone": ["UTC", "Asia/Tokyo"],
        "rolling": [True, False],
    },
    "routing_rules": {
        "cel_expression": CONDITIONS,
        "enabled": [True, False],
        "mode": ["enforce", "shadow"],
        "priority": [0, 1],
        "refuse": [{"message": "no"}, {"message": "never"}, {"message": "no", "status": 429}],
        "targets": [[{"provider": "q", "model": "free"}], [{"provider": "p", "model": "b"}]],
        "description": ["one", "two"],
    },
    "routing_profiles": {
        "virtual_provider": ["fast", "slow"],
        "targets": [[one, {**two, "weight": 2}] for one in TARGETS for two in TARGETS if one != two],
        "enabled": [True, False],
        "mode": ["enforce", "shadow"],
        "description": ["one", "two"],
    },
}
NEEDED = {
    "rate_limits": ["subject"],
    "budgets": ["subject", "amount"],
    "routing_profiles": ["virtual_provider", "targets"],
}
DEGRADES = {"route_to": "q/free"}


def entry(section: str, name: str, rng: random.Random) -> dict[str, Any]:
    fields = FIELDS[section]
    made: dict[str, Any] = {"name": name, **{key: rng.choice(fields[key]) for key in NEEDED.get(section, ())}}
    if section == "rate_limits":
        made |= {
            key: rng.choice(fields[key]) for key in rng.sample(["requests", "tokens", "concurrent"], rng.choice([1, 2]))
        }
    if section == "routing_rules":
        effect = rng.choice(["refuse", "refuse", "targets"])
        made |= {effect: rng.choice(fields[effect]), "cel_expression": rng.choice(CONDITIONS)}
    for key in ("match", "enabled", "mode"):
        if key in fields and rng.random() < 0.2:
            made[key] = rng.choice(fields[key])
    return made


def policy(rng: random.Random) -> dict[str, Any]:
    made: dict[str, Any] = {"version": 1, "access": {"require_key": rng.random() < 0.1}}
    for section in FIELDS:
        made[section] = [entry(section, f"{section} {i}", rng) for i in range(rng.choice([0, 1, 1, 2, 3]))]
    if rng.random() < 0.1 and made["budgets"]:
        made["budgets"][0]["on_exceeded"] = DEGRADES
    return made


def changed(document: dict[str, Any], rng: random.Random) -> dict[str, Any]:
    """One or two edits: an entry more, less or in another place, or a field of one."""
    made = deepcopy(document)
    for _ in range(rng.choice([1, 1, 1, 2])):
        section = rng.choice(list(FIELDS))
        listed = made[section]
        what = rng.random()
        if what < 0.15 or not listed:
            listed.insert(rng.randint(0, len(listed)), entry(section, f"{section} new", rng))
        elif what < 0.25:
            listed.pop(rng.randrange(len(listed)))
        elif what < 0.3:
            rng.shuffle(listed)
        elif what < 0.35:
            rng.choice(listed)["name"] += " again"
        elif what < 0.4:
            made["access"]["require_key"] = not made["access"]["require_key"]
        else:
            one = rng.choice(listed)
            key = rng.choice([key for key in FIELDS[section] if key in one] * 2 + list(FIELDS[section]))
            if key in one and key not in NEEDED.get(section, ()) and rng.random() < 0.3:
                del one[key]
            else:
                one[key] = rng.choice(FIELDS[section][key])
    return made


def asked(rng: random.Random) -> Any:
    who = Identity(
        virtual_key_id=rng.choice(["", "k1", "k1", "k2"]),
        team_id=rng.choice(["red", "red", "blue", ""]),
        user_id=rng.choice(["u1", "u2", ""]),
    )
    model, tokens, seed = rng.choice(MODELS), rng.choice([1, 20, 90, 300]), rng.random()
    catalog = Catalog(SERVED, PRICES)

    def made() -> Request:
        return Request(
            model,
            identity=who,
            prompt_tokens=tokens,
            max_output_tokens=10,
            models=catalog,
            draw=random.Random(seed).random,
        )

    return made


async def use(engine: Engine, rng: random.Random) -> None:
    """Some requests of before: answered, under way or failed."""
    for _ in range(rng.choice([0, 3, 10, 25])):
        decision = await engine.admit(asked(rng)())
        end = rng.random()
        if decision.refusal or decision.target is None or end < 0.2:
            continue
        if end < 0.3:
            await engine.release(decision)
            continue
        name = decision.call_name(decision.target)
        if await engine.attempt(decision, name) is None:
            await engine.settle(decision, name, Usage(rng.choice([1, 50]), 5, rng.choice([0, 900, 5_000])))


def seen(decision: Any) -> Any:
    refusal = decision.refusal
    told = (refusal.status, refusal.code) if refusal else None
    return decision.outcome, decision.trace.model, tuple(decision.trace.fallbacks), told


async def play(rng: random.Random, said: Counter[str]) -> None:
    document = policy(rng)
    other = changed(document, rng)
    try:
        old, new = Host.parse(json.dumps(document)), Host.parse(json.dumps(other))
    except GovernanceError:
        return
    found = compare(old, new)
    if not found:
        return
    effects = {effect for change in found for effect in change.effects} - {"cosmetic"}
    claim = "cosmetic" if not effects else next(iter(effects)) if len(effects) == 1 else ""
    if claim not in ("tightens", "loosens", "cosmetic"):
        said["other"] += 1
        return
    ledger = MemoryLedger(lambda: NOW_S)
    before, after = (Engine(host, ledger, clock=lambda: NOW_S) for host in (old, new))
    await use(before, rng)
    after.levels = before.levels
    for _ in range(20):
        request = asked(rng)
        was = await before.admit(request(), mode="simulated")
        now = await after.admit(request(), mode="simulated")
        told = f"{claim}: {found}\n{json.dumps(document)}\n{request()}\n{seen(was)} -> {seen(now)}"
        said[claim] += 1
        said[f"{claim}, and it mattered"] += seen(was) != seen(now)
        if claim == "tightens":
            assert was.refusal is None or now.refusal is not None, told
        elif claim == "loosens":
            assert now.refusal is None or was.refusal is not None, told
        else:
            assert seen(was) == seen(now), told


def test_what_tightens_admits_nothing_more_what_loosens_refuses_nothing_more_and_the_cosmetic_decides_nothing() -> None:
    said: Counter[str] = Counter()

    async def all_of_them() -> None:
        for seed in range(SEEDS):
            await play(random.Random(seed), said)

    asyncio.run(all_of_them())

    for claim in ("tightens", "loosens"):
        assert said[claim] > 400, said
        assert said[f"{claim}, and it mattered"] > 50, "requests that no limit meets would prove nothing"
    assert said["cosmetic"] > 200, said
