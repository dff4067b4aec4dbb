"""What all conditions of a policy may cost one request together: told by `check`, and refused above 50 ms."""

from __future__ import annotations

from typing import Any

import pytest

from governance.catalog import Catalog
from governance.engine.host import Host
from governance.model.errors import PolicyError


def rules(count: int, condition: str, scope: str = "") -> str:
    each = "  - {{name: r{0}, {2}cel_expression: '{1}', targets: [{{provider: openai, model: x}}]}}\n"
    lines = (each.format(i, condition.replace("N", str(i)), scope.replace("N", str(i))) for i in range(count))
    return "version: 1\nrouting_rules:\n" + "".join(lines)


def limits(count: int, match: str, section: str = "rate_limits", amount: str = "requests: 9/minute") -> str:
    each = "  - {{name: l{0}, subject: everyone, match: '{1}', {2}}}\n"
    return f"version: 1\n{section}:\n" + "".join(
        each.format(i, match.replace("N", str(i)), amount) for i in range(count)
    )


@pytest.mark.parametrize(
    ("policy", "told"),
    [
        (rules(40, 'headers["x"].matches("N.*x")'), None),
        (rules(150, 'headers["x"].matches("N.*x")'), "routing_rules: the conditions of all rules together"),
        (rules(400, 'headers["x"].matches("N.*x")', "scope: team, scope_id: tN, "), None),
        (rules(3_000, 'model == "N" && headers["x"].matches("N.*x")'), None),
        (limits(3_000, "prompt_tokens > N"), "the limits of this section together"),
        (limits(3_000, 'model == "N"'), None),
    ],
)
def test_check_tells_of_what_takes_long(policy: str, told: str | None) -> None:
    found = [line for line in Host.parse(policy).warnings(Catalog(None, {})) if "could hold the proxy" in line]

    assert len(found) == (told is not None)
    assert all(line.startswith(told or "") and "`startsWith` on a name" in line for line in found)


@pytest.mark.parametrize(
    ("policy", "section"),
    [
        (rules(500, 'headers["x"].matches("N.*x")'), "routing_rules"),
        (limits(12_000, "prompt_tokens > N"), "rate_limits"),
        (limits(12_000, "", "budgets", "amount: 9 USD/month"), "budgets"),
    ],
)
def test_what_could_hold_the_proxy_for_more_than_50_ms_is_not_loaded(policy: str, section: str) -> None:
    with pytest.raises(PolicyError) as refused:
        Host.parse(policy)

    (problem,) = refused.value.problems
    assert (problem.line, problem.path) == (2, section)
    assert "ms of one request (at most 50 ms); let each say whom or what it is for" in problem.message


def test_what_is_switched_off_costs_nothing() -> None:
    text = rules(500, 'headers["x"].matches("N.*x")').replace("{name", "{enabled: false, name")

    host: Any = Host.parse(text)

    assert len(host.policy.sections["routing_rules"].root) == 500
