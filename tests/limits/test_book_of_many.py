"""Limits for everybody that name what they are for in their condition: found by that, and the same as one by one."""

from __future__ import annotations

import pytest

from governance.limits import LimitBook
from governance.model import Identity, Request, Target
from governance_plugins.rate_limits import RateLimits
from governance_plugins.rate_limits.config import RateLimit

CONDITIONS = (
    'model == "m{}"',
    'model.startsWith("m{}")',
    'team_name.startsWith("t{}") && prompt_tokens > 5',
    'virtual_key_name in ["k{}", "m{}"] || "tag{}" in tags',
    "",
    "prompt_tokens > {}",
)
SUBJECTS = ("everyone", {"team": "*"}, {"user": "*", "model": "*"}, {"team": "t3"}, {"provider": "*"})
LIMITS = RateLimits.Config.model_validate(
    [
        {
            "name": f"limit {i}",
            "subject": SUBJECTS[i % len(SUBJECTS)],
            "match": CONDITIONS[i % len(CONDITIONS)].replace("{}", str(i % 7)),
            "requests": "5/minute",
            "enabled": i % 11 != 0,
        }
        for i in range(400)
    ]
).root
BOOK = LimitBook(LIMITS)
TARGET = Target("openai/m3-mini")

ASKED = [
    Request(model, identity=identity, tags=tags, prompt_tokens=tokens)
    for model in ("m3", "openai/m6-x", "other")
    for identity in (Identity(), Identity(team_id="t3", team_name="t5-eu", user_id="u", virtual_key_name="k2"))
    for tags in ((), ("tag1", "tag6"))
    for tokens in (0, 9)
]


def one_by_one(asked: Request, target: Target | None) -> list[tuple[str, list[str]]]:
    return [found for limit in LIMITS for found in applying(LimitBook([limit]), asked, target)]


def applying(book: LimitBook[RateLimit], asked: Request, target: Target | None) -> list[tuple[str, list[str]]]:
    limits = book.round(asked)
    found = limits.of_target(target) if target else limits.of_caller()
    return [(limit.name, [window.subject for window in windows]) for limit, windows in found]


@pytest.mark.parametrize("target", [None, TARGET])
def test_each_request_meets_the_limits_that_it_meets_one_by_one(target: Target | None) -> None:
    assert BOOK.conditional is not None, "there are enough of them to be looked up"
    for asked in ASKED:
        # Also the second time, when the caller is known.
        assert applying(BOOK, asked, target) == applying(BOOK, asked, target) == one_by_one(asked, target)


def test_who_is_bound_is_the_same() -> None:
    for asked in ASKED:
        alone = [limit for limit in LIMITS if LimitBook([limit]).first_on(asked)]

        assert BOOK.first_on(asked) == (alone[0] if alone else None)
