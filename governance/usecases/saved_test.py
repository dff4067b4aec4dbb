"""A request of recorded traffic as a policy test, so that what was seen once is asked of every policy from now on."""

from __future__ import annotations

import asyncio
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Final

import yaml

from governance.backtest.changed import LaneTrace
from governance.catalog import Catalog
from governance.engine.host import Host
from governance.model.errors import GovernanceError
from governance.testing import parse_suite, run
from governance.traffic import TraceLine

_IDENTITY: Final = {
    "virtual_key_id": "key",
    "virtual_key_name": "key_name",
    "user_id": "user",
    "team_id": "team",
    "team_name": "team_name",
    "customer_id": "customer",
    "customer_name": "customer_name",
    "end_user_id": "end_user",
}


class NoTest(GovernanceError):
    """A request that cannot be made a test that says the same."""


def saved_test(line: TraceLine, lane: LaneTrace, host: Host, catalog: Catalog) -> str:
    """A file of tests with this request, and what the policy made of it in the backtest.

    Args:
        lane: of this policy. The windows that were full are stated as they were.

    Raises:
        NoTest: asked by itself, the policy makes something else of it: what decided is not in the record.
    """
    case = {
        "name": f"{line.id}: {_what(lane)}",
        "request": _request(line, lane),
        "expect": _expected(lane),
    }
    text: str = yaml.safe_dump({"tests": [case]}, sort_keys=False, allow_unicode=True, width=120)
    suite = parse_suite(text, Path("saved"))
    (result,) = asyncio.run(run(host, suite, catalog))
    if not result.passed:
        why = "; ".join(f"{d.path}: {d.expected} was expected, and it is {d.got}" for d in result.differences)
        raise NoTest(f"asked by itself, the policy makes something else of request {line.id}: {why}")
    return text


def _request(line: TraceLine, lane: LaneTrace) -> dict[str, Any]:
    who, asked, size = line.who, line.asked, line.size
    identity = {name: value for name, attribute in _IDENTITY.items() if (value := getattr(who, attribute))}
    if who.metadata:
        identity["metadata"] = dict(who.metadata)
    request: dict[str, Any] = {
        "model": asked.model,
        "call_type": asked.type,
        "body": dict(asked.params),
        "headers": dict(asked.headers),
        "identity": identity,
        "tags": list(asked.tags),
        "task": asked.task,
        "capabilities": list(asked.capabilities),
        "modalities": list(asked.modalities),
        "prompt_tokens": size.prompt_tokens,
        "max_output_tokens": size.max_output_tokens,
        "draw": list(line.draws),
        "usage": [
            {"limit": limit, "subject": subject, "unit": unit, "used": used}
            for limit, subject, unit, used, _ in lane.windows
        ],
    }
    kept = {key: value for key, value in request.items() if value not in ({}, [], "", None)}
    at = datetime.fromtimestamp(line.at_us / 1_000_000, timezone.utc)
    return {**kept, "at": at.isoformat(), **({"streaming": True} if asked.streaming else {})}


def _expected(lane: LaneTrace) -> dict[str, Any]:
    if lane.outcome == "refuse":
        refusal = {key: value for key, value in (("code", lane.code), ("limit", lane.limit)) if value}
        return {"outcome": "refuse", "refusal": refusal} if refusal else {"outcome": "refuse"}
    return {"outcome": lane.outcome, **({"model": lane.target} if lane.target else {})}


def _what(lane: LaneTrace) -> str:
    if lane.outcome == "refuse":
        return f"refused by {lane.limit or lane.code}"
    return f"goes to {lane.target}" if lane.target else "passes"
