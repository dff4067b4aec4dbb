"""What a field of an entry can hold, read from the JSON schema of its section."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, Literal

from governance.engine.plugins import section_model
from governance.policy.sections import Section

Kind = Literal[
    "text", "condition", "number", "choice", "flag", "several", "checks", "lines", "mapping", "group", "rows", "parts"
]
_NOTHING: Final = object()


@dataclass(frozen=True)
class Shape:
    """Args:
    kind: `several` is one or more texts with commas, `checks` some of `choices`, `lines` one value a line, `mapping`
        keys and values on one line, `rows` a list of groups, `parts` pairs of a word of `choices` and a name, or the
        one word that stands for all.
    choices: the words that it can be.
    inside: of a group, of each of the rows, and of a choice that may be one of its words or this.
    other: the word of a choice that stands for what is `inside`; "" where there is no such.
    default: what it is where nothing is said.
    about: what it means, in a line; "" where its name says it.
    """

    key: str
    kind: Kind
    required: bool = False
    default: Any = None
    choices: tuple[Any, ...] = ()
    inside: tuple[Shape, ...] = ()
    other: str = ""
    example: str = ""
    about: str = ""

    @property
    def switched(self) -> bool:
        """Whether a group says something without a word inside: `affinity: {}` is affinity as it is by itself."""
        by_itself = all(not each.required and each.default is not None for each in self.inside)
        return self.kind == "group" and not self.required and self.default is None and by_itself


@cache
def shape_of_entry(section: Section) -> Shape:
    """The fields of one entry of a list of the policy. Raises LookupError where the section is none."""
    model = section_model(section.at[0])
    if model is None:
        raise LookupError(section.word)
    schema = model.model_json_schema()
    return _shape(section.word, schema["items"], schema.get("$defs", {}), True)


def _shape(key: str, given: Mapping[str, Any], defs: Mapping[str, Any], required: bool) -> Shape:
    schema, others = _alternatives(given, defs)
    default = given.get("default")
    said: dict[str, Any] = {
        "key": key,
        "required": required,
        "default": default,
        "about": str(given.get("description", "")),
        "example": _example(given, schema),
    }
    if others:
        return _of_several(said, [schema, *others], defs)
    if "properties" in schema:
        return Shape(kind="group", inside=_inside(schema, defs), **said)
    if "enum" in schema:
        return Shape(kind="choice", choices=tuple(schema["enum"]), **said)
    if schema.get("type") == "array":
        return _of_list(said, schema["items"], defs)
    if schema.get("type") == "object":
        return Shape(kind="mapping", **{**said, "example": ""})
    kinds: dict[Any, Kind] = {"boolean": "flag", "integer": "number", "number": "number"}
    if schema.get("type") == "string" and schema.get("writeOnly"):
        return Shape(kind="condition", **said)
    type = schema.get("type")
    return Shape(kind=kinds.get(type, "text") if isinstance(type, str) else "number", **said)


def _of_list(said: dict[str, Any], given: Mapping[str, Any], defs: Mapping[str, Any]) -> Shape:
    items, others = _alternatives(given, defs)
    said["example"] = said["example"] or _example(given, items)
    if others:
        return Shape(kind="lines", **said)
    if "properties" in items:
        return Shape(kind="rows", inside=_inside(items, defs), **said)
    words = items.get("enum") or items.get("examples") or ()
    if len(words) > 1:
        return Shape(kind="checks", choices=tuple(words), **{**said, "example": ""})
    return Shape(kind="several", **said)


def _of_several(said: dict[str, Any], options: list[Mapping[str, Any]], defs: Mapping[str, Any]) -> Shape:
    if any(option.get("type") == "array" for option in options):
        return Shape(kind="several", **said)
    words = tuple(word for option in options for word in _words(option))
    groups = [option for option in options if "properties" in option]
    if words and len(groups) == 1:
        inside = _inside(groups[0], defs)
        if groups[0].get("minProperties"):
            kinds = tuple(each.key for each in inside)
            return Shape(kind="parts", choices=(*words, *kinds), **said)
        return Shape(kind="choice", choices=words, inside=inside, other=inside[0].key, **said)
    return Shape(kind="lines", **said)


def _inside(schema: Mapping[str, Any], defs: Mapping[str, Any]) -> tuple[Shape, ...]:
    required = schema.get("required", ())
    return tuple(_shape(key, each, defs, key in required) for key, each in schema["properties"].items())


def _alternatives(
    given: Mapping[str, Any], defs: Mapping[str, Any]
) -> tuple[Mapping[str, Any], list[Mapping[str, Any]]]:
    """What a schema refers to, and what it may be besides; null is the same as left out."""
    options = [_resolved(each, defs) for each in given.get("anyOf", (given,))]
    first, *others = [option for option in options if option.get("type") != "null"]
    return first, others


def _resolved(schema: Mapping[str, Any], defs: Mapping[str, Any]) -> Mapping[str, Any]:
    name = str(schema.get("$ref", "")).removeprefix("#/$defs/")
    return defs[name] if name else schema


def _words(schema: Mapping[str, Any]) -> tuple[Any, ...]:
    const = schema.get("const", _NOTHING)
    return tuple(schema.get("enum", ())) if const is _NOTHING else (const,)


def _example(*schemas: Mapping[str, Any]) -> str:
    for schema in schemas:
        for example in schema.get("examples", ())[:1]:
            return str(example)
    return ""
