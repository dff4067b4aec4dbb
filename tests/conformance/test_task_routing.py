"""Behaviour cases of other task routers, as far as they are about routing by task.

`conform` runs as stated, `trap` by what is sensible (`want`), `policy` by what the reference says. Cases that are about
something else are in `NO_SUCH_CONCEPT`, those in which the reference wins in `REFERENCE_WINS`, each with the reason.
"""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from governance.catalog import Catalog
from governance.cli import app
from governance.engine.decision import Decision
from governance.engine.host import Host
from governance.engine.simulation import SimulationInput, simulate
from governance_plugins.task_routing.classifier import classify

CASES = yaml.safe_load((Path(__file__).parent / "task-routing-cases.yaml").read_text("utf-8"))["cases"]

# What a chain of the cases names, as the presets name it.
NAMES = {
    "claude-sonnet-4.5": "anthropic/claude-sonnet-4-5",
    "gpt-4o": "openai/gpt-4o",
    "gpt-4o-mini": "openai/gpt-4o-mini",
    "gemini-2.0-flash": "gemini/gemini-2.0-flash",
}
REFERENCE_WINS = {
    "chn-12": "each profile has chains of its own; the one table that was built is not what was designed",
    "chn-14": "a task word that nobody knows is refused, and one without a chain goes to the fallback",
}
NO_SUCH_CONCEPT = {
    "ovr-07": "there is no picker: a target's name is the one that the proxy serves, provider included",
}
PARTS = {
    "text": {"type": "text", "text": "Fix this bug"},
    "image": {"type": "image_url", "image_url": {"url": "data:"}},
    "video": {"type": "video_url", "video_url": {"url": "data:"}},
}


def of(*areas: str) -> list[Any]:
    cases = [c for c in CASES if c["area"] in areas and c["id"] not in NO_SUCH_CONCEPT | REFERENCE_WINS]
    assert cases, f"no cases of {areas}"
    return [pytest.param(case, id=case["id"]) for case in cases]


def expected(case: dict[str, Any]) -> dict[str, Any]:
    wanted: dict[str, Any] = case["want"] if case["kind"] == "trap" else case["upstream"]
    return wanted


def facts(has: list[str]) -> dict[str, Any]:
    sees = {"supports_vision": "image" in has, "supports_video_input": "video" in has}
    return {"litellm_provider": "p", "mode": "chat", "supports_function_calling": True, **sees}


def decide(model: str, section: dict[str, Any], prices: dict[str, Any] | None = None, /, **given: Any) -> Decision:
    host = Host.parse(json.dumps({"task_routing": section}))
    body = {"model": model, **given.pop("body", {})}
    return asyncio.run(simulate(host, SimulationInput(body=body, **given), Catalog(None, prices or {})))


def asking(*needs: str) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": [PARTS[need] for need in needs]}]}


def names(decision: Decision) -> list[str]:
    assert decision.target is not None, decision.refusal
    return [decision.target.name, *(target.name for target in decision.fallbacks)]


def no_target(decision: Decision) -> str:
    assert decision.refusal is not None
    assert (decision.refusal.status, decision.refusal.code) == (400, "no_eligible_target")
    return decision.refusal.message


@pytest.mark.parametrize("case", of("classify"))
def test_classify_case(case: dict[str, Any]) -> None:
    assert classify(case["given"]["prompt"]).task in expected(case)["task"].split("_or_")


@pytest.mark.parametrize("case", of("complexity"))
def test_complexity_case(case: dict[str, Any]) -> None:
    """There are no tiers of complexity: what is simple is general, what needs reasoning is that."""
    given, wanted = case["given"], expected(case)
    system = {"role": "system", "content": given.get("system", "")}
    body = {"messages": [system, {"role": "user", "content": given["prompt"]}]}
    task = decide("eco", {}, body=body).trace.notes["task"]

    if "tier" in wanted:
        assert (task == "reasoning") is (wanted["tier"] == "REASONING")
        assert task != "code"
    else:
        assert task == classify(given["prompt"]).task, "only what the user says is looked at"


@pytest.mark.parametrize("case", of("chain"))
def test_chain_case(case: dict[str, Any]) -> None:
    given, wanted = case["given"], expected(case)
    unrouted = given["task"] == "<no route>"
    section = (
        {"profiles": {"own": {"code": "a/b", "fallback": NAMES["gpt-4o-mini"]}}} if unrouted else {"preset": "classic"}
    )
    asked = "own/fast" if unrouted else f"{given['profile']}/{given['task']}"
    served = names(decide(asked, section, at="2025-12-01T00:00:00Z"))

    chain = [NAMES[name] for name in wanted.get("chain", [wanted.get("fallback")])]
    assert served[: len(chain)] == chain


@pytest.mark.parametrize("case", of("availability"))
def test_availability_case(case: dict[str, Any]) -> None:
    given = case["given"]
    section = {"profiles": {"own": {given["task"]: given["chain"]}}}
    decision = decide(f"own/{given['task']}", section, catalog={"configured": [f"{name}/*" for name in given["up"]]})

    assert names(decision)[0].partition("/")[2] == expected(case)["model"]


@pytest.mark.parametrize("case", of("hint"))
def test_hint_case(case: dict[str, Any]) -> None:
    """`hint:fast` of the cases is `auto/fast` here, and their `provider:model` is `provider/model`."""
    given, wanted = case["given"], expected(case)
    configured = {task: model.replace(":", "/") for task, model in given.get("configured", {}).items()}
    asked = (given["model"] or "").replace("hint:", "auto/")
    decision = decide(asked, {"overrides": configured})

    if configured:
        assert names(decision)[0] == wanted["model"].replace(":", "/")
    else:
        assert (decision.outcome, decision.trace.model) == ("pass", wanted["model"] or "")


@pytest.mark.parametrize("case", of("parse_profile"))
def test_parse_profile_case(case: dict[str, Any]) -> None:
    decision = decide("auto/code", {}, headers={"x-governance-profile": case["given"]["name"]})

    assert decision.trace.notes["profile"] == expected(case)["profile"]


@pytest.mark.parametrize("case", of("override_modality"))
def test_override_modality_case(case: dict[str, Any]) -> None:
    given = case["given"]
    blind = f"p/{given['overrides']['code']}"
    section = {"overrides": {"code": blind}, "profiles": {"own": {"code": "p/sees"}}}
    prices = {blind: facts(["text"]), "p/sees": facts(["text", "image"])}

    assert names(decide("own", section, prices, body=asking(*given["needs"]))) == ["p/sees"]


@pytest.mark.parametrize("case", of("modality_detect", "modality_class"))
def test_modality_detect_case(case: dict[str, Any]) -> None:
    given = case["given"]
    decision = decide("eco", {}, body=asking(*given.get("messages", ["text", given.get("modality")])))

    assert decision.request.modalities == {"text", "image"}, "what is brought, nothing that is to be made"


@pytest.mark.parametrize("case", of("modality_filter"))
def test_modality_filter_case(case: dict[str, Any]) -> None:
    given = case["given"]
    section = {"profiles": {"own": {"code": "p/m"}}}
    decision = decide("own/code", section, {"p/m": facts(given["model_has"])}, body=asking(*given["needs"]))

    assert (decision.outcome == "route") is expected(case)["ok"]


@pytest.mark.parametrize("case", of("modality_route"))
def test_modality_route_case(case: dict[str, Any]) -> None:
    given, wanted = case["given"], expected(case)
    # The order of a chain is its author's; that of the cases is by price.
    by_tier = sorted(given.get("active_models", []), key=lambda model: ("medium", "low").index(model["tier"]))
    models = by_tier or [{"id": "t1", "has": ["text"]}, {"id": "t2", "has": ["text"]}]
    section = {"profiles": {"own": {"code": [f"p/{model['id']}" for model in models]}}}
    prices = {f"p/{model['id']}": facts(model["has"]) for model in models}
    decision = decide("own/code", section, prices, body=asking(*given["needs"]))

    if wanted.get("model"):
        assert names(decision) == [f"p/{wanted['model']}"]
    else:
        assert all(f"p/{model['id']}: capability_mismatch" in no_target(decision) for model in models)


@pytest.mark.parametrize("case", of("modality_command"))
def test_modality_command_case(case: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "governance.yaml").write_text("task_routing: {}\n")
    modalities = [option for name in case["given"]["modalities"] for option in ("--modality", name)]
    done = CliRunner().invoke(app, ["test-route", "Hello", "--policy", str(tmp_path / "governance.yaml"), *modalities])

    assert (done.exit_code, "hologram" in done.stderr) == (2, True)


@pytest.mark.parametrize("case", of("cli"))
def test_cli_case(case: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "governance.yaml").write_text("task_routing: {}\n")
    text = case["given"]["argv"][-1]
    done = CliRunner().invoke(app, ["test-route", text, "--policy", str(tmp_path / "governance.yaml"), "--json"])

    assert json.loads(done.stdout)["decision"]["outcome"] == "route"


@pytest.mark.parametrize("case", of("tool_filter"))
def test_tool_filter_case(case: dict[str, Any]) -> None:
    given = case["given"]
    section = {"profiles": {"own": {"code": [f"p/{name}" for name in given["chain"]]}}}
    prices = {f"p/{name}": facts(["text"]) for name in given["chain"]}
    for name in given["no_tools"]:
        prices[f"p/{name}"]["supports_function_calling"] = False
    decision = decide("own/code", section, prices, body={"tools": [{"type": "function"}]})

    assert names(decision) == [f"p/{name}" for name in expected(case)["chain"]]


@pytest.mark.parametrize("case", of("service_route"))
def test_the_same_request_is_always_served_by_the_same_model(case: dict[str, Any]) -> None:
    assert expected(case) == {"deterministic": True}
    assert len({tuple(names(decide(case["given"]["profile"], {}))) for _ in range(20)}) == 1


@pytest.mark.parametrize("case", of("alias"))
def test_a_name_that_stands_for_nothing_passes(case: dict[str, Any]) -> None:
    decision = decide(case["given"]["alias"], {})

    assert (decision.outcome, expected(case)["target"]) == ("pass", None)
