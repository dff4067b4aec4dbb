"""`key: null` is the same as no key, wherever a policy can do without the key."""

from __future__ import annotations

import pytest

from governance.engine.host import Host
from governance.model.errors import PolicyError

RULE = "routing_rules:\n  - name: r\n    targets: [{provider: openai}]\n"
PROFILE = "routing_profiles:\n  - name: p\n    virtual_provider: p\n    targets:\n      - provider: openai\n"
LIMIT = "rate_limits:\n  - name: l\n    subject: everyone\n    requests: 5/minute\n"
BUDGET = "budgets:\n  - name: b\n    subject: everyone\n    amount: 5 USD/month\n"
KEY = f"keys:\n  - name: k\n    sha256: {'ab' * 32}\n"


@pytest.mark.parametrize(
    "policy",
    [
        *(RULE + f"    {key}: null\n" for key in ("fallbacks", "description", "cel_expression", "scope", "priority")),
        *(RULE + f"    {key}: null\n" for key in ("model", "refuse", "chain_rule", "enabled", "mode", "access")),
        RULE.replace("{provider: openai}", "{provider: openai, model: null, weight: null}"),
        *(PROFILE + f"        {key}: null\n" for key in ("model", "priority", "weight", "enabled", "capabilities")),
        *(PROFILE + f"        {key}: null\n" for key in ("limits", "request_types", "virtual_model")),
        PROFILE + "        limits: {requests: null, cost: null, concurrent: null, when_full: null}\n",
        *(PROFILE + f"    {key}: null\n" for key in ("strategy", "description", "enabled", "mode", "access")),
        *(LIMIT + f"    {key}: null\n" for key in ("tokens", "concurrent", "match", "alert_at", "on_exceeded", "mode")),
        *(BUDGET + f"    {key}: null\n" for key in ("timezone", "rolling", "unpriced", "on_unavailable", "enabled")),
        *(KEY + f"    {key}: null\n" for key in ("team", "models", "denied_models", "metadata", "expires", "enabled")),
        *(f"version: 1\n{key}: null\n" for key in ("ledger", "access", "keys", "telemetry", "catalog", "plugins")),
        "ledger: {url: null, deadline_s: null}\naccess: {grant: null}\n",
        "failover: {max_attempts: null, cool_down: null, do_not_retry: null}\n",
    ],
)
def test_a_null_is_left_out(policy: str) -> None:
    Host.parse(policy)


def test_what_is_left_out_has_its_default() -> None:
    host = Host.parse(RULE + "    fallbacks: null\n    priority: null\n" + LIMIT + "    mode: null\n")

    (rule,), (limit,) = host.policy.sections["routing_rules"].root, host.policy.sections["rate_limits"].root
    assert (rule.fallbacks, rule.priority, limit.mode) == ((), 0, "enforce")


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        (RULE.replace("name: r", "name: null"), "name: must be text, not nothing"),
        (LIMIT.replace("everyone", "null"), "must be `everyone` or a mapping"),
        (BUDGET.replace("5 USD/month", "null"), "must be money per period"),
        (RULE.replace("[{provider: openai}]", "[null]"), "must be a mapping, not nothing"),
        (RULE.replace("[{provider: openai}]", "null"), "a rule needs an effect"),
        (LIMIT.replace("5/minute", "null"), "limits nothing"),
        (KEY + "    metadata: 5\n    team: null\n", "metadata: must be a mapping"),
        (RULE + "    fallbacks: null\n    nonsense: null\n", "nonsense"),
    ],
)
def test_what_is_required_is_still_asked_for(policy: str, words: str) -> None:
    with pytest.raises(PolicyError) as refused:
        Host.parse(policy)

    assert words in str(refused.value)


def test_a_null_among_free_values_stays() -> None:
    host = Host.parse(KEY + "    metadata: {a: null}\n    team: null\n")

    assert host.policy.core.keys[0].metadata == {"a": None}
