"""What the headers of an answer tell, and whom."""

import json
from typing import Any

from governance.engine.engine import Engine
from governance.engine.host import Host
from governance.ledger.memory import MemoryLedger
from governance.model import Identity, Request
from governance.proxy.headers import decision_headers

PROFILE = {
    "name": "Fast",
    "virtual_provider": "fast",
    "targets": [{"provider": "groq", "capabilities": ["vision"]}, {"provider": "cerebras"}, {"provider": "openai"}],
}


async def headers(*limits: dict[str, Any], metadata: dict[str, Any] | None = None, **sent: str) -> dict[str, str]:
    policy = {"version": 1, "routing_profiles": [PROFILE], "rate_limits": limits}
    engine = Engine(Host.parse(json.dumps(policy)), MemoryLedger())
    who = Identity(team_id="research", metadata=metadata or {})
    needs = frozenset({"tools"})
    request = Request(
        "fast/m", identity=who, capabilities=needs, headers={k.replace("_", "-"): v for k, v in sent.items()}
    )
    return decision_headers((await engine.admit(request)).trace)


async def test_a_key_that_may_sees_every_target_with_its_reason() -> None:
    told = await headers(metadata={"governance_debug": True}, x_governance_debug="true")

    assert told["x-governance-candidates"] == ("cerebras/m;chosen, openai/m;next, groq/m;reason=capability_mismatch")


async def test_nobody_else_does() -> None:
    for metadata, asked in (({}, "true"), ({"governance_debug": "true"}, "true"), ({"governance_debug": True}, "")):
        assert "x-governance-candidates" not in await headers(metadata=metadata, x_governance_debug=asked)


async def test_what_everybody_uses_is_not_told_to_each_caller() -> None:
    mine = {"name": "mine", "subject": {"team": "research"}, "requests": "5/minute"}
    all_together = {"name": "all", "subject": "everyone", "requests": "100/minute"}
    theirs = {"name": "contract", "subject": {"provider": "cerebras"}, "requests": "50/minute"}

    told = await headers(mine, all_together, theirs)

    assert told["RateLimit"] == '"mine requests";r=4;t=60'
    assert told["x-ratelimit-limit-requests"] == "5"


async def test_what_refuses_is_told_whosoever_it_is() -> None:
    told = await headers({"name": "all", "subject": "everyone", "input_tokens": "1/minute", "requests": "1/minute"})
    assert "RateLimit" not in told

    policy = {"version": 1, "rate_limits": [{"name": "all", "subject": "everyone", "requests": "1/minute"}]}
    engine = Engine(Host.parse(json.dumps(policy)), MemoryLedger())
    await engine.admit(Request("m"))
    refused = decision_headers((await engine.admit(Request("m"))).trace)

    assert refused["RateLimit"].startswith('"all requests";r=0;t=')
