"""Targets that retire are told of in time."""

from __future__ import annotations

import json
from typing import Any

from governance.catalog import Catalog
from governance.catalog.retirement import retires_at_s
from governance.engine.host import Host
from governance.engine.retiring import retirement_warnings

MAP = {name: {"litellm_provider": "openai", "deprecation_date": "2027-01-14"} for name in ("old", "elder")}


def told(policy: Any, today: str, served: tuple[str, ...] = ("openai/*",)) -> list[str]:
    host = Host.parse(json.dumps({"version": 1, **policy}))
    catalog = Catalog([{"model_name": name} for name in served], MAP)
    return list(retirement_warnings(host, catalog, retires_at_s(today) or 0.0))


def test_check_tells_sixty_days_ahead_and_ever_after() -> None:
    policy = {"task_routing": {"profiles": {"own": {"code": ["openai/old", "openai/new"], "fast": "openai/old"}}}}
    place = "task_routing: own/code and 1 more: `openai/old` retires on 2027-01-14 (model map)"

    assert told(policy, "2026-11-14") == []
    assert told(policy, "2026-11-15") == [
        f"{place} and will be from then on passed over as `retired`; name a successor, or give it another "
        "`retires_on` in `catalog.overrides`"
    ]
    assert told(policy, "2030-01-01")[0].startswith(f"{place} and is passed over")
    assert told(policy, "2030-01-01", ("openai/new",)) == [], "what the proxy does not serve has another reason"


def test_targets_of_every_section_count() -> None:
    profile = {"name": "Fast", "virtual_provider": "fast", "targets": [{"provider": "openai", "model": "old"}]}
    rule = {"name": "r", "targets": [{"provider": "groq", "model": "m"}], "fallbacks": ["openai/old"]}
    limit = {
        "name": "l",
        "subject": "everyone",
        "requests": "1/minute",
        "on_exceeded": {"route_to": "openai/elder"},
    }
    policy = {"routing_profiles": [profile], "routing_rules": [rule], "rate_limits": [limit]}

    assert sorted(line.partition("`")[0] for line in told(policy, "2027-02-01")) == [
        "rate_limits: l: ",
        "routing_profiles: Fast and 1 more: ",
    ]
