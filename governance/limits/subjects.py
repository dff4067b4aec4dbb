"""Whom a limit counts: everyone, a caller, what is served, or a combination; each as `kind:id`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice, product, zip_longest
from typing import Any, Final, NamedTuple

from governance.catalog import provider_and_model
from governance.limits.claims import CLAIMED_KINDS, OWNER_KINDS, Claims
from governance.limits.ids import AND, SHORT_ID, short_id, spelled
from governance.model import Identity, Request, Target, Window, group_of
from governance.model.target import member_of

EVERYONE: Final = "everyone"
METADATA: Final = "metadata"
CALLER_KINDS: Final = ("virtual_key", "user", "team", "customer", "end_user", "tag", METADATA)
SERVED_KINDS: Final = ("provider", "model", "target")
KINDS: Final = (*CALLER_KINDS, *SERVED_KINDS)
EACH: Final = "*"
# Callers write as many tags as they like; each is a count that is kept.
MOST_TAGS: Final = 32
_DIGEST: Final = re.compile("[0-9a-fA-F]{64}")


class Part(NamedTuple):
    """One `kind: id` of a subject; the id `*` means each one separately.

    Args:
        key: of metadata, whose values are the ids.
    """

    kind: str
    id: str
    key: str = ""


class Subject(NamedTuple):
    """Whom a limit counts. No parts at all: everyone together; several: only where all of them apply.

    Args:
        caller: parts that are known before a target is chosen.
        served: parts that depend on the target: `provider`, `model`, `target`.
    """

    caller: tuple[Part, ...] = ()
    served: tuple[Part, ...] = ()

    def of_caller(self, request: Request, claims: Claims | None = None) -> tuple[str, ...]:
        """The names under which this request counts by its caller; () when the subject is somebody else.

        Args:
            claims: of the request; None where they count for all callers together.
        """
        if not self.caller:
            return ("",)
        found = [_caller_names(part, request) for part in self.caller]
        if claims is not None:
            return claims.subjects(found)
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

    @property
    def claimed(self) -> bool:
        """Whether it counts what callers say of themselves, and says nothing of whose word it is."""
        kinds = {part.kind for part in self.caller}
        return not kinds.isdisjoint(CLAIMED_KINDS) and kinds.isdisjoint(OWNER_KINDS)

    @property
    def metadata(self) -> tuple[str, ...]:
        """The keys of metadata whose values it counts."""
        return tuple(part.key for part in self.caller if part.kind == METADATA)


def combined(caller: str, served: str) -> str:
    """One subject's full name from its two halves."""
    return AND.join(filter(None, (caller, served))) or EVERYONE


def written(subject: Subject) -> str:
    """A subject as its counts are called, with `*` for each one by itself: `team:* && model:gpt-4o`."""
    parts = (f"{part.kind}:{_folded(part)}" for part in (*subject.caller, *subject.served))
    return AND.join(parts) or EVERYONE


def names_of(request: Request, metadata: Iterable[str] = ()) -> Iterator[str]:
    """Everybody a limit may count this request for, by id and by name, and what it asks for.

    Args:
        metadata: the keys by whose values limits count.
    """
    yield EVERYONE
    yield from caller_names(request, metadata)
    provider, model = provider_and_model(request.model)
    yield f"model:{model.lower()}"
    if provider:
        yield f"provider:{provider.lower()}"
        yield f"model:{request.model.lower()}"
        yield f"target:{request.model.lower()}"


def of_caller(subject: str) -> bool:
    """Whether this subject is the same whoever serves."""
    return not any(part.split(":", 1)[0] in SERVED_KINDS for part in subject.split(AND))


def names_caller(subject: str) -> bool:
    """Whether this subject is a caller, be it together with what serves."""
    return any(part.split(":", 1)[0] not in SERVED_KINDS for part in subject.split(AND))


def spoken(subject: str, name: str | None = None) -> str:
    """The same for people: `team Research (t-42) and model gpt-4o`; `name` is that of the window."""
    parts = subject.split(AND)
    names = name.split(AND) if name else parts
    return " and ".join(_spoken(*pair) for pair in zip_longest(parts, names[: len(parts)], fillvalue=""))


def is_subject_of(window: Window, subject: str) -> bool:
    """Whether a subject, by id or by name, is all that this window counts; names of models in any case."""
    parts, of = subject.split(AND), window.subject.split(AND)
    names = window.name_of_subject.split(AND) if window.name_of_subject else of
    return len(parts) == len(of) and all(map(_is_part, parts, of, names))


def _is_part(wanted: str, part: str, name: str) -> bool:
    kind = part.split(":", 1)[0]
    if kind in SERVED_KINDS:
        return wanted.lower() == part.lower()
    return wanted in (part, f"{kind}:{name}")


def shown_subject(subject: str, name: str | None) -> str:
    """As it is counted, with its name beside it: `virtual_key:9f86… (ci)`."""
    return f"{subject} ({name})" if name else subject


def _spoken(part: str, name: str) -> str:
    kind, colon, known = part.partition(":")
    if not colon or name in (part, known, ""):
        return part.replace(":", " ", 1)
    return f"{kind} {name} ({known if len(known) <= SHORT_ID else short_id(known)})"


def known_names(who: Identity) -> dict[str, str]:
    """The names of a caller by the subjects that are its ids: `{"team:t-42": "Research"}`."""
    pairs = (
        ("virtual_key", who.virtual_key_id, who.virtual_key_name),
        ("team", who.team_id, who.team_name),
        ("customer", who.customer_id, who.customer_name),
    )
    return {f"{kind}:{spelled(id_)}": spelled(name) for kind, id_, name in pairs if id_ and name and name != id_}


def name_of(subject: str, names: Mapping[str, str]) -> str | None:
    """What a subject is called, by `known_names`; of several parts each, those without a name as they are."""
    first, several, others = subject.partition(AND)
    if not several:
        return names.get(subject)
    if AND not in others:
        # Most are of two parts, and this is on every request's path.
        name, other = names.get(first), names.get(others)
        return f"{name or first}{AND}{other or others}" if name or other else None
    parts = subject.split(AND)
    return AND.join(names.get(part, part) for part in parts) if any(part in names for part in parts) else None


def caller_names(request: Request, metadata: Iterable[str] = ()) -> Iterator[str]:
    """The caller alone, by id and by name, and by the values of its `metadata` under these keys."""
    for kind in CALLER_KINDS:
        for name in _names(kind, request):
            yield f"{kind}:{name}"
    for key in metadata:
        for value in metadata_values(key, request):
            yield f"{METADATA}:{value}"


def served_names(request: Request, target: str) -> Iterator[str]:
    """Every name that a part of `SERVED_KINDS` may give to this target."""
    whole = member_of(target)[0].lower()
    yield f"target:{whole}"
    yield f"model:{group_of(whole) or whole}"
    for provider, model in _served_by(request, target):
        yield f"model:{model.lower()}"
        if provider:
            yield f"provider:{provider.lower()}"
            yield f"target:{provider.lower()}/{model.lower()}"


def _caller_names(part: Part, request: Request) -> tuple[str, ...]:
    kind, id_, key = part
    if kind == "tag" and id_ != EACH and id_ in request.tags:
        # What a long tag is spelled like is no other tag's name.
        return (f"tag:{id_}",)
    names = metadata_values(key, request) if kind == METADATA else _names(kind, request)
    if id_ == EACH:
        # A tag is one of many, an id and a name are the same one.
        each = list(dict.fromkeys(names))[:MOST_TAGS] if kind in ("tag", METADATA) else names[:1]
        return tuple([f"{kind}:{name}" for name in each])
    name = of_key(key, id_) if kind == METADATA else id_
    return (f"{kind}:{name}",) if name in names else ()


def metadata_keys(subject: str) -> Iterator[str]:
    """The keys of metadata by whose values a subject is counted."""
    for part in subject.split(AND):
        kind, _, known = part.partition(":")
        if kind == METADATA:
            yield known.partition("=")[0]


def of_key(key: str, value: str) -> str:
    """One value of metadata, as an id: `cost_center=4711`."""
    return spelled(f"{key}={value}")


def metadata_values(key: str, request: Request) -> tuple[str, ...]:
    """The ids for what the metadata of the key or team has under this key: a plain value, or each one of a list."""
    given = request.identity.metadata.get(key)
    listed = islice(given, MOST_TAGS) if isinstance(given, (list, tuple)) else (given,)
    return tuple(of_key(key, text) for text in map(_plain, listed) if text)


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value).strip() if isinstance(value, (str, int, float)) else ""


def _served_names(part: Part, request: Request, target: str) -> tuple[str, ...]:
    if part.id != EACH:
        name = f"{part.kind}:{_folded(part)}"
        return (name,) if name in served_names(request, target) else ()
    if part.kind == "target":
        whole, member = member_of(target)
        return (f"target:{(member or whole).lower()}",)
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
    if kind == "tag":
        return _given(*request.tags)
    return _given(who.end_user_id) if kind == "end_user" else ()


def _given(*names: str) -> tuple[str, ...]:
    return tuple(spelled(name) for name in names if name)


def _folded(part: Part) -> str:
    if part.kind == METADATA:
        return of_key(part.key, part.id)
    # A caller can write a model's name in any case, and providers serve it all the same.
    return part.id.lower() if part.kind in SERVED_KINDS else part.id
