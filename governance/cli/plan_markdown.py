"""A plan as a comment on a pull request."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from governance.cli.plan_text import BEGINS_ANEW, SIGNS, UNKNOWN, counts_line, inline, item_changes
from governance.policy.diff import MISSING
from governance.usecases.plan import place

if TYPE_CHECKING:
    from governance.policy.diff_effects import Change
    from governance.usecases.plan import Plan

# A comment has at most 65,536 characters.
_LONGEST_VALUE: Final = 300


def plan_markdown(plan: Plan) -> str:
    """The same as on a terminal, for people who read a pull request."""
    return "\n".join(_lines(plan)) + "\n"


def _lines(plan: Plan) -> Iterator[str]:
    yield f"**{counts_line(plan)}**"
    if plan.changes:
        yield from ("", "| | what | before | after | effects |", "| --- | --- | --- | --- | --- |")
        for change in plan.changes:
            effects = ", ".join(change.effects) + ("" if change.stated else f" ({UNKNOWN})")
            cells = [SIGNS[change.kind], in_cell(place(change.path)), *_values(change), effects]
            yield f"| {' | '.join(cells)} |"
    anew = [change for change in plan.changes if "restarts_count" in change.effects]
    if anew:
        yield from ("", "> [!CAUTION]")
        for change in anew:
            yield f"> {in_cell(place(change.path))}: {BEGINS_ANEW}"
    if plan.radius:
        yield from ("", f"**{plan.says}**", "", "| entry | whom it can touch | what it can do |", "| --- | --- | --- |")
        for entry in plan.radius:
            yield f"| {' | '.join(map(in_cell, (place(entry.path), entry.whom, entry.what)))} |"
    if plan.warnings:
        yield from ("", *(f"- warning: {in_cell(warning)}" for warning in plan.warnings))
    if plan.tests:
        results = sum(map(len, plan.tests.values()))
        yield from ("", f"Tests: {results - len(plan.failed)} passed, {len(plan.failed)} failed.")
        yield from (f"- {in_cell(f'{file}:{result.line}: {result.name}')}" for file, result in plan.failed)


def _values(change: Change) -> tuple[str, str]:
    items = item_changes(change.before, change.after)
    if items is None:
        return _value(change.before), _value(change.after)
    gone = [item for sign, item in items if sign == "-"]
    come = [item for sign, item in items if sign == "+"]
    if not gone and not come:
        return _value(change.before), _value(change.after)
    return "<br>".join(f"- {in_cell(item)}" for item in gone), "<br>".join(f"+ {in_cell(item)}" for item in come)


def _value(value: Any) -> str:
    return "" if value is MISSING else in_cell(inline(value))


def in_cell(text: str) -> str:
    """Text as it is, whatever signs are in it, in one cell of a table."""
    text = text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}…"
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", text)), default=0))
    padded = f" {text} " if text.startswith("`") or text.endswith("`") or not text.strip() else text
    return fence + padded.replace("|", "\\|") + fence
