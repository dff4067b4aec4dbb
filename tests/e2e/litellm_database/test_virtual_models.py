"""Virtual models are models of the proxy like any other, where LiteLLM keeps keys and spend in its database."""

from __future__ import annotations

import asyncio
import hashlib
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from tests.e2e.conftest import MASTER_KEY, Start
from tests.e2e.litellm_database.conftest import Administered, StartOnDatabase, at_once, served
from tests.patience import tries

Configuration = Callable[..., dict[str, Any]]


def test_a_virtual_model_is_described_by_its_dearest_target_and_what_all_have_in_common(
    on_database: Administered,
) -> None:
    described = {group["model_group"]: group for group in on_database.get("/model_group/info")["data"]}
    virtual, dear, cheap = (described[name] for name in ("fast/gpt-4o", "gpt-4o", "gpt-4o-mini"))

    assert dear["input_cost_per_token"] > cheap["input_cost_per_token"]
    for price in ("input_cost_per_token", "output_cost_per_token"):
        assert virtual[price] == dear[price]
    assert virtual["max_input_tokens"] == min(dear["max_input_tokens"], cheap["max_input_tokens"])
    assert virtual["supports_vision"] == (dear["supports_vision"] and cheap["supports_vision"])
    assert virtual["configurable_clientside_auth_params"] is None


def test_a_cost_estimate_is_the_dearest_targets(on_database: Administered) -> None:
    asked = {"input_tokens": 1000, "output_tokens": 1000}
    estimates = [on_database.post("/cost/estimate", model=m, **asked) for m in ("fast/gpt-4o", "gpt-4o")]

    assert estimates[0]["cost_per_request"] == estimates[1]["cost_per_request"] > 0


def test_the_health_of_a_virtual_model_is_that_of_all_who_may_serve_it(on_database: Administered) -> None:
    health = on_database.get("/health", model="fast/gpt-4o")

    assert (health["healthy_count"], health["unhealthy_count"]) == (2, 0)
    assert {each["model"] for each in health["healthy_endpoints"]} == {"openai/gpt-4o-mini", "openai/gpt-4o"}


def test_parameters_of_a_virtual_model_are_known(on_database: Administered) -> None:
    told = on_database.get("/utils/supported_openai_params", model="fast/gpt-4o")

    assert "temperature" in told["supported_openai_params"]


def test_tokens_of_a_virtual_model_are_counted_as_by_who_would_serve(on_database: Administered) -> None:
    body = {"messages": [{"role": "user", "content": "How many tokens are these?"}]}
    virtual = on_database.post("/utils/token_counter", model="fast/gpt-4o", **body)
    plain = on_database.post("/utils/token_counter", model="gpt-4o-mini", **body)

    assert virtual["total_tokens"] == plain["total_tokens"]
    assert virtual["model_used"] == plain["model_used"]


def test_an_alias_of_a_virtual_model_is_routed_for_keys_that_may_use_it_alone(on_database: Administered) -> None:
    may, may_not = on_database.key(models=["smart"]), on_database.key(models=["gpt-4o"])
    answer = on_database.proxy.chat("smart", key=may)

    assert answer.status_code == 200
    assert answer.headers["x-governance-target"] == "openai/gpt-4o-mini"
    assert on_database.proxy.chat("fast/gpt-4o", key=may).status_code in (401, 403)
    assert on_database.proxy.chat("smart", key=may_not).status_code in (401, 403)


@pytest.mark.parametrize("model", ["fast/gpt-4o", "smart"])
@pytest.mark.parametrize(("limit", "amount"), [("model_rpm_limit", 3), ("model_tpm_limit", 200)])
def test_a_keys_limit_for_a_virtual_model_holds(on_database: Administered, model: str, limit: str, amount: int) -> None:
    key = on_database.key(**{limit: {model: amount}})
    answers = asyncio.run(at_once(on_database.proxy.url, key, model, 10))
    others = asyncio.run(at_once(on_database.proxy.url, key, "gpt-4o", 5))

    assert served(answers) > 0
    tokens = [each.json()["usage"]["total_tokens"] for each in answers if each.status_code == 200]
    assert (len(tokens) if limit == "model_rpm_limit" else sum(tokens)) <= amount
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert refused.json()["error"]["provider_specific_fields"]["limit"] == f"{limit} of the key"
    assert int(refused.headers["retry-after"]) <= 60
    assert served(others) == 5


def test_another_spelling_of_a_virtual_model_is_under_the_same_limit(on_database: Administered) -> None:
    key = on_database.key(model_rpm_limit={"fast/gpt-4o": 2})
    spelled = ("fast/gpt-4o", "FAST/gpt-4o", "fast/GPT-4o", "Fast/gpt-4o")
    codes = [on_database.proxy.chat(model, key=key).status_code for model in spelled]

    assert codes == [200, 200, 429, 429]


def test_a_teams_limit_for_a_virtual_model_holds_for_each_of_its_keys(on_database: Administered) -> None:
    team = on_database.post("/team/new", model_rpm_limit={"fast/gpt-4o": 2})["team_id"]
    for key in (on_database.key(team_id=team), on_database.key(team_id=team)):
        assert served(asyncio.run(at_once(on_database.proxy.url, key, "fast/gpt-4o", 6))) == 2


def test_spend_rows_name_what_was_asked_for_and_who_decided(on_database: Administered) -> None:
    on_database.post("/team/new", team_id="lab")
    answer = on_database.proxy.chat("think", key=on_database.key(team_id="lab"))
    row = spend_row(on_database, answer.headers["x-governance-decision-id"])

    assert row["model_group"] == "gpt-4o-mini"
    assert row["marks"] | {"governance_decision_id": ""} == {
        "governance_decision_id": "",
        "governance_model": "think",
        "governance_profile": "Fast",
        "governance_rule": "the lab asks for thought",
        "governance_target": "openai/gpt-4o-mini",
    }


def spend_row(on_database: Administered, decision_id: str) -> dict[str, Any]:
    """The row of a decision in LiteLLM's spend logs, as soon as LiteLLM has written it."""
    query = """SELECT model, model_group, metadata -> 'spend_logs_metadata' AS marks FROM "LiteLLM_SpendLogs"
               WHERE metadata -> 'spend_logs_metadata' ->> 'governance_decision_id' = %s"""
    with psycopg.connect(on_database.database_url, autocommit=True, row_factory=dict_row) as connection:
        for _ in tries():
            found = connection.execute(query, [decision_id]).fetchone()
            if found:
                return found
    raise AssertionError(f"LiteLLM wrote no spend row of {decision_id}")


def test_keys_of_the_policy_and_keys_of_the_database_come_in_beside_each_other(
    start_on_database: StartOnDatabase,
) -> None:
    policy = "version: 1\nkeys:\n  - {name: ci, sha256: " + digest("sk-of-the-policy") + "}\n"
    with start_on_database(policy, custom_auth="governance.proxy.auth.user_api_key_auth") as proxy:
        own = proxy.key(models=["gpt-4o-mini"])
        asked = {"of the policy": "sk-of-the-policy", "of the database": own, "of nobody": "sk-nobody"}
        codes = {whose: proxy.proxy.chat("gpt-4o-mini", key=key).status_code for whose, key in asked.items()}

        assert codes == {"of the policy": 200, "of the database": 200, "of nobody": 401}
        assert proxy.proxy.chat("gpt-4o", key=own).status_code in (401, 403)
        assert proxy.proxy.chat("gpt-4o-mini", key=MASTER_KEY).status_code == 200


def test_what_the_database_holds_is_a_policy_in_which_its_keys_come_in(
    on_database: Administered, start: Start, configuration: Configuration
) -> None:
    team = on_database.post("/team/new", team_alias="imported", max_budget=100.0, budget_duration="30d")["team_id"]
    key = on_database.key(team_id=team, key_alias="imported", models=["openai/gpt-4o-mini"], rpm_limit=2)
    done = subprocess.run(
        [sys.executable, "-c", "from governance.cli import main; main()", "policy", "import", "--litellm-database"],
        env={**os.environ, "DATABASE_URL": on_database.database_url},
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stderr
    assert key not in done.stdout
    config = configuration()
    config["general_settings"] = {
        "master_key": MASTER_KEY,
        "custom_auth": "governance.proxy.auth.user_api_key_auth",
    }
    config["litellm_settings"]["enable_post_custom_auth_checks"] = False
    with start(done.stdout, config) as proxy:
        answers = [proxy.chat("openai/gpt-4o-mini", key=key) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 429], answers[0].text
        assert proxy.chat("openai/gpt-4o", key=key).status_code == 403


def digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
