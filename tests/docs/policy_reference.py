"""docs/policy-keys.md, made of the models: every key of a policy with its type, its default and what its model says.

`python -m tests.docs.policy_reference --write` writes it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any

from typer.testing import CliRunner

from governance.cli import app
from tests.docs.pages import ROOT, headings, text_of

PAGE = ROOT / "docs" / "policy-keys.md"
_BEGINNING = """# Every key of a policy

Made of the models that read a policy, as `governance schema` is: the type of each key, its bounds, and its default.
What keys do, and why, is in [the policy](policy.md). A key in bold is required; `[]` is each of a list, `<name>` any
name. Amounts, periods and sizes are texts with their units, such as `60/minute`, `5 USD/day`, `250ms` and `64 MiB`
([amounts](policy.md#amounts)). Keys of a plugin of another distribution are that plugin's: `governance schema` prints
them where it is installed.
"""
_SIMPLE = {"integer": "whole number", "number": "number", "boolean": "true or false", "string": "text", "null": "null"}
_BOUNDS = {"minimum": "≥", "maximum": "≤", "exclusiveMinimum": ">", "exclusiveMaximum": "<"}


class Schema:
    """A JSON schema whose parts are looked up by reference."""

    def __init__(self, schema: dict[str, Any]) -> None:
        self.root, self._models = schema, schema["$defs"]

    def of(self, part: dict[str, Any]) -> dict[str, Any]:
        reference = part.get("$ref")
        return {**self._models[reference.rpartition("/")[2]], **part} if reference else part

    def type_of(self, part: dict[str, Any]) -> str:
        """In words: what may stand there."""
        part = self.of(part)
        if "enum" in part or "const" in part:
            return " or ".join(f"`{value}`" for value in part.get("enum", [part.get("const")]))
        if choices := part.get("anyOf") or part.get("oneOf"):
            return " or ".join(dict.fromkeys(self.type_of(choice) for choice in choices))
        kinds = part.get("type")
        if isinstance(kinds, list):
            return " or ".join(_SIMPLE[kind] for kind in kinds)
        if kinds == "array":
            return f"list of {self.type_of(part.get('items', {}))}"
        if kinds == "object":
            return "mapping"
        bounds = [f"{sign} {part[name]:,}" for name, sign in _BOUNDS.items() if name in part]
        return " ".join([_SIMPLE.get(str(kinds), "anything"), *bounds])

    def default_of(self, key: str, part: dict[str, Any]) -> str:
        """As JSON. A mapping's are those of its keys; what is written with a unit is read into seconds or bytes."""
        default, kind = part.get("default"), self.type_of(part)
        if "default" not in part or isinstance(default, dict):
            return ""
        unit = ("bytes" if key == "most" else "s") if kind == "text" and not isinstance(default, str) else ""
        return f"`{json.dumps(default, ensure_ascii=False)}` {unit}"

    def rows(self, part: dict[str, Any], path: str, above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
        """Each key below `part`: its path, type, default and meaning."""
        part = self.of(part)
        name = str(part.get("title"))
        for choice in part.get("anyOf") or part.get("oneOf") or ():
            yield from self.rows(choice, path, above)
        if "items" in part:
            yield from self.rows(part["items"], f"{path}[]", above)
        if isinstance(part.get("additionalProperties"), dict) and "properties" not in part:
            yield from self.rows(part["additionalProperties"], f"{path}.<name>", above)
        if "properties" not in part or name in above:
            return
        for key, given in part["properties"].items():
            required = key in part.get("required", ())
            marked = f"**`{path}.{key}`**" if required else f"`{path}.{key}`"
            yield marked, self.type_of(given), self.default_of(key, given), str(self.of(given).get("description", ""))
            yield from self.rows(given, f"{path}.{key}", (*above, name))


def page() -> str:
    schema = Schema(json.loads(CliRunner().invoke(app, ["schema"]).stdout))
    known = headings(text_of("docs/policy.md"))
    parts = [_BEGINNING]
    for name, given in schema.root["properties"].items():
        link = f"[What it does](policy.md#{name}).\n\n" if name in known else ""
        parts.append(f"## {name}\n\n{link}| key | type | default | means |\n| --- | --- | --- | --- |\n")
        means = str(schema.of(given).get("description", ""))
        top = (f"`{name}`", schema.type_of(given), schema.default_of(name, given), means)
        for row in dict.fromkeys([top, *schema.rows(given, name)]):
            parts[-1] += "| " + " | ".join(" ".join(cell.split()).replace("|", "\\|") for cell in row) + " |\n"
    return "\n".join(parts)


if __name__ == "__main__":
    if "--write" in sys.argv:
        PAGE.write_text(page(), "utf-8")
    else:
        print(page(), end="")
