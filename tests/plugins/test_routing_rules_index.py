"""The index over rules: a request meets the rules that may match it, however many others there are."""

from __future__ import annotations

import pytest

from governance.expressions import Facts
from governance.model import Identity, Request
from governance_plugins.routing_rules import RoutingRules
from governance_plugins.routing_rules.rulebook import Rulebook

CONDITIONS = ('model == "m-{i}"', 'headers["x-app"] == "app-{i}"', "budget_used > {i}", "")
ASKED = Request("m-4", identity=Identity(team_id="team-3"), headers={"x-app": "app-5"})


def book(teams: int, rules: int) -> Rulebook:
    return Rulebook(
        RoutingRules.Config.model_validate(
            [
                {
                    "name": f"{team}-{i}",
                    "scope": "team",
                    "scope_id": f"team-{team}",
                    "priority": rules - i,
                    "cel_expression": CONDITIONS[i % len(CONDITIONS)].format(i=i),
                    "targets": [{"provider": "openai"}],
                }
                for team in range(teams)
                for i in range(rules)
            ]
        ).root
    )


def met(rules: Rulebook, asked: Request = ASKED) -> list[str]:
    return [filed.rule.name for filed in rules.candidates(Facts(asked, rules.reads))]


def test_a_request_meets_rules_of_its_own_that_need_nothing_it_lacks_in_their_order() -> None:
    assert met(book(5, 8)) == ["3-7", "3-6", "3-5", "3-4", "3-3", "3-2"]


@pytest.mark.parametrize("teams", [5, 50])
def test_rules_of_other_teams_are_not_even_looked_at(teams: int) -> None:
    assert met(book(teams, 20)) == met(book(5, 20))


def test_rules_that_test_for_another_value_are_not_looked_at() -> None:
    rules = Rulebook(
        RoutingRules.Config.model_validate(
            [
                {"name": f"r{i}", "cel_expression": f'model == "m-{i}" && tags == []', "targets": [{}]}
                for i in range(1_000)
            ]
        ).root
    )

    assert met(rules) == ["r4"]


def test_a_rule_for_several_values_is_met_once_by_each_of_them() -> None:
    rules = Rulebook(
        RoutingRules.Config.model_validate(
            [{"name": "r", "cel_expression": 'model in ["m-4", "m-5", "m-4"]', "targets": [{}]}]
        ).root
    )

    assert met(rules) == ["r"]
    assert met(rules, Request("openai/m-5")) == ["r"]
    assert met(rules, Request("m-6")) == []


def test_an_id_that_is_also_a_name_is_asked_once() -> None:
    asked = Request("m", identity=Identity(team_id="team-3", team_name="team-3"))

    assert met(book(5, 4), asked) == ["3-3", "3-2"]
