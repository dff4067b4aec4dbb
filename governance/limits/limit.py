"""What every limit says, whatever it counts: for whom, when, and what happens when it is near or used up."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Iterator
from functools import lru_cache
from typing import Annotated, Any, Final, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PrivateAttr, WithJsonSchema, model_validator

from governance.expressions import Condition, compile_condition, too_much
from governance.limits.subject_syntax import SubjectNames
from governance.limits.work import WORK, most_ns
from governance.model import Window
from governance.model.labels import GivenRequire
from governance.model.overlay import Over

_PERCENT: Final = re.compile(r"([0-9]{1,3}) ?%")

_NOT_CLAIMED: Final = (
    "only a limit of end users or tags that has no team and no key beside them can be shared; leave it out"
)

L = TypeVar("L", bound="Limit")
Problems = Iterator[tuple[tuple[str | int, ...], str]]


def _stripped(value: Any) -> Any:
    return value.strip() if isinstance(value, str) else value


def _percents(value: Any) -> tuple[int, ...]:
    percents = set()
    for given in value if isinstance(value, (list, tuple)) else [value]:
        match = _PERCENT.fullmatch(given.strip()) if isinstance(given, str) else None
        if not match or not 0 < int(match[1]) <= 100:
            raise ValueError("must be percentages such as 80%, above 0% and at most 100%")
        percents.add(int(match[1]))
    return tuple(sorted(percents))


Text = Annotated[str, BeforeValidator(_stripped), Field(min_length=1, max_length=200)]
Percents = Annotated[
    tuple[int, ...],
    BeforeValidator(_percents),
    WithJsonSchema({"type": "array", "items": {"type": "string", "examples": ["80%"]}}),
]


@lru_cache(maxsize=256)
def _same(names: frozenset[str]) -> set[str]:
    return set(names)


class RouteTo(BaseModel):
    """Degrade: the request asks for this model instead, whose use this limit still counts and no longer refuses."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    route_to: Text


class Limit(BaseModel):
    """A limit on a subject; what it counts is its subclass's."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)

    name: Text
    description: str = ""
    subject: SubjectNames
    match: Condition = Field(default_factory=lambda: compile_condition(""), description="CEL; omitted = every request")
    enabled: bool = True
    shared: bool = Field(default=False, description="end users and tags count together, whoever names them")
    mode: Literal["enforce", "shadow"] = "enforce"
    on_unavailable: Literal["refuse", "allow", "share"] | None = None
    alert_at: Percents = ()
    on_exceeded: Literal["refuse"] | RouteTo = "refuse"
    require: GivenRequire = Field(default={}, description="labels of whatever serves the requests that it counts")

    _over: tuple[Over, Limit] | None = PrivateAttr(default=None)

    @model_validator(mode="after")
    def _share(self: L) -> L:
        # Which keys somebody has written is the same for thousands of limits, and each would have a set for it.
        object.__setattr__(self, "__pydantic_fields_set__", _same(frozenset(self.model_fields_set)))
        return self

    def under(self: L, over: Over) -> L:
        """The limit as it is while something is in force beside the policy."""
        changes = {"mode": "shadow", "on_exceeded": "refuse"} if over.stop else {}
        changed = self.model_copy(update=changes)
        changed._over = over, self
        return changed

    @property
    def demands(self) -> dict[str, tuple[str, ...]]:
        """What it requires. A limit that somebody has stopped for a while counts less, and requires as much."""
        stated = self._over[1] if self._over else self
        return stated.require if stated.mode == "enforce" else {}

    @property
    def within_owner(self) -> bool:
        """Whether what callers claim counts within their own team or key."""
        return self.subject.claimed and not self.shared

    @abstractmethod
    def windows_of(self, subject: str) -> Iterator[Window]:
        """The windows that count this subject."""

    def _window(self, subject: str, unit: Any, amount: int, period: int | str | None, zone: str = "UTC") -> Window:
        over, stated = self._over or (None, self)
        route_to = stated.on_exceeded.route_to if isinstance(stated.on_exceeded, RouteTo) else None
        # What is in flight changes too fast to tell anybody.
        alert_at = () if period is None else self.alert_at
        window = Window(
            self.name, subject, unit, amount, period, zone, stated.mode, self.on_unavailable, alert_at, route_to
        )
        return over.window(window) if over else window


def limit_problems(limits: tuple[Limit, ...]) -> Problems:
    """Mistakes that any kind of limit can have: where, and what is wrong."""
    message = too_much(WORK, most_ns((limit.subject.place, limit.match) for limit in limits if limit.enabled))
    if message:
        yield (), message
    for i, limit in enumerate(limits):
        if "shared" in limit.model_fields_set and not limit.subject.claimed:
            yield (i, "shared"), _NOT_CLAIMED
        if limit.require and limit.subject.served:
            yield (i, "require"), "goes with a limit on callers: who serves is what the labels decide"
        if limit.mode == "shadow" and isinstance(limit.on_exceeded, RouteTo):
            yield (i, "on_exceeded"), "a limit in mode `shadow` changes nothing for the caller; leave one of them out"
