"""What pydantic finds wrong with a document, in the words of somebody who writes one."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from functools import cache
from typing import Any, Final

from pydantic import BaseModel


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`, did you mean …?` where one of the known words is much like this one, else nothing."""
    close = difflib.get_close_matches(word, list(known), n=1)
    return f", did you mean `{close[0]}`?" if close else ""


def explained(model: type[BaseModel], error: Any) -> str:
    """What is wrong and what would be right.

    Args:
        error: one of `ValidationError.errors()` of this model.
    """
    kind, context = error["type"], error.get("ctx", {})
    if kind == "extra_forbidden":
        return f"unknown key{_known_keys(model, error['loc'])}"
    if kind == "missing":
        return "is required"
    if kind in {"value_error", "assertion_error"}:
        return str(context.get("error", error["msg"]))
    if kind in {"literal_error", "enum"}:
        expected = str(context["expected"]).replace(" or ", ", ").replace("'", "")
        return f"must be one of {expected}" if ", " in expected else f"must be {expected}"
    if kind in {"too_short", "string_too_short"} and context["min_length"] == 1:
        return "must not be empty"
    if kind in {"too_long", "string_too_long"} and isinstance(error["input"], str):
        return f"must be at most {context['max_length']} characters long"
    if kind == "int_from_float":
        return f"must be a whole number, not {error['input']}"
    wanted = _WANTED.get(kind)
    if wanted:
        return f"must be {wanted}, not {_kind_of(error['input'])}"
    return str(error["msg"][0].lower() + error["msg"][1:]).replace("input should", "must")


_WANTED = {
    "bool_parsing": "true or false",
    "bool_type": "true or false",
    "int_parsing": "a whole number",
    "int_type": "a whole number",
    "float_parsing": "a number",
    "float_type": "a number",
    "string_type": "text",
    "list_type": "a list",
    "tuple_type": "a list",
    "frozen_set_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
}

# What is said of these is made of the model alone, whatever was found; all others may repeat what was found.
CLOSED: Final = frozenset(_WANTED) | {
    "enum", "extra_forbidden", "greater_than", "greater_than_equal", "less_than", "less_than_equal", "literal_error",
    "missing", "string_pattern_mismatch", "string_too_long", "string_too_short", "too_long", "too_short",
}  # fmt: skip


def _kind_of(value: Any) -> str:
    names = {dict: "a mapping", list: "a list", str: "text", bool: "true or false", type(None): "nothing"}
    return names.get(type(value), "a number")


def _known_keys(model: type[BaseModel], loc: tuple[str | int, ...]) -> str:
    keys = _keys_at(_schema(model), loc[:-1])
    return f"{did_you_mean(str(loc[-1]), keys)}; known: {', '.join(keys)}" if keys else ""


@cache
def _schema(model: type[BaseModel]) -> dict[str, Any]:
    # Made anew for each mistake, a document with a hundred of them took two seconds.
    return model.model_json_schema()


def _keys_at(schema: dict[str, Any], loc: Iterable[str | int]) -> list[str]:
    definitions = schema.get("$defs", {})

    def resolve(node: Any) -> dict[str, Any]:
        while isinstance(node, dict) and "$ref" in node:
            node = definitions.get(node["$ref"].rsplit("/", 1)[-1], {})
        for option in (node or {}).get("anyOf", ()):
            found = resolve(option)
            if found.get("properties") or found.get("items"):
                return found
        return node or {}

    node = resolve(schema)
    for part in loc:
        entries = node.get("properties", {}).get(part) or node.get("additionalProperties") or {}
        node = resolve(node.get("items", {}) if isinstance(part, int) else entries)
    return sorted(node.get("properties", ()))
