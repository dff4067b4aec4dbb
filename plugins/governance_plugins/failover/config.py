"""The section `failover`. Semantics: the policy reference."""

from __future__ import annotations

import re
from typing import Annotated, Any, NamedTuple

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from governance.model.amounts import parse_period_s
from governance.model.vocabulary import FailureKind

LONGEST_COOL_DOWN_S = 86_400

_AFTER = re.compile(r"(?P<period>.+?)\s+after\s+(?P<after>\d+)\s+in\s+(?P<within>.+)", re.IGNORECASE)


class CoolDown(NamedTuple):
    """Leave a target alone for `seconds` (None: as its provider says) from its failure `after` in `within_s` on."""

    seconds: int | None
    after: int = 1
    within_s: int = 0


def parse_cool_down(value: Any) -> CoolDown:
    """`15s`, `retry_after`, `10s after 3 in 60s` -> CoolDown. Raises ValueError."""
    if not isinstance(value, str):
        raise ValueError("must be a time such as 15s, `10s after 3 in 60s`, or retry_after")
    text = value.strip()
    match = _AFTER.fullmatch(text)
    period, after, within_s = text, 1, 0
    if match:
        period, after, within_s = match["period"], int(match["after"]), parse_period_s(match["within"])
        if not 2 <= after <= 1000:
            raise ValueError(f"`{value}`: the number of failures must be from 2 to 1000")
    if period.lower() == "retry_after":
        return CoolDown(None, after, within_s)
    seconds = parse_period_s(period)
    if seconds > LONGEST_COOL_DOWN_S:
        raise ValueError(f"`{value}`: a target cools down for a day at most")
    return CoolDown(seconds, after, within_s)


Rule = Annotated[
    CoolDown,
    BeforeValidator(parse_cool_down),
    WithJsonSchema({"type": "string", "examples": ["15s", "retry_after", "10s after 3 in 60s"]}),
]


class FailoverConfig(BaseModel):
    """How failures of targets are answered."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    max_attempts: int = Field(default=4, ge=1, le=20, description="targets that one request may try, all in all")
    cool_down: dict[FailureKind, Rule] = {
        "rate_limited": CoolDown(None),
        "overloaded": CoolDown(15),
        "server_error": CoolDown(10, after=3, within_s=60),
        "auth": CoolDown(300),
    }
    do_not_retry: tuple[FailureKind, ...] = ("invalid_request", "content_policy")
