"""One value of a policy file changed, and every other character of it kept: comments, order, quotes."""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path as FilePath
from typing import Any

import yaml

from governance.model.errors import GovernanceError
from governance.policy.nodes import read_tree

_PLAIN = re.compile(r"[A-Za-z][\w./-]*(?::[\w./-]+)*")
_NOT_PLAIN = {"true", "false", "null", "yes", "no", "on", "off", "y", "n"}


class NotEditable(GovernanceError):
    """The text is valid and written so that this value cannot be changed in place."""


def edited(text: str, path: tuple[str, ...], value: str | None) -> str:
    """The text of a policy with the value at `path`; None takes it out. Keys are found whatever their case.

    Raises:
        NotEditable: it would change more than that; somebody has to edit the file by hand.
    """
    before = read_tree(text, "policy").data
    wanted = _with(before, path, value)
    if wanted == before:
        return text
    try:
        changed = _Text(text).changed(path, value)
        after = read_tree(changed, "policy")
    except (GovernanceError, ValueError, IndexError) as error:
        raise NotEditable(_by_hand(path)) from error
    if after.problems or after.data != wanted:
        raise NotEditable(_by_hand(path))
    return changed


def rewrite(file: FilePath, text: str, check: Callable[[FilePath], Any]) -> None:
    """Replace a file as a whole, or not at all, once `check` has read the new one without raising."""
    real = FilePath(os.path.realpath(file))
    folder = FilePath(tempfile.mkdtemp(prefix=f".{real.name}.", dir=real.parent))
    try:
        new = folder / real.name
        with new.open("w", encoding="utf-8", newline="") as out:
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
        check(new)
        shutil.copymode(real, new)
        os.replace(new, real)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _by_hand(path: tuple[str, ...]) -> str:
    return f"{'.'.join(path)} cannot be changed in place, because of how the file is written; edit it by hand"


def _with(data: Any, path: tuple[str, ...], value: str | None) -> Any:
    if not isinstance(data, dict):
        data = {}
    key = next((key for key in data if key.lower() == path[0].lower()), path[0])
    if len(path) > 1:
        if value is None and key not in data:
            return data
        return {**data, key: _with(data.get(key), path[1:], value)}
    if value is None:
        return {k: v for k, v in data.items() if k != key}
    return {**data, key: value}


class _Text:
    def __init__(self, text: str) -> None:
        self.text = text
        self.root = yaml.compose(text, Loader=yaml.SafeLoader)
        # JSON wants quotes.
        self.quoted = text.lstrip().startswith("{")

    def changed(self, path: tuple[str, ...], value: str | None) -> str:
        node: Any = self.root
        for depth, key in enumerate(path):
            if not isinstance(node, yaml.MappingNode):
                raise NotEditable(_by_hand(path))
            pair = next((pair for pair in node.value if pair[0].value.lower() == key.lower()), None)
            if pair is None:
                return self._inserted(node, path[depth:], value)
            if pair[1].start_mark.index < pair[0].end_mark.index:
                raise NotEditable(_by_hand(path))  # an alias: what it stands for has other users
            if depth == len(path) - 1:
                return self._replaced(node, pair, value)
            if isinstance(pair[1], yaml.ScalarNode) and not pair[1].value:
                start = pair[0].end_mark.index + 1
                return self._spliced(start, max(start, _end(pair[1])), f" {self._flow(path[depth + 1 :], value)}")
            node = pair[1]
        return self.text

    def _replaced(self, node: Any, pair: tuple[Any, Any], value: str | None) -> str:
        key, old = pair
        if value is not None:
            colon = self.text.index(":", key.end_mark.index)
            return self._spliced(colon + 1, max(colon + 1, _end(old)), f" {self._word(value)}")
        if len(node.value) == 1:
            if node.flow_style:
                return self._spliced(node.start_mark.index, node.end_mark.index, "{}")
            start = self.text.rindex(":", 0, node.start_mark.index) + 1
            return self._spliced(start, _end(old), " {}")
        at = node.value.index(pair)
        if not node.flow_style:
            start = self.text.rfind("\n", 0, key.start_mark.index) + 1
            end = self.text.find("\n", _end(old))
            return self._spliced(start, len(self.text) if end < 0 else end + 1, "")
        if at:
            return self._spliced(_end(node.value[at - 1][1]), _end(old), "")
        return self._spliced(key.start_mark.index, node.value[1][0].start_mark.index, "")

    def _inserted(self, node: Any, path: tuple[str, ...], value: str | None) -> str:
        entry = f"{self._word(path[0])}: {self._flow(path[1:], value)}"
        if node.flow_style:
            end = node.end_mark.index - 1
            last = _end(node.value[-1][1]) if node.value else end
            return self._spliced(last, last, f", {entry}" if node.value else entry)
        end = self.text.find("\n", _end(node.value[-1][1]))
        end = len(self.text) if end < 0 else end
        indent = " " * node.value[0][0].start_mark.column
        return self._spliced(end, end, f"\n{indent}{entry}")

    def _flow(self, path: tuple[str, ...], value: str | None) -> str:
        if not path:
            return self._word(value or "")
        return "{" + f"{self._word(path[0])}: {self._flow(path[1:], value)}" + "}"

    def _word(self, word: str) -> str:
        plain = not self.quoted and _PLAIN.fullmatch(word) and word.lower() not in _NOT_PLAIN
        return word if plain else json.dumps(word)

    def _spliced(self, start: int, end: int, new: str) -> str:
        return self.text[:start] + new + self.text[end:]


def _end(node: Any) -> int:
    """Where the text of a node ends; the parser's mark of a block is where the next thing begins."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return _end(last[1] if isinstance(last, tuple) else last)
    end: int = node.end_mark.index
    return end
