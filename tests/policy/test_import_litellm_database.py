"""Keys and budgets of LiteLLM's database as a policy."""

from __future__ import annotations

import hashlib
from datetime import datetime, timezone
from typing import Any

import yaml

from governance.engine.plugins import installed, section_model
from governance.policy import parse_policy
from governance.policy.import_litellm_database import Tables, import_litellm_database


def digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def key(secret: str, **fields: Any) -> dict[str, Any]:
    return {"token": digest(secret), "models": [], "metadata": {}, **fields}


TABLES = Tables(
    keys=[
        key("sk-1", key_alias="ci", team_id="t1", models=["all-team-models"], max_budget=2.5, budget_duration="1d"),
        key(
            "sk-2",
            key_alias="ci",
            user_id="u1",
            rpm_limit=10,
            max_parallel_requests=3,
            metadata={"model_rpm_limit": {}},
        ),
        key("sk-3", blocked=True, expires=datetime(2027, 1, 31, tzinfo=timezone.utc), models=["gpt-4o"]),
        key("sk-4", key_alias="none", models=["no-default-models"]),
        key("sk-5", key_alias="shared budget", budget_id="b1"),
        key("sk-6", key_alias="of a page", team_id="litellm-dashboard"),
        {"token": "plain-secret", "key_alias": "odd"},
    ],
    teams=[
        {"team_id": "t1", "team_alias": "Research", "models": ["fast/*"], "max_budget": 100.0, "budget_duration": "30d"}
    ],
    users=[{"user_id": "u1", "user_email": "a@example.org", "tpm_limit": 1000, "max_budget": 5.0}],
    customers=[{"user_id": "c1", "budget_id": "b1"}, {"user_id": "c2", "budget_id": None}],
    members=[{"team_id": "t1", "user_id": "u1", "budget_id": "b1"}],
    organizations=[{"organization_id": "o1", "budget_id": "b1"}],
    budgets=[{"budget_id": "b1", "max_budget": 1.0, "budget_duration": "7d", "rpm_limit": 60}],
)


def test_what_is_made_of_it_is_a_policy_in_which_the_same_keys_work() -> None:
    document, remarks = import_litellm_database(TABLES)
    policy = parse_policy(yaml.safe_dump(document), "imported", installed(), section_model, {})

    keys = {each["name"]: each for each in document["keys"]}
    assert list(keys) == ["ci", "ci 2", digest("sk-3")[:12], "none", "shared budget"]
    assert keys["ci"] == {
        "name": "ci",
        "sha256": digest("sk-1"),
        "team": "t1",
        "team_name": "Research",
        "models": ["fast/*"],
    }
    closed = keys[digest("sk-3")[:12]]
    assert (closed["enabled"], closed["expires"]) == (False, "2027-01-31T00:00:00Z")
    assert keys["none"]["enabled"] is False
    assert len(policy.core.keys) == len(keys)
    assert "plain-secret" not in str(document) + str(remarks)


def test_budgets_and_limits_keep_their_subject_and_period() -> None:
    document, remarks = import_litellm_database(TABLES)
    budgets = {each["name"]: (each["subject"], each["amount"]) for each in document["budgets"]}
    limits = {each["name"]: each for each in document["rate_limits"]}

    assert budgets["team Research"] == ({"team": "t1"}, "100.0 USD/month")
    assert budgets["key ci"] == ({"virtual_key": digest("sk-1")}, "2.5 USD/day")
    assert budgets["key shared budget"] == ({"virtual_key": digest("sk-5")}, "1.0 USD/week")
    assert budgets["customer c1"] == ({"end_user": "c1"}, "1.0 USD/week")
    assert budgets["organization o1"] == ({"customer": "o1"}, "1.0 USD/week")
    assert budgets["user u1 in team t1"] == ({"team": "t1", "user": "u1"}, "1.0 USD/week")
    assert limits["user u1"]["tokens"] == "1000/minute"
    assert limits["key ci 2"]["requests"] == "10/minute"
    assert limits["key ci 2 at once"]["concurrent"] == 3
    assert "user u1" not in budgets
    assert [remark for remark in remarks if remark.startswith("user u1") and "has no period" in remark]
