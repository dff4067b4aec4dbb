"""Behaviour cases of the gateway world for routing rules, their conditions and how full limits are.

`compat: same` runs as stated, `decide` by what we decided (`ours`), `optional` where it is built. Where a case and the
policy reference differ, the reference wins; the cases for which it does are in `REFERENCE_WINS`, with the reason.
"""

import asyncio
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from governance.catalog import Catalog
from governance.engine.decision import Decision
from governance.engine.host import Host
from governance.engine.levels import LastSeen
from governance.engine.simulation import SimulationInput, simulate
from governance.expressions import Facts, compile_condition
from governance.ledger import Reading
from governance.model import Identity, Percent, Request, Unit, Window
from governance.model.errors import PolicyError

FILE = Path(__file__).parent / "gateway-cases.yaml"
DOCUMENT = yaml.safe_load(FILE.read_text("utf-8"))
CASES = {case["id"]: case for case in DOCUMENT["cases"]}
DEFAULTS = DOCUMENT["meta"]["defaults"]["context"]

REFERENCE_WINS = {
    "BF-CEL-006": "a pattern that RE2 does not know is refused when the policy is loaded, not skipped for each request",
    "BF-CEL-037": "a condition that gives no truth value is refused when the policy is loaded",
    "BF-RULE-006": "a rule with an unknown name is refused when the policy is loaded; it is never skipped",
    "BF-WT-006": "the weights of a rule must sum to 1, in a file as well as through an API",
}
NOT_BUILT = {
    "BF-CEL-048": "complexity_tier is no variable here, so that the rule is refused when it is loaded",
    "BF-RULE-014": "the depth of a chain is 10 for everybody; a test of our own covers it",
    "BF-FB-004": "LiteLLM chooses among keys itself, so a fallback has no key_id",
}
NO_SUCH_CONCEPT = {
    "BF-FB-014": "whether an error is worth a fallback is the business of failover; see tests/plugins/test_failover.py",
    "BF-FB-015": "which error the caller gets when all fail is the business of the proxy",
    "BF-FB-013": "weights of a virtual key over providers; here rules and profiles give weights",
}
ERRORS = {
    "at_least_one_target": "a rule needs at least one target",
    "scope_id_required": "is required for scope team",
    "invalid_expression": "unknown name `nonexistent_field` at column 1",
}


def of(area: str, *, also: frozenset[str] = frozenset()) -> list[Any]:
    left_out = NOT_BUILT.keys() | NO_SUCH_CONCEPT.keys() | also
    cases = [case for case in CASES.values() if case["area"] == area and case["id"] not in left_out]
    assert cases, f"no cases of {area}"
    return [pytest.param(case, id=case["id"]) for case in cases]


def host(rules: list[dict[str, Any]]) -> Host:
    return Host.parse(json.dumps({"version": 1, "routing_rules": rules}))


def decide(rules: list[dict[str, Any]], model: str, catalog: Catalog | None = None, **given: Any) -> Decision:
    body = {"model": model, **given.pop("body", {})}
    return asyncio.run(simulate(host(rules), SimulationInput(body=body, **given), catalog or Catalog(None, {})))


def rule_of(case: dict[str, Any]) -> dict[str, Any]:
    """A rule as the case writes it, in our words."""
    ours = {"name": case["id"], "cel_expression": case.get("expression", "")}
    return ours | {key: value for key, value in case.items() if key not in ("id", "expression")}


def seen(context: dict[str, Any]) -> Request:
    """The request whose variables are those of the case."""
    values = {**DEFAULTS, **context}
    named = {name: values[name] for name in Identity.__dataclass_fields__ if name in values}

    class Given:
        def percent(self, request: Request) -> Percent:
            return Percent(values["budget_used"], values["tokens_used"], values["request"])

    return Request(
        f"{values['provider']}/{values['model']}",
        request_type="chat" if values["request_type"] == "chat_completion" else values["request_type"],
        identity=Identity(**named),
        headers={name.lower(): text for name, text in values["headers"].items()},
        params={name.lower(): text for name, text in values["params"].items()},
        levels=Given(),
    )


@pytest.mark.parametrize("case", of("cel"))
def test_cel_case(case: dict[str, Any]) -> None:
    result = (case["ours"] if case["compat"] == "decide" else case["expect"])["result"]
    if result in ("invalid", "skipped"):
        assert result == "invalid" or case["id"] in REFERENCE_WINS
        with pytest.raises(ValueError, match=r"\w"):
            compile_condition(case["given"]["expression"])
        return
    condition = compile_condition(case["given"]["expression"])

    answer = condition.evaluate(Facts(seen(case["given"].get("context", {})), condition.reads))

    assert (answer is True) is (result == "match")


@pytest.mark.parametrize("case", of("scope"))
def test_scope_case(case: dict[str, Any]) -> None:
    """The chain is asked in order: without the rule of the first scope, that of the next one takes the request."""
    who = {f"{kind}_id": name for kind, name in case["given"]["identity"].items()}
    chain = [entry.partition(":") for entry in case["expect"]["chain"]]
    every = ("virtual_key", "user", "team", "customer", "global")
    ids = {scope: name for scope, _, name in chain}
    rules = [
        {"name": scope, "scope": scope, "scope_id": ids.get(scope) or "other", "targets": [{"provider": scope}]}
        for scope in reversed(every)
    ]

    asked = []
    while rules:
        chosen = decide(rules, "m", identity=who).trace.notes.get("rule")
        if chosen is None:
            break
        asked.append(chosen)
        rules = [rule for rule in rules if rule["name"] != chosen]

    assert asked == [scope for scope, _, _ in chain]


@pytest.mark.parametrize("case", of("rule", also=frozenset({"BF-RULE-006"})))
def test_rule_case(case: dict[str, Any]) -> None:
    given, expect = case["given"], case["expect"]
    asked = f"{given['request']['provider']}/{given['request']['model']}"

    decision = decide([rule_of(rule) for rule in given["rules"]], asked)

    assert decision.trace.notes.get("rule") == expect["rule"]
    assert decision.trace.model == f"{expect['provider']}/{expect['model']}"


def test_a_rule_that_does_not_compile_is_refused_and_not_skipped() -> None:
    """BF-RULE-006, where the reference wins."""
    with pytest.raises(PolicyError, match="unknown name `nope` at column 1"):
        host([rule_of(rule) for rule in CASES["BF-RULE-006"]["given"]["rules"]])


@pytest.mark.parametrize("case", of("rule_validation"))
def test_rule_validation_case(case: dict[str, Any]) -> None:
    rule = {"name": case["id"], "targets": [{"provider": "openai"}], **case["given"]}
    if case["expect"].get("ok"):
        decision = decide([rule], "m", identity={"team_id": "another"})
        assert decision.trace.notes["rule"] == case["id"], "it is for everybody: its scope_id means nothing"
        return

    with pytest.raises(PolicyError) as refused:
        host([rule])

    assert ERRORS[case["expect"]["error"]] in str(refused.value)


@pytest.mark.parametrize("case", of("weighted"))
def test_weighted_case(case: dict[str, Any]) -> None:
    given, expect = case["given"], case["expect"]
    rules = [{"name": "R", "targets": [{"provider": t["name"], "weight": t["weight"]} for t in given["targets"]]}]
    if case["id"] in REFERENCE_WINS:
        with pytest.raises(PolicyError, match="must sum to 1"):
            host(rules)
        total = sum(target["weight"] for target in rules[0]["targets"])
        rules[0]["targets"] = [{**t, "weight": t["weight"] / total} for t in rules[0]["targets"]]
    started = host(rules)

    async def many() -> Counter[str]:
        served: Counter[str] = Counter()
        for _ in range(given["draws"]):
            decision = await simulate(started, SimulationInput(body={"model": "m"}), Catalog(None, {}))
            served[decision.trace.model] += 1
        return served

    served = asyncio.run(many())

    for name, share in expect["share"].items():
        assert served[f"{name}/m"] / given["draws"] == pytest.approx(share, abs=expect["tolerance"])


@pytest.mark.parametrize("case", of("fallback", also=frozenset({"BF-FB-012"})))
def test_fallback_case(case: dict[str, Any]) -> None:
    given, expect = case["given"], case["expect"]
    model = given.get("request_model", "m")
    target = given.get("rule_target", {"provider": "first", "model": model})
    known = given.get("known_providers")
    catalog = Catalog([{"model_name": f"{p}/*"} for p in [*known, target["provider"]]], {}) if known else None
    rule = {"name": "R", "targets": [target], "fallbacks": given.get("rule_fallbacks", [])}

    decision = decide([rule], model, catalog, body={"fallbacks": given.get("caller_fallbacks", [])})

    assert [target.name for target in decision.fallbacks] == expect["fallbacks"]
    dropped = [entry.target for entry in decision.trace.candidates if entry.reason == "not_configured"]
    assert dropped == expect.get("skipped", [])


def test_in_a_chain_the_fallbacks_of_the_last_rule_count_even_when_it_has_none() -> None:
    """BF-FB-012."""
    first, last = CASES["BF-FB-012"]["given"]["chain"]
    rules = [
        {
            "name": "first",
            "targets": [{"provider": "openai"}],
            "fallbacks": first["rule_fallbacks"],
            "chain_rule": True,
        },
        {"name": "second", "cel_expression": 'provider == "openai"', "targets": [{"provider": "b"}]},
    ]
    assert last["rule_fallbacks"] is None

    decision = decide(rules, "m")

    assert decision.trace.notes["rule"] == "second"
    assert list(decision.fallbacks) == CASES["BF-FB-012"]["expect"]["fallbacks"]


@pytest.mark.parametrize("case", of("capacity"))
def test_capacity_case(case: dict[str, Any]) -> None:
    units: dict[str, Unit] = {"budget": "usd_micros", "tokens": "tokens", "requests": "requests"}
    levels = LastSeen(clock=lambda: 0.0)
    for kind, limits in case["given"]["limits"].items():
        subject = {"model": "model:gpt-4o", "provider": "provider:openai"}[kind]
        for name, limit in limits.items():
            window = Window(f"{kind} {name}", subject, units[name], limit["max"], 60)
            levels.note([(Reading(window, limit["used"], 1, True, None, 60.0), False)])

    percent = levels.percent(Request("openai/gpt-4o"))

    for name, expected in case["expect"].items():
        assert getattr(percent, name) == expected
