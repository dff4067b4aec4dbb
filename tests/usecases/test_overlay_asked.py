"""What admins ask of the overlay: held against the policy, and refused with what would be right."""

from __future__ import annotations

from typing import Annotated, Any

import pytest
from pydantic import Field, TypeAdapter

from governance.catalog import Catalog
from governance.engine.host import Host
from governance.model.overlay import AnyEntry
from governance.usecases.change_policy import Author
from governance.usecases.overlay_asked import AnyAsked, NotUsable, entry_of

NOW_S = 1_795_176_000.0  # 2026-11-20T12:00:00Z
ADA = Author("ada", "user")
HOST = Host.parse("""
version: 1
task_routing: {}
rate_limits:
  - {name: research team, subject: {team: research}, requests: [60/minute, 2000/day], tokens: 60/minute, concurrent: 20}
  - {name: both, subject: everyone, requests: 5/minute}
  - {name: watched, subject: everyone, requests: 5/minute, mode: shadow}
budgets:
  - {name: research monthly, subject: {team: research}, amount: 500 USD/month}
  - {name: rolling, subject: everyone, amount: 5 USD/day, rolling: true}
  - {name: both, subject: everyone, amount: 5 USD/day}
""")
CATALOG = Catalog([{"model_name": "openai/gpt-4o", "litellm_params": {"model": "openai/gpt-4o"}}], {})


def entry(kind: str, until: str = "2h", **asked: Any) -> AnyEntry:
    adapter: TypeAdapter[AnyAsked] = TypeAdapter(Annotated[AnyAsked, Field(discriminator="kind")])
    given = adapter.validate_python({"kind": kind, "until": until, "reason": "launch", **asked})
    return entry_of(given, HOST, CATALOG, ADA, NOW_S)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"limit": "Research Team", "unit": "requests", "amount": "120/minute"}, ("requests", 120, 60)),
        ({"limit": "research team", "amount": "3k / day"}, ("requests", 3000, 86_400)),
        ({"limit": "research team", "unit": "tokens", "amount": "1M/minute"}, ("tokens", 1_000_000, 60)),
        ({"limit": "research team", "amount": 40}, ("concurrent", 40, None)),
        ({"limit": "research monthly", "amount": "600 USD/month"}, ("usd_micros", 600_000_000, "month")),
        ({"limit": "research monthly", "amount": "500.01 USD"}, ("usd_micros", 500_010_000, "month")),
        ({"limit": "rolling", "amount": "6 USD/24h"}, ("usd_micros", 6_000_000, 86_400)),
        ({"limit": "both", "section": "budgets", "amount": "6 USD/day"}, ("usd_micros", 6_000_000, "day")),
    ],
)
def test_an_amount_is_written_as_the_policy_writes_it(asked: dict[str, Any], expected: tuple[Any, ...]) -> None:
    found: Any = entry("increase", **asked)

    assert (found.unit, found.amount, found.period) == expected
    assert (found.until_s, found.author, found.reason) == (NOW_S + 7200, "ada", "launch")


@pytest.mark.parametrize(
    ("kind", "asked", "message"),
    [
        (
            "increase",
            {"limit": "reserch team", "factor": 2},
            "`reserch team`, did you mean `research team`?",
        ),
        ("increase", {"limit": "both", "factor": 2}, "say which by `section`: rate_limits or budgets"),
        ("increase", {"limit": "research team", "amount": "100/minute"}, "`100/minute` could mean several"),
        (
            "increase",
            {"limit": "research team", "amount": "100/hour"},
            "is for none of what `research team` has: 60",
        ),
        (
            "increase",
            {"limit": "research team", "unit": "input_tokens", "factor": 2},
            "does not count input_tokens",
        ),
        ("increase", {"limit": "research team", "amount": "10"}, "is not above 20 requests in flight"),
        ("increase", {"limit": "research monthly", "amount": "500 USD"}, "an entry never lowers"),
        ("increase", {"limit": "research monthly", "amount": "600 EUR/month"}, "`600 EUR/month`"),
        (
            "increase",
            {"limit": "research monthly"},
            "`factor`, such as 2, or `amount`, such as 1000 USD/month",
        ),
        (
            "increase",
            {"limit": "research team", "unit": "concurrent", "factor": "1.01"},
            "makes nothing of 20 requests in flight higher",
        ),
        ("stop", {"limit": "watched"}, "only counts already"),
        ("drain", {"target": "openai"}, "write provider/model, provider/* or group:NAME"),
        ("drain", {"target": "openai/gpt-4"}, "serves no `openai/gpt-4`, did you mean `openai/gpt-4o`?"),
        ("drain", {"target": "groq/*"}, "serves no `groq/*`"),
        ("profile", {"profile": "gold"}, "`gold` is no profile; there are eco, balanced, premium"),
        ("freeze", {"until": "never"}, "`never` is for the active profile alone"),
        ("freeze", {"until": "tomorrow"}, "`tomorrow` is no time; write 2h, 30m or a moment with its zone"),
        ("freeze", {"until": "2026-12-01T10:00:00"}, "is no time"),
        ("freeze", {"until": "2026-11-20T11:59:59Z"}, "must be in the future, and within a year"),
        ("freeze", {"until": "2028-01-01T00:00:00Z"}, "what lasts longer belongs in the policy"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_what_would_be_right(kind: str, asked: dict[str, Any], message: str) -> None:
    with pytest.raises(NotUsable) as refused:
        entry(kind, **asked)

    assert message in str(refused.value)


def test_moments_have_a_zone_and_the_active_profile_may_stay() -> None:
    assert entry("freeze", "2026-11-20T14:00:00+01:00").until_s == NOW_S + 3600
    assert entry("profile", "never", profile=" Eco ").until_s is None
    assert entry("drain", target="OpenAI/gpt-4o").kind == "drain"
    assert entry("drain", target="openai/*").kind == "drain"
