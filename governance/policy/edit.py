"""One value or entry of a policy file changed, and every other character of it kept: comments, order, quotes."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path as FilePath
from typing import Any

from governance.model.errors import GovernanceError
from governance.policy.diff import MISSING, diff, position, same
from governance.policy.nodes import read_tree
from governance.policy.yaml_text import NotEditable, YamlText, begins_a_list, by_hand


def edited(text: str, path: tuple[str, ...], value: Any) -> str:
    """The text of a policy with the value at `path`; None takes it out.

    Keys are found whatever their case. In a list of named entries a step is the name of one; one that is not there
    comes last.

    Raises:
        NotEditable: it would change more than that; somebody has to edit the file by hand.
    """
    before = read_tree(text, "policy").data
    wanted = _with(before, path, value)
    if same(wanted, before):
        return text
    try:
        changed = YamlText(text).changed(path, value)
        after = read_tree(changed, "policy")
    except (GovernanceError, ValueError, IndexError) as error:
        raise NotEditable(by_hand(path)) from error
    if after.problems or not same(after.data, wanted):
        raise NotEditable(by_hand(path))
    return changed


def entry_edited(text: str, at: tuple[str, ...], entry: dict[str, Any] | None) -> str:
    """The text of a policy with the entry at `at`, a section and a name; None takes it out.

    Of an entry that is there only what differs is written anew.

    Raises:
        NotEditable: as above.
    """
    there: Any = read_tree(text, "policy").data
    for step in at:
        there = _inside(there, step)
    if entry is None or not isinstance(there, dict):
        return edited(text, at, entry)
    # Its name comes last: until then it is found by the old one.
    edits = sorted(diff(there, entry), key=lambda edit: edit.path == ("name",))
    for key in dict.fromkeys(str(edit.path[0]) for edit in edits):
        value = entry.get(key, MISSING)
        if value is None:
            raise NotEditable(by_hand((*at, key)))
        text = edited(text, (*at, key), None if value is MISSING else value)
    return text


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


def _inside(data: Any, step: str) -> Any:
    if isinstance(data, list):
        try:
            return data[position(data, step)]
        except LookupError:
            return None
    return data.get(step) if isinstance(data, dict) else None


def _with(data: Any, path: tuple[str, ...], value: Any) -> Any:
    if data is None and begins_a_list(path, value):
        return [value]
    if isinstance(data, list):
        return _listed(data, path, value)
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


def _listed(data: list[Any], path: tuple[str, ...], value: Any) -> list[Any]:
    there = _inside(data, path[0])
    if there is None:
        if value is None:
            return data
        if len(path) > 1:
            raise NotEditable(by_hand(path))
        return [*data, value]
    at = position(data, path[0])
    new = _with(there, path[1:], value) if len(path) > 1 else value
    return [*data[:at], *([] if new is None else [new]), *data[at + 1 :]]
