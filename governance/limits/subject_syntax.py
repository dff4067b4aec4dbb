"""How a policy writes whom a limit counts: `everyone`, `{team: research}`, `{metadata: cost_center}`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, WithJsonSchema

from governance.limits.ids import spelled
from governance.limits.subjects import CALLER_KINDS, EACH, EVERYONE, KINDS, METADATA, Part, Subject

_LONGEST_KEY: Final = 80
_METADATA_FORMS: Final = "a key such as cost_center, or {cost_center: VALUE} for one value of it"


def parse_subject(value: Any) -> Subject:
    """`everyone`, `{team: research}`, `{team: "*", model: gpt-4o}` -> Subject. Raises ValueError."""
    if isinstance(value, Subject):
        return value
    if value == EVERYONE:
        return Subject()
    known = ", ".join(KINDS)
    if not isinstance(value, Mapping) or not value:
        raise ValueError(f"must be `everyone` or a mapping such as {{team: research}}; kinds: {known}")
    parts: list[Part] = []
    for kind, name in value.items():
        if kind not in KINDS:
            raise ValueError(f"`{kind}` is no kind of subject; known: {known}")
        if kind == METADATA:
            parts += _of_metadata(name)
            continue
        named = _named(name)
        if named is None:
            raise ValueError(f'`{kind}` needs an id or a name, or "*" for each one separately')
        parts.append(Part(kind, spelled(named) if kind in CALLER_KINDS else named))
    caller = tuple(part for part in parts if part.kind in CALLER_KINDS)
    return Subject(caller, tuple(part for part in parts if part not in caller))


def _of_metadata(given: Any) -> Iterator[Part]:
    """`cost_center` and `{cost_center: "*"}`: each value by itself; `{cost_center: 4711}`: this one alone."""
    wanted = given if isinstance(given, Mapping) else {given: EACH}
    if not wanted:
        raise ValueError(f"`{METADATA}` needs {_METADATA_FORMS}")
    for key, value in wanted.items():
        if not isinstance(key, str) or not key.strip() or key.strip() == EACH:
            raise ValueError(f"`{METADATA}` needs {_METADATA_FORMS}")
        if "=" in key or "&" in key or len(key) > _LONGEST_KEY:
            raise ValueError(f"`{METADATA}`: a key has at most {_LONGEST_KEY} characters, and no `=` or `&`")
        named = ("true" if value else "false") if isinstance(value, bool) else _named(value)
        if named is None:
            raise ValueError(f'`{METADATA}`: `{key}` needs a value, or "*" for each one separately')
        yield Part(METADATA, named, key.strip())


def _named(name: Any) -> str | None:
    plain = isinstance(name, (str, int)) and not isinstance(name, bool)
    return (str(name).strip() or None) if plain else None


_TEXT: Final = {"type": "string"}
_METADATA: Final = {
    "anyOf": [_TEXT, {"type": "object", "additionalProperties": {"type": ["string", "integer", "boolean"]}}],
    "examples": ["cost_center"],
}
SubjectNames = Annotated[
    Subject,
    BeforeValidator(parse_subject),
    WithJsonSchema(
        {
            "anyOf": [
                {"const": EVERYONE},
                {
                    "type": "object",
                    "properties": {kind: _METADATA if kind == METADATA else _TEXT for kind in KINDS},
                    "additionalProperties": False,
                    "minProperties": 1,
                },
            ]
        }
    ),
]
