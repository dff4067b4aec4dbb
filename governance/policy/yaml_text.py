"""The text of a YAML document, cut and put together again at the places where its values stand."""

from __future__ import annotations

import json
import re
from typing import Any, Final

import yaml

from governance.model.errors import GovernanceError, PolicyError
from governance.policy.diff import folded
from governance.policy.nodes import read_tree

_PLAIN: Final = re.compile(r"[A-Za-z0-9][\w./%-]*(?:[: ]?[\w./%-]+)*")


class NotEditable(GovernanceError):
    """The text is valid and written so that this value cannot be changed in place."""


def by_hand(path: tuple[str, ...]) -> str:
    """Why a value at `path` is left alone."""
    return f"{'.'.join(path)} cannot be changed in place, because of how the file is written; edit it by hand"


def begins_a_list(path: tuple[str, ...], value: Any) -> bool:
    """Whether a value is the first entry of a list of named ones."""
    return len(path) == 1 and isinstance(value, dict) and value.get("name") == path[0]


class YamlText:
    """A document whose text is cut where its values stand."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.root = yaml.compose(text, Loader=yaml.SafeLoader)
        # JSON wants quotes.
        self.quoted = text.lstrip().startswith("{")

    def changed(self, path: tuple[str, ...], value: Any) -> str:
        node: Any = self.root
        for depth, key in enumerate(path):
            if isinstance(node, yaml.SequenceNode):
                item = next((item for item in node.value if _named(item, key)), None)
                if item is None:
                    return self._appended(node, value)
                if depth == len(path) - 1:
                    return self._item(node, item, value)
                node = item
                continue
            if not isinstance(node, yaml.MappingNode):
                raise NotEditable(by_hand(path))
            pair = next((pair for pair in node.value if pair[0].value.lower() == key.lower()), None)
            if pair is None:
                return self._inserted(node, path[depth:], value)
            if pair[1].start_mark.index < pair[0].end_mark.index:
                raise NotEditable(by_hand(path))  # an alias: what it stands for has other users
            if depth == len(path) - 1:
                return self._replaced(node, pair, value)
            if isinstance(pair[1], yaml.ScalarNode) and not pair[1].value:
                start = pair[0].end_mark.index + 1
                return self._spliced(start, max(start, end_of(pair[1])), f" {self._flow(path[depth + 1 :], value)}")
            node = pair[1]
        return self.text

    def _appended(self, node: Any, value: Any) -> str:
        if node.flow_style or not node.value:
            end = node.end_mark.index - 1
            last = end_of(node.value[-1]) if node.value else end
            return self._spliced(last, last, f", {self._word(value)}" if node.value else self._word(value))
        last = node.value[-1]
        end = self.text.find("\n", end_of(last))
        end = len(self.text) if end < 0 else end
        indent = " " * node.start_mark.column
        flow = isinstance(last, yaml.MappingNode) and last.flow_style
        lines = (
            [self._word(value)] if flow else [f"{self._word(key)}: {self._word(each)}" for key, each in value.items()]
        )
        return self._spliced(end, end, f"\n{indent}- " + f"\n{indent}  ".join(lines))

    def _item(self, node: Any, item: Any, value: Any) -> str:
        if value is not None:
            return self._spliced(item.start_mark.index, end_of(item), self._word(value))
        if len(node.value) == 1:
            start = node.start_mark.index if node.flow_style else self.text.rindex(":", 0, node.start_mark.index) + 1
            return self._spliced(
                start, node.end_mark.index if node.flow_style else end_of(item), "[]" if node.flow_style else " []"
            )
        at = node.value.index(item)
        if not node.flow_style:
            start = self.text.rfind("\n", 0, item.start_mark.index) + 1
            end = self.text.find("\n", end_of(item))
            return self._spliced(start, len(self.text) if end < 0 else end + 1, "")
        if at:
            return self._spliced(end_of(node.value[at - 1]), end_of(item), "")
        return self._spliced(item.start_mark.index, node.value[1].start_mark.index, "")

    def _replaced(self, node: Any, pair: tuple[Any, Any], value: Any) -> str:
        key, old = pair
        if value is not None:
            colon = self.text.index(":", key.end_mark.index)
            return self._spliced(colon + 1, max(colon + 1, end_of(old)), f" {self._word(value)}")
        if len(node.value) == 1:
            if node.flow_style:
                return self._spliced(node.start_mark.index, node.end_mark.index, "{}")
            start = self.text.rindex(":", 0, node.start_mark.index) + 1
            return self._spliced(start, end_of(old), " {}")
        at = node.value.index(pair)
        if not node.flow_style:
            start = self.text.rfind("\n", 0, key.start_mark.index) + 1
            end = self.text.find("\n", end_of(old))
            return self._spliced(start, len(self.text) if end < 0 else end + 1, "")
        if at:
            return self._spliced(end_of(node.value[at - 1][1]), end_of(old), "")
        return self._spliced(key.start_mark.index, node.value[1][0].start_mark.index, "")

    def _inserted(self, node: Any, path: tuple[str, ...], value: Any) -> str:
        entry = f"{self._word(path[0])}: {self._flow(path[1:], value)}"
        if node.flow_style:
            end = node.end_mark.index - 1
            last = end_of(node.value[-1][1]) if node.value else end
            return self._spliced(last, last, f", {entry}" if node.value else entry)
        end = self.text.find("\n", end_of(node.value[-1][1]))
        end = len(self.text) if end < 0 else end
        indent = " " * node.value[0][0].start_mark.column
        return self._spliced(end, end, f"\n{indent}{entry}")

    def _flow(self, path: tuple[str, ...], value: Any) -> str:
        if not path:
            return self._word(value)
        if begins_a_list(path, value):
            return f"[{self._word(value)}]"
        return "{" + f"{self._word(path[0])}: {self._flow(path[1:], value)}" + "}"

    def _word(self, value: Any) -> str:
        """A value on one line."""
        if isinstance(value, dict):
            return "{" + ", ".join(f"{self._word(key)}: {self._word(each)}" for key, each in value.items()) + "}"
        if isinstance(value, list):
            return "[" + ", ".join(map(self._word, value)) + "]"
        plain = isinstance(value, str) and not self.quoted and _PLAIN.fullmatch(value) and reads_as_itself(value)
        return value if plain else json.dumps(value)

    def _spliced(self, start: int, end: int, new: str) -> str:
        return self.text[:start] + new + self.text[end:]


def _named(item: Any, name: str) -> bool:
    pairs = item.value if isinstance(item, yaml.MappingNode) else ()
    return any(
        key.value == "name" and isinstance(value, yaml.ScalarNode) and folded(value.value) == folded(name)
        for key, value in pairs
    )


def reads_as_itself(word: str) -> bool:
    """Whether a word without quotes is read as that word, also in a list."""
    try:
        tree = read_tree(f"[{word}]", "policy")
    except PolicyError:
        return False
    return not tree.problems and bool(tree.data == [word])


def end_of(node: Any) -> int:
    """Where the text of a node ends; the parser's mark of a block is where the next thing begins."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return end_of(last[1] if isinstance(last, tuple) else last)
    end: int = node.end_mark.index
    return end
