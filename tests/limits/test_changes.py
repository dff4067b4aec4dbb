"""Which limits begin anew under a new policy."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from governance.engine.host import Host
from governance.limits.changes import begins_anew

MONTHLY = {"name": "monthly", "subject": "everyone", "amount": "5 USD/month"}
LIMIT = {"name": "l", "subject": "everyone", "requests": ["5/minute", "50/day"]}


def changed(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    first, second = (Host.parse(yaml.safe_dump({"version": 1, **sections})) for sections in (before, after))
    return list(begins_anew(first.policy.sections, second.policy.sections))


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ({"rolling": False}, {"rolling": True}, "it was per month and is per 2592000s (rolling)"),
        ({"rolling": True}, {"rolling": False}, "it was per 2592000s (rolling) and is per month"),
        ({}, {"amount": "5 USD/week"}, "it was per month and is per week"),
    ],
)
def test_another_period_begins_anew(before: dict[str, Any], after: dict[str, Any], told: str) -> None:
    (line,) = changed({"budgets": [{**MONTHLY, **before}]}, {"budgets": [{**MONTHLY, **after}]})

    assert line.startswith(f"limit monthly: counting usd_micros begins anew: {told}; ")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"budgets": [MONTHLY]}, {"budgets": [{**MONTHLY, "amount": "9 USD/month", "timezone": "Asia/Tokyo"}]}),
        ({"budgets": [MONTHLY]}, {"budgets": [{**MONTHLY, "mode": "shadow"}]}),
        ({"budgets": [MONTHLY]}, {"budgets": [{**MONTHLY, "name": "other", "rolling": True}]}),
        ({"rate_limits": [LIMIT]}, {"rate_limits": [{**LIMIT, "requests": "5/minute"}]}),
        ({"rate_limits": [LIMIT]}, {"rate_limits": [{**LIMIT, "tokens": "5k/hour"}]}),
        ({"budgets": [MONTHLY]}, {"failover": {}}),
    ],
)
def test_what_keeps_its_count_or_is_new_is_not_told(before: dict[str, Any], after: dict[str, Any]) -> None:
    assert changed(before, after) == []


def test_claims_that_are_shared_from_now_on_begin_anew() -> None:
    own, shared = ({**LIMIT, "subject": {"end_user": "*"}, "shared": shared} for shared in (False, True))

    (line,) = changed({"rate_limits": [own]}, {"rate_limits": [shared]})
    (back,) = changed({"rate_limits": [shared]}, {"rate_limits": [own]})

    assert "it was within each caller's team or key and is for all callers together" in line
    assert "it was for all callers together and is within each caller's team or key" in back
    assert changed({"rate_limits": [own]}, {"rate_limits": [{**LIMIT, "subject": {"end_user": "*"}}]}) == []
