"""YAML (and so JSON) text to plain values, remembering where each of them stands.

Values follow the YAML 1.2 core schema. What YAML 1.1 would silently read as something else (`yes`, `010`, `12:30`)
is refused, and so are duplicate keys, tags, merge keys and documents that expand beyond `MAX_NODES`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

import yaml

from governance.model.errors import PolicyError, Problem
from governance.policy.yaml_mistakes import yaml_problem

Path = tuple[str | int, ...]

MAX_BYTES = 10 * 1024 * 1024
MAX_NODES = 200_000
MAX_DEPTH = 40
_TOO_MANY = f"has more than {MAX_NODES:,} values, which is the most of a policy"
# Keys are written too.
_MOST_WRITTEN = 2 * MAX_NODES + 1

_INT = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?(?:0|[1-9][0-9]*)(?:\.[0-9]*)?(?:[eE][-+]?[0-9]+)?|[-+]?\.[0-9]+(?:[eE][-+]?[0-9]+)?")
_WORDS = {"true": True, "false": False, "null": None, "~": None, "": None}
_SWITCHES = {"yes", "no", "on", "off", "y", "n"}


class Mark(NamedTuple):
    line: int
    column: int


class Tree(NamedTuple):
    """The values of a document, and where each key and value stands (1-based).

    Args:
        filled: strings that are not what the file says: the text of the file, and what it was replaced by.
        closed: problems whose words come from the model alone, and never from what the document holds.
    """

    source: str
    data: Any
    marks: dict[Path, Mark]
    problems: list[Problem]
    filled: dict[Path, tuple[str, str]]
    closed: set[Problem]

    def mark(self, path: Path) -> Mark:
        """Where `path` stands, or the nearest thing around it that does stand in the file."""
        while path and path not in self.marks:
            path = path[:-1]
        return self.marks.get(path, Mark(1, 1))

    def problem(self, path: Path, message: str) -> Problem:
        """A mistake at `path`."""
        mark = self.mark(path)
        return Problem(self.source, mark.line, mark.column, dotted(path), message, pointer(path))


def pointer(path: Path) -> str:
    """`("limits", 2, "a/b")` -> `/limits/2/a~1b`.

    Source: RFC 6901, section 3.
    """
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in path)


def dotted(path: Path) -> str:
    """`("limits", 2, "name")` -> `limits[2].name`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def read_tree(text: str, source: str) -> Tree:
    """Parse one document.

    Raises:
        PolicyError: the text is no YAML at all. Smaller mistakes are collected in `Tree.problems`.
    """
    if len(text) > MAX_BYTES:
        raise PolicyError([Problem(source, 0, 0, "", f"larger than {MAX_BYTES // 2**20} MiB")])
    try:
        tagged = _explicit_tags(text, source)
        root = yaml.compose(text, Loader=_Loader)
    except (yaml.YAMLError, ValueError) as error:
        raise PolicyError([yaml_problem(source, text, error)]) from None
    reader = _Reader(source, tagged)
    data = reader.value(root, ()) if root is not None else None
    return Tree(source, data, reader.marks, reader.problems, {}, set())


def filled(tree: Tree, substitute: Callable[[str], str]) -> Tree:
    """The same document with every string value as `substitute` gives it; its ValueErrors are problems there."""
    problems = list(tree.problems)
    fillings: dict[Path, tuple[str, str]] = {}

    def fill(value: Any, path: Path) -> Any:
        if isinstance(value, dict):
            return {key: fill(item, (*path, key)) for key, item in value.items()}
        if isinstance(value, list):
            return [fill(item, (*path, i)) for i, item in enumerate(value)]
        if not isinstance(value, str):
            return value
        try:
            text = substitute(value)
        except ValueError as error:
            problems.append(tree.problem(path, str(error)))
            return None
        if text != value:
            fillings[path] = (value, text)
        return text

    return Tree(tree.source, fill(tree.data, ()), tree.marks, problems, fillings, set())


_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def _explicit_tags(text: str, source: str) -> dict[int, str]:
    """The tags that are written out, by where their values start; a node does not tell them from resolved ones."""
    # compose() recurses in C, and keeps all: depth and size have to be known before it runs.
    depth = values = 0
    tags = {}
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, (yaml.ScalarEvent, yaml.CollectionStartEvent)) and event.tag and event.start_mark:
            tags[event.start_mark.index] = event.tag.replace("tag:yaml.org,2002:", "!!")
        if isinstance(event, yaml.NodeEvent):
            values += 1
            if values > _MOST_WRITTEN:
                line = event.start_mark.line + 1 if event.start_mark else 1
                raise PolicyError([Problem(source, line, 1, "", _TOO_MANY)])
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                line = event.start_mark.line + 1 if event.start_mark else 1
                raise PolicyError([Problem(source, line, 1, "", f"nested deeper than {MAX_DEPTH} levels")])
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
    return tags


class _Reader:
    def __init__(self, source: str, tagged: dict[int, str]) -> None:
        self.source = source
        self.tagged = tagged
        self.marks: dict[Path, Mark] = {}
        self.problems: list[Problem] = []
        self.nodes = 0
        self.open: list[int] = []
        self.read: set[int] = set()
        self.repeated = False
        # The same words stand in thousands of entries, and the policy that is made of them keeps each.
        self.words: dict[str, str] = {}

    def value(self, node: yaml.Node, path: Path) -> Any:
        self.marks.setdefault(path, Mark(node.start_mark.line + 1, node.start_mark.column + 1))
        self.nodes += 1
        if self.nodes > MAX_NODES:
            self.fail(node, path, self.too_many())
            raise PolicyError(self.problems)
        self.repeated = self.repeated or id(node) in self.read
        self.read.add(id(node))
        if id(node) in self.open:
            return self.fail(node, path, "contains itself through an alias")
        if len(self.open) > MAX_DEPTH:
            return self.fail(node, path, f"nested deeper than {MAX_DEPTH} levels, through aliases")
        if node.start_mark.index in self.tagged:
            return self.fail(node, path, f"tags are not allowed, found `{self.tagged[node.start_mark.index]}`")
        self.open.append(id(node))
        try:
            if isinstance(node, yaml.MappingNode):
                return self.mapping(node, path)
            if isinstance(node, yaml.SequenceNode):
                return [self.value(item, (*path, i)) for i, item in enumerate(node.value)]
            return self.scalar(node, path) if isinstance(node, yaml.ScalarNode) else None
        finally:
            self.open.pop()

    def too_many(self) -> str:
        if self.repeated:
            return f"expands to more than {MAX_NODES:,} values; repeat less by aliases"
        return _TOO_MANY

    def mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = key_node.value if isinstance(key_node, yaml.ScalarNode) else None
            if key is None or key_node.start_mark.index in self.tagged:
                self.fail(key_node, path, "a key must be plain text")
            elif key_node.tag == "tag:yaml.org,2002:merge":
                self.fail(key_node, path, "merge keys (`<<`) are not supported; write the keys out")
            elif key in values:
                at = (*path, key)
                self.fail(key_node, at, f"duplicate key; it stands first on line {self.marks[at].line}")
            else:
                key = self.words.setdefault(key, key)
                at = (*path, key)
                self.marks[at] = Mark(key_node.start_mark.line + 1, key_node.start_mark.column + 1)
                values[key] = self.value(value_node, at)
        return values

    def scalar(self, node: yaml.ScalarNode, path: Path) -> Any:
        text: str = node.value
        quoted = node.style in ("'", '"', "|", ">")
        if quoted or node.tag == "tag:yaml.org,2002:str":
            if not quoted and text.lower() in _SWITCHES:
                return self.ambiguous(node, path, "true, false")
            return self.words.setdefault(text, text)
        if text.lower() in _WORDS and text in {text.lower(), text.upper(), text.capitalize()}:
            return _WORDS[text.lower()]
        if text.lower() in _SWITCHES:
            return self.ambiguous(node, path, "true, false")
        if _INT.fullmatch(text):
            return int(text) if len(text) <= 20 else self.fail(node, path, "the number is too long")
        if _FLOAT.fullmatch(text):
            return float(text)
        if node.tag == "tag:yaml.org,2002:timestamp":
            return text
        return self.ambiguous(node, path, "the number in plain decimal digits")

    def ambiguous(self, node: yaml.ScalarNode, path: Path, plain: str) -> None:
        message = f"`{node.value}` means different things in different versions of YAML; write {plain} or quote it"
        self.fail(node, path, message)

    def fail(self, node: yaml.Node, path: Path, message: str) -> None:
        mark = node.start_mark
        self.problems.append(Problem(self.source, mark.line + 1, mark.column + 1, dotted(path), message, pointer(path)))
