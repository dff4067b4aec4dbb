"""Variables with the names of secrets, in places whose values people see."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, Final

from governance.model.errors import Problem
from governance.policy.environment import variables
from governance.policy.nodes import Path, Tree

# As people call them; `TOKENS_PER_DAY` and `KEY_SHA256` are none.
_SECRET: Final = re.compile(
    r"secret|passw|passphrase|credential|private|token(?!s)|(?:^|_)key$|api_?key(?!_?(?:sha256|digest|hash))", re.I
)
_DIGEST: Final = re.compile(r"_(?:sha256|digest|hash)$", re.I)

Schema = dict[str, Any]


def shown_secrets(tree: Tree, root: Path, schema_of: Callable[[str], Schema]) -> Iterator[Problem]:
    """A problem for each variable that is called like a secret and fills in what is not kept from anybody.

    Names, models, subjects and descriptions stand in records, metrics and answers. What stands nowhere is `writeOnly`
    in the schema of the policy: addresses, keys, conditions.

    Args:
        root: where the keys of the policy stand in the document.
        schema_of: the JSON Schema of one of these keys.
    """
    schemas: dict[str, Schema] = {}
    for path, (written, _) in tree.filled.items():
        secrets = [name for name in variables(written) if _SECRET.search(name) and not _DIGEST.search(name)]
        key = str(path[len(root)]) if len(path) > len(root) else ""
        if not secrets or not key:
            continue
        if key not in schemas:
            schemas[key] = schema_of(key)
        if not _kept(schemas[key], path[len(root) + 1 :]):
            message = (
                f"`${{{secrets[0]}}}` would be shown here: this stands in records, metrics and answers. A variable of "
                "that name fills in addresses, keys and conditions alone; if it holds no secret, call it otherwise"
            )
            yield tree.problem(path, message)


def _kept(schema: Schema, path: Path) -> bool:
    """Whether the place at `path` is one that is never shown."""
    nodes = list(_options(schema, schema))
    for part in path:
        found = [node for each in nodes for node in _inside(each, part)]
        nodes = [option for node in found for option in _options(node, schema)]
    return any(node.get("writeOnly") for node in nodes)


def _inside(node: Schema, part: str | int) -> Iterator[Schema]:
    if isinstance(part, int):
        inside = node.get("items")
    else:
        inside = node.get("properties", {}).get(part, node.get("additionalProperties"))
    if isinstance(inside, dict):
        yield inside


def _options(node: Schema, schema: Schema) -> Iterator[Schema]:
    """What a node may be, itself included."""
    yield node
    if "$ref" in node:
        yield from _options(schema.get("$defs", {}).get(node["$ref"].rpartition("/")[2], {}), schema)
    for kind in ("anyOf", "oneOf", "allOf"):
        for option in node.get(kind, ()):
            yield from _options(option, schema)
