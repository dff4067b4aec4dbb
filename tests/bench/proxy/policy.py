"""The policy of the governed proxies that are measured."""

from __future__ import annotations

from typing import Any


def policy(rules: int, url: str, limits: int = 0, claims: bool = False) -> dict[str, Any]:
    """Rules that do not match, a profile of three targets with limits, limits of team, user and key, a budget.

    Args:
        limits: so many more of other teams.
        claims: whether each end user and each tag is counted too.
    """
    minute = {"requests": "1000000/minute", "tokens": "1000M/minute"}
    assumed = {"assume": {"input": "3 USD/1M", "output": "15 USD/1M"}}
    return {
        "version": 1,
        "ledger": {"url": url, "timeout": "10s"},
        "routing_rules": [
            {
                "name": f"rule {i}",
                "cel_expression": f'headers["x-tier"] == "t{i}" && team_id == "research"',
                "targets": [{"provider": "p1", "model": "priced"}],
            }
            for i in range(rules)
        ],
        "routing_profiles": [
            {
                "name": "Fast",
                "virtual_provider": "fast",
                "targets": [{"provider": f"p{i}", "priority": i, "limits": minute} for i in range(3)],
            }
        ],
        "rate_limits": [
            {
                "name": "team",
                "subject": {"team": "research"},
                "requests": ["1000000/minute", "100000000/day"],
                "tokens": "1000M/hour",
            },
            {"name": "user", "subject": {"user": "*"}, **minute},
            {"name": "key", "subject": {"virtual_key": "*"}, **minute},
            *({"name": f"limit {i}", "subject": {"team": f"team-{i}"}, **minute} for i in range(limits)),
            *({"name": f"each {who}", "subject": {who: "*"}, **minute} for who in ("end_user", "tag") if claims),
        ],
        "budgets": [
            {"name": "money", "subject": {"team": "research"}, "amount": "1000000 USD/month", "unpriced": assumed}
        ],
    }
