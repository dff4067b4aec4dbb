"""What a policy says about the ledger."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, field_validator

from governance.ledger import Ledger, OnUnavailable, open_ledger

_WAIT: Final = re.compile(r"([0-9]{1,5}(?:\.[0-9]{1,3})?) ?(ms|s)")
_LEAST_S: Final = 0.01
_MOST_S: Final = 10.0


def parse_wait_s(value: Any) -> Any:
    """`250ms` or `1.5s` in seconds, and seconds as they are. Raises ValueError."""
    if isinstance(value, float):
        return value
    if not isinstance(value, str):
        raise ValueError("must be a time with its unit, such as 250ms or 1s")
    match = _WAIT.fullmatch(value.strip())
    seconds = float(match[1]) / (1000 if match[2] == "ms" else 1) if match else 0.0
    if not _LEAST_S <= seconds <= _MOST_S:
        raise ValueError(f"`{value[:40]}` is no time of 10ms to 10s; write one such as 250ms or 1s")
    return seconds


Wait = Annotated[
    float,
    BeforeValidator(parse_wait_s),
    Field(ge=_LEAST_S, le=_MOST_S),
    WithJsonSchema({"type": "string", "examples": ["250ms", "1s"]}),
]


class BreakerSettings(BaseModel):
    """When the ledger is no longer asked for each request, and how often it is asked whether it is well."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    failures: int = Field(default=5, ge=1, le=100, description="so many in a row, each at a moment of its own")
    probe: Wait = Field(default=0.05, description="doubles after two seconds, up to a second")


class LedgerSettings(BaseModel):
    """Where windows are counted, and what happens when that place does not answer."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str = Field(default="memory://", json_schema_extra={"writeOnly": True})
    on_unavailable: OnUnavailable = "refuse"
    timeout: Wait = Field(default=0.25, description="how long a call waits for a ledger that is silent")
    breaker: BreakerSettings = BreakerSettings()
    spool: str | None = Field(
        default=None,
        min_length=1,
        max_length=1_000,
        description="a folder that keeps what was served while the ledger was away, in case the proxy ends first",
    )
    deadline_s: int = Field(
        default=120, ge=5, le=3600, description="a process that died gives its reservations back after this"
    )

    @field_validator("url")
    @classmethod
    def _names_a_ledger(cls, url: str) -> str:
        try:
            open_ledger(url)
        except ValueError:
            raise
        except Exception as error:  # the client's own checks of its options
            raise ValueError(f"is no URL of a ledger: {type(error).__name__}: {error}") from None
        return url

    @field_validator("spool")
    @classmethod
    def _is_absolute(cls, spool: str | None) -> str | None:
        if spool is not None and not Path(spool).is_absolute():
            raise ValueError(f"`{spool[:80]}` must be a whole path, such as /var/lib/governance/spool")
        return spool

    def open(self) -> Ledger:
        """The ledger that these name."""
        return open_ledger(
            self.url,
            on_unavailable=self.on_unavailable,
            timeout_s=self.timeout,
            failures=self.breaker.failures,
            probe_s=self.breaker.probe,
            spool=None if self.spool is None else Path(self.spool),
        )
