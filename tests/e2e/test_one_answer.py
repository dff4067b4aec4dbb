"""`check`, `explain`, `explain --live` and the proxy itself say the same of every target; one proxy for all of them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from governance.cli import app
from governance.policy.left_out_models import installed_litellm
from tests.e2e.conftest import MASTER_KEY, key

# LiteLLM before 1.110 starts without a deployment whose name is a number.
NUMBERED = ["number"] if installed_litellm() >= (1, 110) else []
# Each target with the deployments of which one must serve; none: nobody may.
TARGETS: dict[str, list[str]] = {
    "openai/qwen-local": ["local"],
    "openai/gpt-4o": ["cloud"],
    "azure/gpt-4o": [],
    "groq/fast": ["fast"],
    "group:pool": ["pool-groq", "pool-vllm"],
    "groq/pooled": [],
    "group:short": ["pool-groq", "pool-vllm"],
    "group:hidden": ["fast"],
    "group:both": ["fast", "local"],
    "group:via-alias": ["fast", "local"],
    "group:fast": ["fast"],
    "group:unknown": [],
    "group:own": [],
    "hosted_vllm/paused": [],
    "group:4": NUMBERED,
    "cerebras/numbered": NUMBERED,
    "group:shared": ["shared"],
    "group:internal": [],
    "hosted_vllm/of-red": [],
    "cerebras/responses/thinker": ["thinker"],
}
RED = {"group:shared": ["of-red", "shared"], "group:internal": ["internal"], "hosted_vllm/of-red": []}


def entry(group: Any, model: str, served_at: str, name: str, **info: Any) -> dict[str, Any]:
    params = {"model": model, "api_key": "not-a-key", "api_base": f"{{url}}/{served_at}/v1"}
    return {"model_name": group, "litellm_params": params, "model_info": {"id": name, **info}}


MODELS = [
    entry("openai/*", "openai/*", "openai", "cloud"),
    entry("local-qwen", "openai/qwen-local", "hosted_vllm", "local"),
    entry("fast", "groq/fast", "groq", "fast"),
    entry("pool", "groq/pooled", "groq", "pool-groq"),
    entry("pool", "hosted_vllm/pooled", "hosted_vllm", "pool-vllm"),
    entry("own", "own-model", "hosted_vllm", "left-out"),
    entry("paused", "hosted_vllm/paused", "hosted_vllm", "paused", blocked=True),
    entry(4, "cerebras/numbered", "cerebras", "number"),
    entry("shared", "cerebras/shared", "cerebras", "shared"),
    entry("shared", "hosted_vllm/of-red", "hosted_vllm", "of-red", team_id="red"),
    entry("x1", "groq/internal", "groq", "internal", team_id="red", team_public_model_name="internal"),
    entry("deep", "cerebras/thinker", "cerebras", "thinker"),
]
SETTINGS = {
    "model_group_alias": {"short": "pool", "hidden": {"model": "fast", "hidden": True}, "via-alias": "both"},
    "routing_groups": [
        {"group_name": "both", "models": ["fast", "local-qwen", "gone"], "routing_strategy": "simple-shuffle"}
    ],
}


def policy() -> dict[str, Any]:
    targets = []
    for i, target in enumerate(TARGETS):
        provider, _, model = target.partition("/")
        named = {"provider": provider, "model": model}
        if target.startswith("group:"):
            named = {"group": target.removeprefix("group:")}
        targets.append({**named, "virtual_model": f"t{i}"})
    profile = {"name": "All", "virtual_provider": "all", "targets": targets}
    return {"version": 1, "routing_profiles": [profile]}


@pytest.fixture(scope="module")
def served(start, configuration, providers):
    models = json.loads(json.dumps(MODELS).replace("{url}", providers.url))
    config = configuration(router_settings=SETTINGS)
    config["model_list"] = models
    with start(yaml.safe_dump(policy()), config) as running:
        yield running


@pytest.fixture
def governance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "300")
    monkeypatch.setenv("LITELLM_MASTER_KEY", MASTER_KEY)
    (tmp_path / "governance.yaml").write_text(yaml.safe_dump(policy()))
    config = {"model_list": json.loads(json.dumps(MODELS)), "router_settings": SETTINGS}
    (tmp_path / "litellm.yaml").write_text(yaml.safe_dump(config))
    return lambda *arguments, stdin="": str(CliRunner().invoke(app, arguments, input=stdin).stdout)


def test_the_proxy_serves_each_target_by_the_deployment_that_it_means(served) -> None:
    found = {}
    for i, (target, ids) in enumerate(TARGETS.items()):
        answers = [served.chat(f"all/t{i}") for _ in range(6 if len(ids) > 1 else 1)]
        found[target] = {
            answer.headers["x-litellm-model-id"] if answer.status_code == 200 else answer.status_code
            for answer in answers
        }

    assert {target: ids for target, ids in found.items() if not ids <= (set(TARGETS[target]) or {400})} == {}


def test_a_team_is_served_by_what_is_its_own(served) -> None:
    for target, ids in RED.items():
        model = f"all/t{list(TARGETS).index(target)}"
        answers = [served.chat(model, key=key(team_id="red", models=["all/*"])) for _ in range(6)]

        if ids:
            assert {answer.headers.get("x-litellm-model-id") for answer in answers} <= set(ids), target
        else:
            assert {answer.status_code for answer in answers} == {400}, target


def test_whoever_is_asked_says_the_same(served, governance) -> None:
    warnings = governance("check", "--config", "litellm.yaml")
    for i, (target, ids) in enumerate(TARGETS.items()):
        body = json.dumps({"body": {"model": f"all/t{i}"}})
        told = [
            json.loads(governance("explain", "-", "--json", *where, stdin=body))
            for where in (("--config", "litellm.yaml"), ("--live", "--url", served.url))
        ]
        reasons = [{each["target"]: each["reason"] for each in record["candidates"]}[target] for record in told]

        assert reasons == [None if ids else "not_configured"] * 2, target
        spoken = f"model group `{target[6:]}`" if target.startswith("group:") else f"`{target}`"
        assert (f"serves no {spoken}; this target" in warnings) == (not ids), target
