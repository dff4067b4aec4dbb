"""The section `keys`: who may come in, by the digests of their keys. The keys themselves are never in a policy."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import datetime, time, timedelta, timezone
from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, field_validator

from governance.model.labels import GivenRequire
from governance.policy.name_pattern import EVERY, LONGEST, ModelName, NamePattern
from governance.policy.names import alike

_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
# What is wrong with it is not said: it may be a key that stands in the wrong place.
_NO_DIGEST: Final = "must be a SHA-256 digest, 64 lower-case hexadecimal digits; `governance keys hash` makes them"


def _moment(value: Any) -> datetime:
    """A day ends at midnight UTC; a time says its zone."""
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value
    wanted = "must be a day such as 2027-01-31 or a time with its zone such as 2027-01-31T18:00:00Z"
    if not isinstance(value, str):
        raise ValueError(wanted)
    try:
        if _DAY.fullmatch(value):
            day = datetime.combine(datetime.fromisoformat(value).date(), time(), timezone.utc)
            return day + timedelta(days=1)
        # Python 3.10 does not read the `Z` of ISO 8601.
        moment = datetime.fromisoformat(re.sub("[zZ]$", "+00:00", value))
    except (ValueError, OverflowError):
        raise ValueError(wanted) from None
    if moment.tzinfo is None:
        raise ValueError(f"{wanted}; this one has no zone")
    return moment


def _digest(value: Any) -> str:
    if not isinstance(value, str) or not _SHA256.fullmatch(value):
        raise ValueError(_NO_DIGEST)
    return value


Moment = Annotated[datetime, BeforeValidator(_moment), WithJsonSchema({"type": "string", "examples": ["2027-01-31"]})]
Sha256 = Annotated[str, BeforeValidator(_digest), WithJsonSchema({"type": "string", "pattern": "^[0-9a-f]{64}$"})]


class Digest(BaseModel):
    """One of the secrets of a key, by its digest; `expires` ends this one alone."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    sha256: Sha256
    expires: Moment | None = None


def _listed(value: Any) -> Any:
    return {"sha256": _digest(value)} if isinstance(value, str) else value


def _digests(value: Any) -> Any:
    return (_listed(value),) if not isinstance(value, (list, tuple)) else value


_ONE: Final = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
_DATED: Final = {
    "type": "object",
    "properties": {"sha256": _ONE, "expires": {"type": "string"}},
    "required": ["sha256"],
    "additionalProperties": False,
}
Digests = Annotated[
    tuple[Annotated[Digest, BeforeValidator(_listed)], ...],
    BeforeValidator(_digests),
    Field(min_length=1),
    WithJsonSchema({"anyOf": [_ONE, {"type": "array", "minItems": 1, "items": {"anyOf": [_ONE, _DATED]}}]}),
]


class Key(BaseModel):
    """One key, whom it stands for and what it may ask for.

    Args:
        sha256: the digest of the key, or of several: all of them are valid, which is how a key is rotated. The first
            one is its id.
        models: what it may ask for; None = everything.
        denied_models: what it is never served by, whatever else allows it.
        require: what the labels of everybody have to be that serves it.
        metadata: what rules and LiteLLM see of the key.
        expires: the end of the key as a whole.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)

    name: str = Field(min_length=1, max_length=200)
    sha256: Digests
    enabled: bool = True
    team: str = ""
    team_name: str = ""
    user: str = ""
    customer: str = ""
    customer_name: str = ""
    models: tuple[ModelName, ...] | None = None
    denied_models: tuple[ModelName, ...] = ()
    require: GivenRequire = {}
    metadata: dict[str, Any] = {}
    expires: Moment | None = None

    @field_validator("models")
    @classmethod
    def _everything_stands_alone(cls, models: tuple[NamePattern, ...] | None) -> tuple[NamePattern, ...] | None:
        if models is None or EVERY not in {model.text for model in models}:
            return models
        if len(models) > 1:
            raise ValueError("`*` allows every model and must stand alone; drop it, or the names beside it")
        return None

    @property
    def id(self) -> str:
        """What LiteLLM and limits know it by: the same for all of its secrets, so that they count together."""
        return self.sha256[0].sha256

    @property
    def restricted(self) -> bool:
        """Whether there are models that it may not ask for."""
        return self.models is not None or bool(self.denied_models)

    def lists(self, name: str) -> bool:
        """Whether a model of this name is on its list."""
        return self.models is None or any(model.matches(name) for model in self.models)

    def denies(self, names: Iterable[str]) -> bool:
        """Whether any of these is denied to it; what is too long to be looked at is."""
        return any(len(name) > LONGEST or denied.matches(name) for name in names for denied in self.denied_models)


def clashes(keys: tuple[Key, ...]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Names and digests that stand for more than one key, each with where it stands and what is wrong."""
    names: dict[str, int] = {}
    digests: dict[str, int] = {}
    for i, key in enumerate(keys):
        if names.setdefault(alike(key.name), i) != i:
            first = names[alike(key.name)]
            yield (i, "name"), f"`{key.name}` is taken by keys[{first}]; names are unique, whatever their case"
        for j, digest in enumerate(key.sha256):
            if digest.sha256 in digests:
                whose = keys[digests[digest.sha256]].name
                yield (i, "sha256", j), f"this digest is one of key `{whose}` already; each key has a secret of its own"
            digests.setdefault(digest.sha256, i)
