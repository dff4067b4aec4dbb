"""The section `failover`. Semantics: the policy reference."""

from __future__ import annotations

import re
from typing import Annotated, Any, Final, NamedTuple, cast

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from governance.model.amounts import parse_period_s
from governance.model.failure_kinds import KINDS, OTHER_TARGETS_WILL_NOT_HELP
from governance.model.vocabulary import FailureKind

LONGEST_COOL_DOWN_S = 86_400

_AFTER = re.compile(r"(?P<period>.+?)\s+after\s+(?P<after>\d+)\s+in\s+(?P<within>.+)", re.IGNORECASE)


_UNLESS_ALONE = re.compile(r"(?P<rule>.+?)\s+unless\s+alone", re.IGNORECASE)


class CoolDown(NamedTuple):
    """Leave a target alone for `seconds` (None: as its provider says) from its failure `after` in `within_s` on.

    Args:
        unless_alone: only where the request that failed has another target to go to.
    """

    seconds: int | None
    after: int = 1
    within_s: int = 0
    unless_alone: bool = False


def parse_cool_down(value: Any) -> CoolDown:
    """`15s`, `retry_after`, `10s after 3 in 60s`, `15s unless alone` -> CoolDown. Raises ValueError."""
    if not isinstance(value, str):
        raise ValueError("must be a time such as 15s, `10s after 3 in 60s`, `15s unless alone`, or retry_after")
    text = value.strip()
    unless_alone = _UNLESS_ALONE.fullmatch(text)
    if unless_alone:
        text = unless_alone["rule"]
    match = _AFTER.fullmatch(text)
    period, after, within_s = text, 1, 0
    if match:
        period, after, within_s = match["period"], int(match["after"]), parse_period_s(match["within"])
        if not 2 <= after <= 1000:
            raise ValueError(f"`{value}`: the number of failures must be from 2 to 1000")
    if period.lower() == "retry_after":
        return CoolDown(None, after, within_s, unless_alone is not None)
    seconds = parse_period_s(period)
    if seconds > LONGEST_COOL_DOWN_S:
        raise ValueError(f"`{value}`: a target cools down for a day at most")
    return CoolDown(seconds, after, within_s, unless_alone is not None)


Rule = Annotated[
    CoolDown,
    BeforeValidator(parse_cool_down),
    WithJsonSchema({"type": "string", "examples": ["15s", "retry_after", "10s after 3 in 60s", "15s unless alone"]}),
]


Elapsed = Annotated[int, BeforeValidator(parse_period_s), WithJsonSchema({"type": "string", "examples": ["20s"]})]
"""Seconds."""


class Budget(BaseModel):
    """How many attempts there may be beside the first one of each request, in ten seconds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    percent: int = Field(default=20, ge=0, le=1000, description="of the first attempts")
    at_least: int = Field(default=10, ge=0, le=1_000_000, description="so many in any case")


DEFAULT_COOL_DOWNS: Final[dict[FailureKind, CoolDown]] = {
    cast(FailureKind, kind.name): parse_cool_down(kind.cool_down) for kind in KINDS if kind.cool_down
}
DEFAULT_DO_NOT_RETRY: Final = cast("tuple[FailureKind, ...]", tuple(sorted(OTHER_TARGETS_WILL_NOT_HELP)))
PART_OF: Final = {"connection_error": "server_error", "account_exhausted": "rate_limited"}
"""Kinds that take the rule of another one where a list of cool-downs names that alone."""


class FailoverConfig(BaseModel):
    """How failures of targets are answered."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    max_attempts: int = Field(default=4, ge=1, le=20, description="targets that one request may try, all in all")
    max_elapsed: Elapsed | None = None
    retry_budget: Budget = Budget()
    cool_down: dict[FailureKind, Rule] = Field(default_factory=lambda: dict(DEFAULT_COOL_DOWNS))
    do_not_retry: tuple[FailureKind, ...] = DEFAULT_DO_NOT_RETRY

    def cool_down_for(self, kind: str) -> CoolDown | None:
        """The rule for a kind of failure; None where it starts no cool-down."""
        named = {str(name): rule for name, rule in self.cool_down.items()}
        return named.get(kind) or named.get(PART_OF.get(kind, ""))
