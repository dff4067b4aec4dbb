"""Whom a limit counts: everyone, a caller, what is served, or a combination; each as `kind:id`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from hashlib import sha256
from itertools import product
from typing import Annotated, Any, Final, NamedTuple

from pydantic import BeforeValidator, WithJsonSchema

from governance.catalog import provider_and_model
from governance.model import Request, Target

EVERYONE: Final = "everyone"
CALLER_KINDS: Final = ("virtual_key", "user", "team", "customer", "end_user", "tag")
SERVED_KINDS: Final = ("provider", "model", "target")
KINDS: Final = (*CALLER_KINDS, *SERVED_KINDS)
EACH: Final = "*"
# Between the parts of a subject.
AND: Final = " && "
# Callers choose some of their ids, and as many tags as they like; each is a count that is kept.
_LONGEST_ID: Final = 200
MOST_TAGS: Final = 32
_DIGEST: Final = re.compile("[0-9a-fA-F]{64}")


class Part(NamedTuple):
    """One `kind: id` of a subject; the id `*` means each one separately."""

    kind: str
    id: str


class Subject(NamedTuple):
    """Whom a limit counts. No parts at all: everyone together; several: only where all of them apply.

    Args:
        caller: parts that are known before a target is chosen.
        served: parts that depend on the target: `provider`, `model`, `target`.
    """

    caller: tuple[Part, ...] = ()
    served: tuple[Part, ...] = ()

    def of_caller(self, request: Request) -> tuple[str, ...]:
        """The names under which this request counts by its caller; () when the subject is somebody else."""
        if not self.caller:
            return ("",)
        found = [_caller_names(part, request) for part in self.caller]
        return found[0] if len(found) == 1 else tuple(map(AND.join, product(*found)))

    def of_served(self, request: Request, target: Target) -> tuple[str, ...]:
        """The same by the target that would serve it."""
        if not self.served:
            return ("",)
        found = [_served_names(part, request, target.name) for part in self.served]
        return found[0] if len(found) == 1 else tuple(map(AND.join, product(*found)))

    @property
    def place(self) -> str | None:
        """The one `kind:id` without which it never applies; None when there is no such."""
        named = (part for part in (*self.caller, *self.served) if part.id != EACH)
        return next((f"{part.kind}:{_folded(part)}" for part in named), None)


def combined(caller: str, served: str) -> str:
    """One subject's full name from its two halves."""
    return AND.join(filter(None, (caller, served))) or EVERYONE


def names_of(request: Request) -> Iterator[str]:
    """Everybody a limit may count this request for, by id and by name, and what it asks for."""
    yield EVERYONE
    yield from caller_names(request)
    provider, model = provider_and_model(request.model)
    yield f"model:{model.lower()}"
    if provider:
        yield f"provider:{provider.lower()}"
        yield f"model:{request.model.lower()}"
        yield f"target:{request.model.lower()}"


def of_caller(subject: str) -> bool:
    """Whether this subject is the same whoever serves."""
    return not any(part.split(":", 1)[0] in SERVED_KINDS for part in subject.split(AND))


def spoken(subject: str) -> str:
    """The same for people: `team research and model gpt-4o`."""
    return " and ".join(part.replace(":", " ", 1) for part in subject.split(AND))


def caller_names(request: Request) -> Iterator[str]:
    """The caller alone, by id and by name."""
    for kind in CALLER_KINDS:
        for name in _names(kind, request):
            yield f"{kind}:{name}"


def served_names(request: Request, target: str) -> Iterator[str]:
    """Every name that a part of `SERVED_KINDS` may give to this target."""
    yield f"target:{target.lower()}"
    yield f"model:{target.lower()}"
    for provider, model in _served_by(request, target):
        yield f"model:{model.lower()}"
        if provider:
            yield f"provider:{provider.lower()}"
            yield f"target:{provider.lower()}/{model.lower()}"


def _caller_names(part: Part, request: Request) -> tuple[str, ...]:
    names = _names(part.kind, request)
    if part.id == EACH:
        # A tag is one of many, an id and a name are the same one.
        each = tuple(dict.fromkeys(names))[:MOST_TAGS] if part.kind == "tag" else names[:1]
        return tuple(f"{part.kind}:{name}" for name in each)
    return (f"{part.kind}:{part.id}",) if part.id in names else ()


def _served_names(part: Part, request: Request, target: str) -> tuple[str, ...]:
    if part.id != EACH:
        name = f"{part.kind}:{_folded(part)}"
        return (name,) if name in served_names(request, target) else ()
    if part.kind == "target":
        return (f"target:{target.lower()}",)
    pairs = _served_by(request, target)
    found = (provider if part.kind == "provider" else model for provider, model in pairs)
    return tuple(f"{part.kind}:{name.lower()}" for name in dict.fromkeys(found) if name)


def _served_by(request: Request, target: str) -> tuple[tuple[str, str], ...]:
    return request.models.served_by(target) if request.models else (provider_and_model(target),)


def _names(kind: str, request: Request) -> tuple[str, ...]:
    """Id first, then name."""
    who = request.identity
    if kind == "team":
        return _given(who.team_id, who.team_name)
    if kind == "virtual_key":
        # Whoever makes a key may name it: not like another key's id.
        return _given(who.virtual_key_id, "" if _DIGEST.fullmatch(who.virtual_key_name) else who.virtual_key_name)
    if kind == "user":
        return _given(who.user_id)
    if kind == "customer":
        return _given(who.customer_id, who.customer_name)
    return _given(*request.tags) if kind == "tag" else _given(who.end_user_id)


def _given(*names: str) -> tuple[str, ...]:
    return tuple(_spelled(name) for name in names if name)


def _spelled(name: str) -> str:
    """An id as subjects hold it: itself, unless it is long or could be read as several parts or as no text at all."""
    if len(name) <= _LONGEST_ID and name.isascii() and AND not in name:
        return name
    encoded = name.encode("utf-8", "surrogatepass")
    text = encoded.decode("utf-8", "replace")
    if text == name and len(name) <= _LONGEST_ID and AND not in name:
        return name
    # Its digest keeps apart what begins alike.
    return f"{text[: _LONGEST_ID // 2].replace('&', '+')}… {sha256(encoded).hexdigest()[:32]}"


def _folded(part: Part) -> str:
    # A caller can write a model's name in any case, and providers serve it all the same.
    return part.id.lower() if part.kind in SERVED_KINDS else part.id


def parse_subject(value: Any) -> Subject:
    """`everyone`, `{team: research}`, `{team: "*", model: gpt-4o}` -> Subject. Raises ValueError."""
    if isinstance(value, Subject):
        return value
    if value == EVERYONE:
        return Subject()
    known = ", ".join(KINDS)
    if not isinstance(value, Mapping) or not value:
        raise ValueError(f"must be `everyone` or a mapping such as {{team: research}}; kinds: {known}")
    parts = []
    for kind, name in value.items():
        if kind not in KINDS:
            raise ValueError(f"`{kind}` is no kind of subject; known: {known}")
        if isinstance(name, bool) or not isinstance(name, (str, int)) or not str(name).strip():
            raise ValueError(f'`{kind}` needs an id or a name, or "*" for each one separately')
        named = str(name).strip()
        parts.append(Part(kind, _spelled(named) if kind in CALLER_KINDS else named))
    caller = tuple(part for part in parts if part.kind in CALLER_KINDS)
    return Subject(caller, tuple(part for part in parts if part.kind in SERVED_KINDS))


SubjectNames = Annotated[
    Subject,
    BeforeValidator(parse_subject),
    WithJsonSchema(
        {
            "anyOf": [
                {"const": EVERYONE},
                {
                    "type": "object",
                    "properties": {kind: {"type": "string"} for kind in KINDS},
                    "additionalProperties": False,
                    "minProperties": 1,
                },
            ]
        }
    ),
]
