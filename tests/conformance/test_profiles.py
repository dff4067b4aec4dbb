"""Behaviour cases of the gateway world, areas `profile`, `profile_validation`, `weighted` and `fallback`.

`compat: same` runs as stated, `decide` by what we decided (`ours`). Where a case and the policy reference differ, the
reference wins; the cases for which it does are in `REFERENCE_WINS`, with the reason.
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
from governance.engine.simulation import SimulationInput, simulate
from governance.model.errors import PolicyError

CASES = {c["id"]: c for c in yaml.safe_load((Path(__file__).parent / "gateway-cases.yaml").read_text("utf-8"))["cases"]}

REFERENCE_WINS = {
    "BF-PROF-022": "weighted draws priority group by priority group, so the lower priority number always comes first",
    "BF-PROF-026": "no_eligible_target is status 400, since waiting does not help",
}
ERRORS = {
    "at_least_one_target": "needs at least one target",
    "virtual_provider_required": "virtual_provider: ",
    "virtual_model_not_unique": "virtual_model",
}
REASONS = {"request_threshold_exceeded": "requests_exhausted"}
NO_SUCH_CONCEPT = {
    "BF-FB-013": "weights of a virtual key over providers; here profiles give weights, and targets are the fallbacks",
}


def of(*areas: str) -> list[Any]:
    cases = [
        c for c in CASES.values() if c["area"] in areas and c["compat"] != "optional" and c["id"] not in NO_SUCH_CONCEPT
    ]
    assert cases, f"no cases of {areas}"
    return [pytest.param(c, id=c["id"]) for c in cases]


def host(profiles: list[dict[str, Any]]) -> Host:
    return Host.parse(json.dumps({"version": 1, "routing_profiles": profiles}))


def decide(profiles: list[dict[str, Any]], model: str, catalog: Catalog | None = None, **given: Any) -> Decision:
    body = {"model": model, **given.pop("body", {})}
    everything = catalog or Catalog(None, {})
    return asyncio.run(simulate(host(profiles), SimulationInput(body=body, **given), everything))


def content(parts: list[str]) -> dict[str, Any]:
    shapes = {
        "text": {"type": "text", "text": "hello"},
        "image_url": {"type": "image_url", "image_url": {"url": "data:"}},
    }
    return {"messages": [{"role": "user", "content": [shapes[part] for part in parts]}]} if parts else {}


def fallbacks(decision: Decision) -> list[str]:
    return [target.name for target in decision.fallbacks]


def share_of_first(profiles: list[dict[str, Any]], model: str, draws: int) -> Counter[str]:
    engine_host = host(profiles)

    async def many() -> Counter[str]:
        given = SimulationInput(body={"model": model})
        served: Counter[str] = Counter()
        for _ in range(draws):
            decision = await simulate(engine_host, given, Catalog(None, {}))
            assert decision.target is not None
            served[decision.target.name] += 1
        return served

    return asyncio.run(many())


@pytest.mark.parametrize("case", [c for c in of("profile") if "profiles" in c.values[0]["given"]])
def test_profile_case(case: dict[str, Any]) -> None:
    given = case["given"]
    expect = {**case["expect"], **case.get("ours", {})} if case["compat"] == "decide" else case["expect"]
    request = given["request"]
    profiles = [dict(profile) for profile in given["profiles"]]
    usage = []
    for provider, percent in given.get("profile_env", {}).get("usage_percent", {}).items():
        for target in profiles[0]["targets"]:
            if target["provider"] == provider:
                target["limits"] = {"requests": "100/minute"}
        usage.append(
            {
                "target": f"{provider}/{request['model'].split('/', 1)[1]}",
                "unit": "requests",
                "used": percent["request"],
            }
        )
    body = {**content(request.get("content", [])), "fallbacks": request.get("fallbacks", [])}
    if "draws" in given:
        served = share_of_first(profiles, request["model"], given["draws"])
        # The share that the case wants ignores priorities; see REFERENCE_WINS.
        assert case["id"] in REFERENCE_WINS
        assert served == {"a/m": given["draws"]}
        return

    decision = decide(profiles, request["model"], body=body, usage=usage)

    if "error" in expect or expect.get("profile_error"):
        assert decision.refusal is not None
        assert decision.refusal.code == expect.get("profile_error", expect.get("error", {}).get("type"))
        assert decision.refusal.status == 400
        return
    assert decision.trace.notes.get("profile") == expect.get("profile", decision.trace.notes.get("profile"))
    if expect.get("simulate_error"):
        assert decision.outcome == "pass"
        return
    assert decision.target is not None
    assert decision.target.name == expect["model"]
    assert fallbacks(decision) == expect.get("fallbacks", [])
    for reason, times in expect.get("rejections", {}).items():
        assert [c.reason for c in decision.trace.candidates].count(REASONS[reason]) == times


@pytest.mark.parametrize("case", [c for c in of("profile") if "virtual_model_match" in c.values[0]["given"]])
def test_virtual_model_case(case: dict[str, Any]) -> None:
    given = case["given"]["virtual_model_match"]
    target = {"provider": "a", **({"virtual_model": given["target"]} if given["target"] else {})}

    decision = decide([{"name": "P", "virtual_provider": "vp", "targets": [target]}], f"vp/{given['requested']}")

    assert (decision.outcome == "route") is case["expect"]["matched"]


@pytest.mark.parametrize("case", [c for c in of("profile") if "capability_match" in c.values[0]["given"]])
def test_capability_case(case: dict[str, Any]) -> None:
    given = case["given"]["capability_match"]
    target = {"provider": "a", "capabilities": given["target"]}
    profiles = [{"name": "P", "virtual_provider": "vp", "targets": [target]}]

    decision = decide(profiles, "vp/m", capabilities=given["request"])

    assert (decision.outcome == "route") is case["expect"]["matched"]


@pytest.mark.parametrize("case", of("profile_validation"))
def test_profile_validation_case(case: dict[str, Any]) -> None:
    expect = case["ours"] if case["compat"] == "decide" else case["expect"]
    if expect.get("ok"):
        assert host(case["given"]["profiles"]).policy.order == ("routing_profiles",)
        return

    with pytest.raises(PolicyError) as refused:
        host(case["given"]["profiles"])

    assert ERRORS[expect["error"]] in str(refused.value)


@pytest.mark.parametrize("case", of("weighted"))
def test_weighted_case(case: dict[str, Any]) -> None:
    given, expect = case["given"], case["expect"]
    targets = [{"provider": t["name"], "weight": t["weight"]} for t in given["targets"]]
    profiles = [{"name": "P", "virtual_provider": "vp", "strategy": "weighted", "targets": targets}]

    served = share_of_first(profiles, "vp/m", given["draws"])

    for name, share in expect["share"].items():
        assert served[f"{name}/m"] / given["draws"] == pytest.approx(share, abs=expect["tolerance"])


@pytest.mark.parametrize("case", [c for c in of("fallback") if "primary_error" not in c.values[0]["given"]])
def test_fallback_case(case: dict[str, Any]) -> None:
    """Stated for rules; a profile's targets behind the first are fallbacks by the same words."""
    given, expect = case["given"], case["expect"]
    model = given.get("request_model", "m")
    first = given.get("rule_target", {"provider": "first", "model": model})
    entries = [
        e if isinstance(e, dict) else dict(zip(("provider", "model"), e.split("/", 1), strict=False))
        for e in given.get("rule_fallbacks", [])
    ]
    known = given.get("known_providers")
    catalog = Catalog([{"model_name": f"{p}/*"} for p in [*known, first["provider"]]], {}) if known else None
    profiles = [{"name": "P", "virtual_provider": "vp", "targets": [first, *entries]}]

    decision = decide(profiles, f"vp/{model}", catalog, body={"fallbacks": given.get("caller_fallbacks", [])})

    assert fallbacks(decision) == expect["fallbacks"]
    skipped = [c.target.removesuffix(f"/{model}") for c in decision.trace.candidates if c.reason == "not_configured"]
    assert skipped == expect.get("skipped", [])
