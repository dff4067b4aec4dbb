"""Where a request may go, and why it may not."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from governance.model.limits import Charge


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why a target may not serve a request: a code of the policy's closed list, and the particulars."""

    code: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Target:
    """One `provider/model` that LiteLLM can call, with the charges that serving from it costs.

    Args:
        name: `provider/model`.
        capabilities: what it can do; None = look it up in the catalogue.
        charges: counted only when this target serves.
        rejected: why it may not serve this request; None while it may.
        when_full: `skip` leaves it out while its windows are full, `last` keeps it as the last resort.
        grant: `targets` = the caller's key must itself be allowed to call this target; None = the policy's default.
        note: a remark for the record, e.g. that its capabilities are unknown.
        screened: a plugin has found already that it can serve; see `governance.catalog.screen`.
    """

    name: str
    capabilities: frozenset[str] | None = None
    charges: tuple[Charge, ...] = ()
    rejected: Rejection | None = None
    when_full: Literal["skip", "last"] = "skip"
    grant: Literal["virtual", "targets"] | None = None
    note: str = ""
    screened: bool = field(default=False, compare=False, repr=False)
