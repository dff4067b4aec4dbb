"""The entries of a list in another order, each with the comments above it; no other character is changed."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import yaml

from governance.model.errors import GovernanceError
from governance.policy.diff import position, same
from governance.policy.nodes import read_tree
from governance.policy.yaml_text import NotEditable, by_hand, end_of


def reordered(text: str, at: tuple[str, ...], names: Sequence[str]) -> str:
    """The text of a policy in which the entries of the list at `at` come in this order.

    Args:
        names: of all the entries, each once, in whatever case.

    Raises:
        NotEditable: it would change more than that.
    """
    before = read_tree(text, "policy").data
    listed = _inside(before, at)
    order = [position(listed, name) for name in names]
    if order == sorted(order):
        return text
    try:
        changed = _cut(text, _node(text, at), order)
        after = read_tree(changed, "policy")
    except (GovernanceError, ValueError, IndexError, AttributeError) as error:
        raise NotEditable(by_hand(at)) from error
    if after.problems or not same(after.data, _with(before, at, [listed[i] for i in order])):
        raise NotEditable(by_hand(at))
    return changed


def _cut(text: str, node: Any, order: list[int]) -> str:
    if node.flow_style:
        spans = [(item.start_mark.index, end_of(item)) for item in node.value]
        between = [text[one[1] : two[0]] for one, two in pairwise(spans)]
        pieces = [text[slice(*spans[i])] for i in order]
        inside = "".join(a + b for a, b in zip(pieces, [*between, ""], strict=True))
        return text[: spans[0][0]] + inside + text[spans[-1][1] :]
    starts = [_with_comments(text, text.rfind("\n", 0, item.start_mark.index) + 1) for item in node.value]
    last = text.find("\n", end_of(node.value[-1]))
    end = len(text) if last < 0 else last + 1
    pieces = [text[start:stop] for start, stop in zip(starts, [*starts[1:], end], strict=True)]
    lines = "".join(piece if piece.endswith("\n") else f"{piece}\n" for piece in (pieces[i] for i in order))
    return text[: starts[0]] + (lines if last >= 0 else lines.removesuffix("\n")) + text[end:]


def _with_comments(text: str, start: int) -> int:
    """Where the comments begin that stand right above a line."""
    while start:
        above = text.rfind("\n", 0, start - 1) + 1
        if not text[above:start].lstrip().startswith("#"):
            break
        start = above
    return start


def _node(text: str, at: tuple[str, ...]) -> Any:
    node: Any = yaml.compose(text, Loader=yaml.SafeLoader)
    for step in at:
        node = next(value for key, value in node.value if key.value == step)
    return node


def _inside(data: Any, at: tuple[str, ...]) -> Any:
    for step in at:
        data = data[step]
    return data


def _with(data: Any, at: tuple[str, ...], listed: list[Any]) -> Any:
    return {**data, at[0]: _with(data[at[0]], at[1:], listed)} if at else listed
