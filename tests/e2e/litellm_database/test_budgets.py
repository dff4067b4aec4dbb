"""LiteLLM's own budgets hold through virtual models as they do for plain ones."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from uuid import uuid4

import pytest

from tests.e2e.litellm_database.conftest import Administered, at_once, served

BUDGET_USD = 0.005
ASKED = 30

Holder = Callable[[Administered], tuple[str, dict[str, str]]]


def of_key(proxy: Administered) -> tuple[str, dict[str, str]]:
    return proxy.key(max_budget=BUDGET_USD), {}


def of_team(proxy: Administered) -> tuple[str, dict[str, str]]:
    team = proxy.post("/team/new", max_budget=BUDGET_USD)["team_id"]
    return proxy.key(team_id=team), {}


def of_customer(proxy: Administered) -> tuple[str, dict[str, str]]:
    customer = f"customer-{uuid4()}"
    proxy.post("/customer/new", user_id=customer, max_budget=BUDGET_USD)
    return proxy.key(), {"user": customer}


def of_member(proxy: Administered) -> tuple[str, dict[str, str]]:
    team, user = proxy.post("/team/new")["team_id"], proxy.post("/user/new")["user_id"]
    member = {"role": "user", "user_id": user}
    proxy.post("/team/member_add", team_id=team, member=member, max_budget_in_team=BUDGET_USD)
    return proxy.key(team_id=team, user_id=user), {}


@pytest.mark.parametrize("holder", [of_key, of_team, of_customer, of_member])
def test_a_budget_lets_no_more_through_a_virtual_model_than_through_its_dearest_target(
    on_database: Administered, holder: Holder
) -> None:
    let_through = {}
    for model in ("gpt-4o", "fast/gpt-4o", "smart", "FAST/gpt-4o", "fast/in-no-list"):
        key, body = holder(on_database)
        answers = asyncio.run(at_once(on_database.proxy.url, key, model, ASKED, **body))
        let_through[model] = served(answers)

    assert 0 < let_through["gpt-4o"] < ASKED
    assert let_through == dict.fromkeys(let_through, let_through["gpt-4o"])
