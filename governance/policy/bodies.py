"""What a policy says about the fields of callers' bodies."""

from __future__ import annotations

from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BaseModel, BeforeValidator, ConfigDict, WithJsonSchema

from governance.model.amounts import parse_period_s


class Range(NamedTuple):
    """From `least_s` to `most_s` seconds."""

    least_s: int
    most_s: int


def parse_range(value: Any) -> Any:
    """`1s..600s`; what is no text is left to pydantic."""
    if not isinstance(value, str):
        return value
    least, dots, most = value.partition("..")
    if not dots:
        raise ValueError(f"`{value[:40]}` is no range; write the shortest and the longest time, such as 1s..600s")
    found = Range(parse_period_s(least), parse_period_s(most))
    if found.least_s > found.most_s:
        raise ValueError(f"`{value[:40]}` ends before it begins; write the shorter time first")
    return found


class BodySettings(BaseModel):
    """How far callers may go with what LiteLLM obeys in their bodies and headers."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    # What a caller asks for outside of this is taken for the nearest end of it.
    timeout: Annotated[
        Range, BeforeValidator(parse_range), WithJsonSchema({"type": "string", "examples": ["1s..600s"]})
    ] = Range(1, 600)
    # A target that makes shorter answers than the caller allows is passed over, or asked for as much as it makes.
    output_limit: Literal["compare", "clamp"] = "compare"
