"""A day in a policy."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, WithJsonSchema

from governance.catalog.retirement import NEVER, retires_at_s

_EXAMPLE: Final = "2027-01-14"


def _day(value: Any) -> str | None:
    said = value.isoformat() if isinstance(value, date) else value
    if said is None or said == NEVER:
        return said
    if not isinstance(said, str) or len(said) != len(_EXAMPLE) or retires_at_s(said) is None:
        raise ValueError(f'must be a day such as {_EXAMPLE}, or "{NEVER}"')
    return said


Day = Annotated[
    str | None, BeforeValidator(_day), WithJsonSchema({"type": ["string", "null"], "examples": [_EXAMPLE, NEVER]})
]
