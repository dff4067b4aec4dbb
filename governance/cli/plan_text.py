"""A plan for people on a terminal: 80 columns, a sign for each change, in red what begins to count at zero."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from rich.text import Text

from governance.cli.terminal import shown
from governance.policy.diff import MISSING, spelled
from governance.policy.diff_effects import Change
from governance.usecases.plan import place

if TYPE_CHECKING:
    from governance.usecases.plan import Plan

WIDTH: Final = 80
SIGNS: Final = {"added": "+", "removed": "-", "changed": "~", "renamed": "~", "moved": "~"}
_COLOURS: Final = {"+": "green", "-": "red", "~": "yellow"}
BEGINS_ANEW: Final = "what was counted so far does not go over: it begins at zero"
UNKNOWN: Final = "its plugin does not say what this changes"


def plan_lines(plan: Plan, *, radius: bool = False) -> Iterator[Text]:
    """A plan, line by line; none is longer than 80 columns unless a word of it is.

    Args:
        radius: also whom each entry that changes can touch.
    """
    for change in plan.changes:
        yield from _change(change)
    if radius and plan.radius:
        yield Text("Whom it can touch:", "bold")
        for entry in plan.radius:
            yield from _folded(shown(f"{place(entry.path)}: {entry.whom}: {entry.what}"), 2)
        yield from _folded(plan.says, 2, "bold")
    for warning in plan.warnings:
        yield from _folded(f"warning: {warning}", 0, "yellow")
    results = [result for results in plan.tests.values() for result in results]
    for file, result in plan.failed:
        yield from _folded(f"test fails: {file}:{result.line}: {result.name}", 0, "bold red")
        for difference in result.differences:
            expected, got = (inline(value) for value in (difference.expected, difference.got))
            yield from _folded(f"{difference.path}: expected {expected}, got {got}", 4)
    if plan.tests:
        style = "bold red" if plan.failed else "green"
        yield Text(f"Tests: {len(results) - len(plan.failed)} passed, {len(plan.failed)} failed.", style)
    yield from _folded(counts_line(plan), 0, "bold")


def counts_line(plan: Plan) -> str:
    """How much changes, and how."""
    if not plan.changes:
        return "No changes: both policies say the same."
    counts = ", ".join(f"{count} to {what}" for what, count in plan.counts.items())
    return f"Plan: {counts} ({', '.join(f'{count} {effect}' for effect, count in plan.effects.items())})."


def inline(value: Any) -> str:
    """A value on one line, as YAML would take it."""
    return shown(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def item_changes(before: Any, after: Any) -> list[tuple[str, str]] | None:
    """The items of two lists, each with its sign, or " " where it stays; None for what is not two lists."""
    if not isinstance(before, list) or not isinstance(after, list):
        return None
    was, will_be = set(map(spelled, before)), set(map(spelled, after))
    gone = [item for item in before if spelled(item) not in will_be]
    there = [(" " if spelled(item) in was else "+", inline(item)) for item in after]
    return [*(("-", inline(item)) for item in gone), *there]


def _change(change: Change) -> Iterator[Text]:
    sign = SIGNS[change.kind]
    head, effects = f"{sign} {shown(place(change.path))}", ", ".join(change.effects)
    if len(head) + len(effects) + 2 <= WIDTH:
        yield Text.assemble((head, _COLOURS[sign]), " " * (WIDTH - len(head) - len(effects)), (effects, "bold"))
    else:
        yield from _folded(head, 0, _COLOURS[sign])
        yield Text(" " * max(4, WIDTH - len(effects)) + effects, "bold")
    yield from _values(change)
    if change.line_before or change.line_after:
        places = (f"line {line}" if line else "" for line in (change.line_before, change.line_after))
        yield Text("    " + " -> ".join(filter(None, places)), "dim")
    if "restarts_count" in change.effects:
        yield from _folded(f"! {BEGINS_ANEW}", 4, "bold red")
    if not change.stated:
        yield from _folded(f"? {UNKNOWN}", 4, "yellow")


def _values(change: Change) -> Iterator[Text]:
    items = item_changes(change.before, change.after)
    if items is not None:
        for sign, item in items:
            yield from _folded(f"{sign} {item}", 4, _COLOURS.get(sign, "dim"))
    elif change.before is MISSING or change.after is MISSING:
        value = change.after if change.before is MISSING else change.before
        pairs = (
            [f"{key}: {inline(each)}" for key, each in value.items()] if isinstance(value, dict) else [inline(value)]
        )
        for pair in pairs:
            yield from _folded(pair, 4)
    else:
        what = "renamed: " if change.kind == "renamed" else ""
        yield from _folded(f"{what}{inline(change.before)} -> {inline(change.after)}", 4)


def _folded(text: str, indent: int, style: str = "") -> Sequence[Text]:
    margin = " " * indent
    lines = textwrap.wrap(text, WIDTH, initial_indent=margin, subsequent_indent=f"{margin}  ", break_on_hyphens=False)
    return [Text(line, style) for line in lines]
