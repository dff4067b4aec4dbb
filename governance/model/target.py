"""Where a request may go, and why it may not."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field, fields
from functools import lru_cache
from typing import Any, Final, Literal

from governance.model.labels import Labels, Require
from governance.model.limits import Charge
from governance.model.units import nothing

GROUP: Final = "group:"
# Between a target and one of those that may serve it: no name that anybody writes has this in it.
_MEMBER: Final = "\x1f"


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why a target may not serve a request.

    Args:
        code: of the policy's closed list.
        until_s: when it may again, Unix seconds; None = nobody knows, or never.
        overlay: id of the entry beside the policy that says so.
    """

    code: str
    detail: str = ""
    until_s: float | None = None
    overlay: str = ""


@dataclass(frozen=True, slots=True)
class Target:
    """One `provider/model` or model group that LiteLLM can call, with the charges that serving from it costs.

    Args:
        name: `provider/model`, or `group:NAME`.
        capabilities: what it can do; None = look it up in the catalogue.
        charges: counted only when this target serves.
        rejected: why it may not serve this request; None while it may.
        when_full: `skip` leaves it out while its windows are full, `last` keeps it as the last resort.
        grant: `targets` = the caller's key must itself be allowed to call this target; None = the policy's default.
        note: a remark for the record, e.g. that its capabilities are unknown.
        asked: a name that the caller asks for: LiteLLM gets just this one.
        members: where different deployments may serve it, one for each, with what serving from that one costs.
        screened: a plugin has found already that it can serve; see `governance.catalog.screen`.
        labels: what the policy says of it, beside what its deployments say of themselves.
        require: what whoever proposes it requires of the labels of everybody who serves the request.
    """

    name: str
    capabilities: frozenset[str] | None = None
    charges: tuple[Charge, ...] = ()
    rejected: Rejection | None = None
    when_full: Literal["skip", "last"] = "skip"
    grant: Literal["virtual", "targets"] | None = None
    note: str = ""
    asked: bool = False
    members: tuple[Target, ...] = ()
    screened: bool = field(default=False, compare=False, repr=False)
    labels: Labels = field(default_factory=nothing, hash=False)
    require: Require = ()

    def but(self, **changes: Any) -> Target:
        """The same with some fields changed; see `Request.but`."""
        other: Target = object.__new__(Target)
        for name in _TARGET_FIELDS:
            object.__setattr__(other, name, changes[name] if name in changes else getattr(self, name))
        return other


_TARGET_FIELDS: Final = tuple(field.name for field in fields(Target))


def group_target(name: str) -> str:
    """The name of a target that is a model group of the proxy: `smart` -> `group:smart`."""
    return f"{GROUP}{name}"


def group_of(target: str) -> str | None:
    """The model group that a target's name means; None for `provider/model`."""
    return target.removeprefix(GROUP) if target.startswith(GROUP) else None


def member_target(target: str, served: str) -> str:
    """A target of which only the deployments that are `served` (`provider/model`) are meant."""
    return f"{target}{_MEMBER}{served}"


# Names come from callers, so what is remembered of them is bounded.
@lru_cache(maxsize=4096)
def member_of(target: str) -> tuple[str, str | None]:
    """The target that a name is part of, and which part; None: all of it."""
    whole, found, served = target.partition(_MEMBER)
    return whole, served if found else None


def once(targets: Iterable[Target], meaning: Callable[[str], Hashable] = str.lower) -> tuple[Target, ...]:
    """Each target once, where it stands first.

    Args:
        meaning: of a target's name; equal for names of the same. Left out, names are the same in any case.
    """
    first: dict[Hashable, Target] = {}
    for target in targets:
        first.setdefault(meaning(target.name), target)
    return tuple(first.values())
