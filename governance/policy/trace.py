"""The section `telemetry.trace`: where recorded traffic is kept, for how long, and what of it is a digest."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated, Any, Final, Literal, cast

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, WithJsonSchema

from governance.model.amounts import parse_period_s

OFF: Final = "off"
# What tells one caller from another; the words of `governance.traffic.Who`.
Personal = Literal[
    "key", "key_name", "user", "team", "team_name", "customer", "customer_name", "end_user", "tags", "metadata"
]

_SIZE: Final = re.compile(r"(?P<number>[0-9]{1,9}(?:\.[0-9]{1,3})?)\s*(?P<unit>[KMGT]i?B)", re.IGNORECASE)
_BYTES: Final = {"kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12}
_BINARY: Final = {"kib": 2**10, "mib": 2**20, "gib": 2**30, "tib": 2**40}
LEAST_BYTES: Final = 1 << 20
_NAME: Final = re.compile(r"[a-z][a-z0-9_.-]{0,99}", re.IGNORECASE)


def parse_bytes(value: Any) -> int:
    """`2 GiB`, `500 MB` -> bytes. Raises ValueError."""
    match = _SIZE.fullmatch(value.strip()) if isinstance(value, str) else None
    if not match:
        raise ValueError("must be a size such as 500 MB or 2 GiB")
    size = int(Decimal(match["number"]) * (_BYTES | _BINARY)[match["unit"].lower()])
    if size < LEAST_BYTES:
        raise ValueError("must be at least 1 MiB")
    return size


def _period(value: Any) -> int:
    if not isinstance(value, str):
        raise ValueError("must be a time such as 12h or 30d")
    seconds = parse_period_s(value)
    if seconds < 3600:
        raise ValueError(f"`{value}` must be at least an hour: files are kept by the hour")
    return seconds


def _metadata_name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError(f"`{name}` is no key of metadata that can be recorded")
    return name


def _key(secret: SecretStr) -> SecretStr:
    if len(secret.get_secret_value()) < 16:
        raise ValueError("must be at least 16 characters long, so that nobody finds the ids by trying")
    return secret


class HashSettings(BaseModel):
    """Fields of which only a digest with a key is recorded: the same value has the same digest, as long as the key is
    the same."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    fields: tuple[Personal, ...] = Field(min_length=1, description="what is written as a digest")
    key: Annotated[SecretStr, AfterValidator(_key)] = Field(
        description="the key of the digests; write it as ${NAME}", json_schema_extra={"writeOnly": True}
    )


class SpendSettings(BaseModel):
    """What was spent, by the hour, in the store."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    keep: Annotated[
        int | None,
        BeforeValidator(lambda value: None if value in (OFF, False) else _period(value)),
        WithJsonSchema({"type": "string", "examples": ["365d", "90d", "off"]}),
    ] = Field(default=cast(int, "365d"), validate_default=True, description="for how long; off: it is not counted")


class TraceSettings(BaseModel):
    """Recorded traffic: each decision as a line of `trace.v1`, in files of an hour."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    to: str | None = Field(
        default=None, min_length=1, description="a folder, or off; omitted: `trace` in $GOVERNANCE_STATE_DIR"
    )
    keep: Annotated[int, BeforeValidator(_period), WithJsonSchema({"type": "string", "examples": ["30d", "12h"]})] = (
        Field(default=cast(int, "30d"), validate_default=True, description="for how long")
    )
    most: Annotated[
        int, BeforeValidator(parse_bytes), WithJsonSchema({"type": "string", "examples": ["2 GiB", "500 MB"]})
    ] = Field(
        default=cast(int, "2 GiB"),
        validate_default=True,
        description="how much of the disk all workers that share the folder use; the oldest goes first",
    )
    sample: Annotated[float, Field(ge=0.0, le=1.0)] = Field(
        default=1.0, description="the share of teams, else keys, whose decisions are recorded, all of them"
    )
    metadata: tuple[Annotated[str, AfterValidator(_metadata_name)], ...] = Field(
        default=(), max_length=32, description="keys of verified metadata whose values are recorded"
    )
    redact: tuple[Personal, ...] = Field(default=(), description="what is not recorded at all")
    hash: HashSettings | None = Field(default=None, description="what is recorded as a digest")
