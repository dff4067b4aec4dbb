"""Every place of a policy where text may stand, by the schema that `governance schema` prints."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from governance.engine.plugins import section_model
from governance.policy.document import Core

Path = tuple[str | int, ...]
Make = Callable[[Any], Any]
Schema = dict[str, Any]

SECTIONS = ("routing_rules", "task_routing", "routing_profiles", "rate_limits", "budgets", "failover")


def places() -> dict[Path, Make]:
    """By its path, what makes a document with a text at this place and little else."""
    found: dict[Path, Make] = {}
    core = Core.model_json_schema(by_alias=True)
    schemas = {name: {**node, "$defs": core.get("$defs", {})} for name, node in core["properties"].items()}
    for name in SECTIONS:
        model = section_model(name)
        assert model is not None
        schemas[name] = model.model_json_schema(by_alias=True)
    for name, schema in schemas.items():
        for path, make in _places(schema, schema, ()):
            found.setdefault((name, *path), lambda text, name=name, make=make: {name: make(text)})
    return found


def _places(node: Schema, root: Schema, seen: tuple[str, ...]) -> Iterator[tuple[Path, Make]]:
    if "$ref" in node:
        if node["$ref"] not in seen:
            yield from _places(_resolved(node, root), root, (*seen, node["$ref"]))
        return
    for option in (*node.get("anyOf", ()), *node.get("oneOf", ()), *node.get("allOf", ())):
        yield from _places(option, root, seen)
    kinds = node.get("type", ())
    if kinds == "string" or "string" in kinds or "enum" in node or "const" in node:
        yield (), lambda text: text
    needed = {name: _sample(node["properties"][name], root) for name in node.get("required", ())}
    for name, inside in node.get("properties", {}).items():
        for path, make in _places(inside, root, seen):
            yield (name, *path), lambda text, name=name, make=make: {**needed, name: make(text)}
    others = node.get("additionalProperties")
    if others is True:
        yield ("any",), lambda text: {"any": text}
    if isinstance(others, dict):
        for path, make in _places(others, root, seen):
            yield ("openai", *path), lambda text, make=make: {"openai": make(text)}
    if isinstance(node.get("items"), dict):
        for path, make in _places(node["items"], root, seen):
            yield (0, *path), lambda text, make=make: [make(text)]


def _resolved(node: Schema, root: Schema) -> Schema:
    found: Schema = root["$defs"][node["$ref"].rpartition("/")[2]]
    return found


def _sample(node: Schema, root: Schema) -> Any:
    """Something that may stand there."""
    if "$ref" in node:
        return _sample(_resolved(node, root), root)
    for given in ("examples", "enum"):
        if given in node:
            return node[given][0]
    if "anyOf" in node:
        return _sample(node["anyOf"][0], root)
    kind = node.get("type")
    if kind == "object":
        return {name: _sample(node["properties"][name], root) for name in node.get("required", ())}
    if kind == "array":
        return [_sample(node["items"], root)] if node.get("minItems") else []
    if node.get("pattern") == "^[0-9a-f]{64}$":
        return "a" * 64
    return {"integer": 1, "number": 1, "boolean": True}.get(str(kind), "openai")
