"""What is accepted, and what it then means."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from governance.engine.engine import Engine
from governance.engine.host import Host
from governance.engine.plugins import section_model
from governance.ledger.memory import MemoryLedger
from governance.model import Request
from governance.model.errors import PolicyError
from governance.policy import Policy, parse_policy

GOOD = Path(__file__).parent / "good"
CONFIG = Path(__file__).parents[2] / "config"
Load = Callable[[Path], Policy]
Parse = Callable[[str], Policy]

FAST = {
    "name": "Fast Provider Alias",
    "virtual_provider": "fast",
    "enabled": True,
    "strategy": "ordered_failover",
    "targets": [
        {"provider": "cerebras", "priority": 1, "enabled": True},
        {"provider": "openai", "priority": 2, "enabled": True},
    ],
}
EXAMPLES = ["examples.yaml", "gateway_plugin.json"]


def one_profile(**more: object) -> str:
    return json.dumps({"routing_profiles": [{**FAST, **more}]})


@pytest.mark.parametrize("name", EXAMPLES)
async def test_both_examples_work_as_they_stand_in_either_format(load: Load, name: str) -> None:
    engine = Engine(Host.start(load(GOOD / name)), MemoryLedger())

    fast = await engine.admit(Request("fast/glm-4.7"))
    light = await engine.admit(Request("light/light"))

    assert (fast.trace.model, fast.trace.fallbacks) == ("cerebras/glm-4.7", ("openai/glm-4.7",))
    assert light.trace.model == "cerebras/glm-4.7-flash"
    assert light.trace.fallbacks == ("anthropic/claude-3-5-haiku-latest",)


@pytest.mark.parametrize("name", EXAMPLES)
def test_both_formats_mean_the_same(load: Load, name: str) -> None:
    assert load(GOOD / name).sections == load(GOOD / EXAMPLES[0]).sections


def test_a_gateway_plugin_that_is_switched_off_governs_nothing(parse: Parse) -> None:
    policy = parse(json.dumps({"name": "governance", "enabled": False, "config": {"routing_profiles": [FAST]}}))

    assert (policy.order, policy.sections) == ((), {})


@pytest.mark.parametrize("mandatory", [True, False])
def test_is_vk_mandatory_of_the_gateway_format_requires_a_key(parse: Parse, mandatory: bool) -> None:
    policy = parse(json.dumps({"name": "governance", "config": {"is_vk_mandatory": mandatory}}))

    assert policy.core.access.require_key is mandatory


def test_the_gateway_format_may_also_hold_keys_of_ours(parse: Parse) -> None:
    config = {"is_vk_mandatory": True, "access": {"grant": "targets"}, "version": 1, "routing_profiles": [FAST]}
    policy = parse(json.dumps({"name": "governance", "config": config}))

    assert (policy.core.access.require_key, policy.core.access.grant) == (True, "targets")
    assert policy.order == ("routing_profiles",)


SHIPPED = sorted(file for file in CONFIG.glob("*.yaml") if not file.name.endswith(".tests.yaml"))


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.name)
def test_every_policy_that_ships_loads(file: Path) -> None:
    if file.name.endswith("litellm.yaml"):
        with pytest.raises(PolicyError, match="this looks like the proxy's own configuration"):
            Host.load(file)
        return

    assert Host.load(file).policy.order


def test_the_environment_fills_any_string(parse: Parse) -> None:
    target = {"provider": "${PROVIDER}", "model": "${PROVIDER}-${PROVIDER}", "limits": {"requests": "${RPM}/minute"}}
    policy = parse(json.dumps({"ledger": {"url": "${REDIS_URL}"}, "routing_profiles": [{**FAST, "targets": [target]}]}))

    filled = policy.sections["routing_profiles"].root[0].targets[0]
    assert policy.core.ledger.url == "redis://:hunter2@redis.internal:6379/0"
    assert (filled.provider, filled.model) == ("cerebras", "cerebras-cerebras")
    assert filled.limits.requests == ((60, 60),)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("$${PROVIDER}", "${PROVIDER}"),
        ("$${PROVIDER} and ${PROVIDER}", "${PROVIDER} and cerebras"),
        ("costs $5", "costs $5"),
        ("$PROVIDER", "$PROVIDER"),
        ("{PROVIDER}", "{PROVIDER}"),
        ("$$", "$$"),
    ],
)
def test_a_doubled_dollar_stands_for_itself(parse: Parse, written: str, meant: str) -> None:
    policy = parse(one_profile(description=written))

    assert policy.sections["routing_profiles"].root[0].description == meant


def test_what_the_environment_holds_is_not_substituted_again() -> None:
    text = one_profile(description="${A}")
    policy = parse_policy(text, "policy.yaml", ["routing_profiles"], section_model, {"A": "${B}", "B": "x"})

    assert policy.sections["routing_profiles"].root[0].description == "${B}"


def test_keys_are_not_substituted(parse: Parse) -> None:
    with pytest.raises(PolicyError, match=r"\$\{PROVIDER\}: no such plugin"):
        parse("${PROVIDER}: []")


def test_values_are_those_of_yaml_1_2(parse: Parse) -> None:
    policy = parse(
        """
        version: 1
        routing_profiles:
          - name: "yes"
            description: 2026-01-02
            virtual_provider: "007"
            enabled: False
            targets:
              - {provider: 'on', weight: 1e-3, priority: -5, model: "12:30"}
        """
    )

    profile = policy.sections["routing_profiles"].root[0]
    assert (profile.name, profile.description, profile.virtual_provider) == ("yes", "2026-01-02", "007")
    assert profile.enabled is False
    assert (profile.targets[0].provider, profile.targets[0].weight, profile.targets[0].priority) == ("on", 0.001, -5)


def test_a_listed_plugin_without_a_section_is_used_with_its_defaults(parse: Parse) -> None:
    policy = parse("plugins: [routing_profiles]")

    assert (policy.order, policy.sections["routing_profiles"].root) == (("routing_profiles",), ())


def test_an_alias_may_be_shared_by_several_targets(parse: Parse) -> None:
    targets = [{"provider": provider, "model": "m", "virtual_model": "Light"} for provider in ("cerebras", "openai")]

    assert len(parse(one_profile(targets=targets)).sections["routing_profiles"].root[0].targets) == 2


def test_request_types_and_capabilities_may_be_called_as_other_gateways_call_them(parse: Parse) -> None:
    target = {
        "provider": "openai",
        "request_types": ["chat_completion_stream", "Embeddings"],
        "capabilities": ["image"],
    }
    profile = parse(one_profile(targets=[target])).sections["routing_profiles"].root[0]

    assert profile.targets[0].request_types == ("chat", "embedding")
    assert profile.targets[0].capabilities == ("vision",)
