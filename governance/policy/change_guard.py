"""The section `change_guard`: how much a change of the policy may do before somebody has to overrule that."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from governance.model.amounts import parse_period_s

_MILLION: Final = 1_000_000
_WEEK_S: Final = 7 * 86_400
# Of what costs next to nothing now, anything may be many times as much.
_MOST_PERCENT: Final = 1_000_000
_PERCENT: Final = re.compile(r"\+?\s*([0-9]{1,7}(?:\.[0-9]{1,4})?)\s*%")


def parse_ppm(value: Any) -> int:
    """`0.1%` or `+5%` -> parts of a million, exactly. Raises ValueError."""
    found = _PERCENT.fullmatch(value.strip()) if isinstance(value, str) else None
    if not found or Decimal(found[1]) > _MOST_PERCENT:
        raise ValueError("must be a percentage from 0% on, with at most four decimals, such as 0.1% or 5%")
    return int(Decimal(found[1]) * _MILLION / 100)


Ppm = Annotated[int, BeforeValidator(parse_ppm), WithJsonSchema({"type": "string", "examples": ["0.1%"]})]
Period = Annotated[
    int, BeforeValidator(lambda value: _period_s(value)), WithJsonSchema({"type": "string", "examples": ["7d"]})
]


def _period_s(value: Any) -> int:
    if not isinstance(value, str):
        raise ValueError("must be a period such as 7d or 24h")
    return parse_period_s(value)


class ChangeGuard(BaseModel):
    """What a change may do to the traffic that was recorded, before it has to be overruled; left out: anything."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    max_new_refusals: Ppm | None = Field(
        default=None, description="of the requests, how many may be refused that are admitted now"
    )
    max_cost: Ppm | None = Field(default=None, description="by how much what all of them cost may rise")
    last: Period = Field(default=_WEEK_S, description="the traffic that is looked at: as much of it, up to now")

    @property
    def given(self) -> bool:
        """Whether it guards anything."""
        return self.max_new_refusals is not None or self.max_cost is not None
