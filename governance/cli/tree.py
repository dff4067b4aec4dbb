"""A decision record as a tree for people: what came of a request, and everything that led there."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any, Final

from rich.text import Text
from rich.tree import Tree

from governance.cli.terminal import shown
from governance.engine.refusals import amount, duration, spoken_period
from governance.limits.subjects import shown_subject

_BAR_CELLS: Final = 12


def decision_tree(record: dict[str, Any]) -> Tree:
    """The tree of one record. Its first line is what was asked for, its last what came of it."""
    record = printable(record)
    asked = record["request"]
    tree = Tree(Text.assemble((asked["model"], "bold"), f"  {', '.join(_asked(asked))}"))
    if record["mode"] == "live":
        tree.add(Text(f"decision {record['id']} at {record['at']}", style="dim"))
    who = [f"{kind} {name}" for kind, name in _identity(record["identity"])]
    if who:
        tree.add(Text(f"asked by {', '.join(who)}"))
    _add_rules(tree, record)
    if record["profile"]:
        behind = f" ({record['virtual_provider']}/…)" if record["virtual_provider"] else ""
        tree.add(Text.assemble("profile ", (record["profile"], "bold"), behind))
    if asked.get("task_by"):
        tree.add(Text.assemble("task ", (asked["task"] or "?", "bold"), f" by {asked['task_by']}"))
    for each in record["request"].get("require", ()):
        tree.add(Text.assemble(("requires ", "bold"), f"{each['label']}={'|'.join(each['values'])} ({each['by']})"))
    if record.get("degraded_by"):
        tree.add(Text.assemble(("asks for less ", "yellow"), f"because {record['degraded_by']} is used up"))
    if record.get("mirror_of"):
        tree.add(Text(f"the mirror of decision {record['mirror_of']}"))
    if record.get("mirror"):
        tree.add(_mirror(record["mirror"]))
    if record.get("overlay"):
        tree.add(Text.assemble(("under overlay ", "yellow"), ", ".join(record["overlay"])))
    able = "could serve" if record["refusal"] else "fallback"
    chosen = "first choice" if record["attempts"] else "serves"
    _add_all(tree, "targets, in order", [_candidate(candidate, chosen, able) for candidate in record["candidates"]])
    if record.get("who_serves"):
        _add_help(tree, record["who_serves"])
    _add_all(tree, "windows", [_window(window, record["at"]) for window in record["windows"]])
    _add_all(tree, "shadow: what would have happened", list(map(_shadow, record["shadow"])))
    _add_all(tree, "attempts", list(map(_attempt, record["attempts"])))
    if record["usage"]:
        tree.add(Text(f"used {_used(record['usage'])}"))
    _add_steps(tree, record["steps"])
    tree.add(outcome(record))
    return tree


def outcome(record: dict[str, Any]) -> Text:
    """What came of a request, in one line."""
    refusal = record["refusal"]
    if refusal:
        again = f", retry after {refusal['retry_after_s']} s" if refusal["retry_after_s"] is not None else ""
        why = f"{refusal['status']} {refusal['code']}{again}: {refusal['message']}"
        return Text.assemble(("refused ", "bold red"), why)
    if record["attempts"]:
        return _what_came_of(record["attempts"], record.get("served"))
    behind = f", then {', '.join(record['fallbacks'])}" if record["fallbacks"] else ""
    if record["outcome"] == "pass":
        return Text.assemble(("passed on ", "bold"), f"as {record['model']}: no rule or profile applies{behind}")
    return Text.assemble(("served by ", "bold green"), (record["model"], "bold"), behind)


def _what_came_of(attempts: list[dict[str, Any]], served: str | None) -> Text:
    """Who answered, whatever had been planned."""
    others = [f"{each['target']} {each['outcome']}" for each in attempts if each["outcome"] in ("failed", "skipped")]
    after = f", after {', '.join(others)}" if others else ""
    if served:
        return Text.assemble(("served by ", "bold green"), (served, "bold"), after)
    if attempts[-1]["outcome"] == "started":
        return Text.assemble(("under way at ", "bold"), attempts[-1]["target"], after)
    return Text.assemble(("served by nobody", "bold red"), after)


def printable(value: Any) -> Any:
    """The same with every character spelled out that a terminal would obey: names come from callers."""
    if isinstance(value, str):
        return shown(value)
    if isinstance(value, dict):
        return {printable(key): printable(each) for key, each in value.items()}
    return [printable(each) for each in value] if isinstance(value, list) else value


def _mirror(mirror: dict[str, Any]) -> Text:
    target, share = mirror["target"], f"{mirror['share'] * 100:g} %"
    if not mirror["drawn"]:
        return Text(f"mirror {target}: not drawn ({share})", style="dim")
    return Text(f"mirror {target}: drawn ({share}), asked after the answer if it may and has room")


def _asked(asked: dict[str, Any]) -> list[str]:
    parts = [asked["request_type"], f"about {asked['prompt_tokens']:,} prompt tokens"]
    if asked["max_output_tokens"] is not None:
        parts.append(f"at most {asked['max_output_tokens']:,} for the answer")
    if asked["task"]:
        parts.append(f"task {asked['task']}")
    if asked["capabilities"]:
        parts.append(f"needs {', '.join(asked['capabilities'])}")
    if asked["tags"]:
        parts.append(f"tags {', '.join(asked['tags'])}")
    return parts


def _identity(identity: dict[str, str]) -> list[tuple[str, str]]:
    """Names where there are some: the id of a key is the hash of a secret."""
    known = [
        ("key", identity["virtual_key_name"] or identity["virtual_key_id"][:12]),
        ("user", identity["user_id"]),
        ("team", identity["team_name"] or identity["team_id"]),
        ("customer", identity["customer_id"]),
        ("end user", identity["end_user_id"]),
    ]
    return [(kind, name) for kind, name in known if name]


def _add_all(tree: Tree, title: str, lines: list[Text]) -> None:
    if lines:
        branch = tree.add(title)
        for line in lines:
            branch.add(line)


def _add_rules(tree: Tree, record: dict[str, Any]) -> None:
    remarks = [part for step in record["steps"] for part in step["did"].split("; ")]
    passed_over = [Text(part, style="yellow") for part in remarks if " passed over: " in part]
    if not record["rule"]:
        _add_all(tree, "rules that matched", passed_over)
        return
    branch = tree.add(Text.assemble("rule ", (record["rule"], "bold")))
    chain = [Text(part) for part in remarks if part.startswith("rule ") and part.endswith(f" -> {record['rule']}")]
    for line in (*passed_over, *chain):
        branch.add(line)


def _candidate(candidate: dict[str, Any], chosen: str, able: str) -> Text:
    detail = f" ({candidate['detail']})" if candidate.get("detail") else ""
    if candidate["chosen"]:
        return Text.assemble(("✔ ", "green"), (candidate["target"], "bold"), f"  {chosen}", detail)
    if candidate["reason"] is None:
        return Text.assemble(("→ ", "cyan"), candidate["target"], f"  {able}", detail)
    return Text.assemble(("✘ ", "red"), candidate["target"], (f"  {candidate['reason']}", "red"), detail)


def _add_help(tree: Tree, found: dict[str, Any]) -> None:
    """Which models could serve images, audio or video, whether or not they are among the targets."""
    able = [Text.assemble(("✔ ", "green"), model) for model in found["serve"]]
    others = [Text.assemble(("✘ ", "red"), each["model"], f"  {each['why']}") for each in found["cannot"]]
    more = [Text(f"and {found['left_out']:,} more", style="dim")] if found["left_out"] else []
    title = f"who can serve {', '.join(found['needs'])}, of all that the policy names or the proxy serves"
    _add_all(tree, title, [*(able or [Text("nobody", style="yellow")]), *others, *more])


def _window(window: dict[str, Any], at: str) -> Text:
    used, reserved, most, unit = (window[key] for key in ("used_before", "reserved", "limit_amount", "unit"))
    before = _cells(used, most)
    after = max(_cells(used + reserved, most), before)
    full = not window["fits"]
    bar = (
        ("█" * before, "red" if full else "green"),
        ("▒" * (after - before), "cyan"),
        ("░" * (_BAR_CELLS - after), "dim"),
    )
    spent = amount(unit, used) if unit == "usd_micros" else f"{used:,}"
    if reserved:
        spent += f" → {amount(unit, used + reserved) if unit == 'usd_micros' else f'{used + reserved:,}'}"
    period = "" if window["window"] == "in flight" else f" per {spoken_period(window['window'])}"
    size = f"{spent} of {amount(unit, most)}{period}"
    resets = f", resets in {duration(_between_s(at, window['resets_at']))}" if window["resets_at"] and used else ""
    room = ", no room" if full else ""
    watching = " (shadow)" if window["mode"] == "shadow" else ""
    name = f"{shown_subject(window['subject'], window.get('name_of_subject'))} [{window['limit']}]{watching} "
    over = f", by overlay {', '.join(window['overlay'])}" if window.get("overlay") else ""
    return Text.assemble(name, *bar, (f" {size}{over}{resets}{room}", "red" if full else ""))


def _cells(used: int, most: int) -> int:
    """Cells of the bar; at least one for anything at all."""
    return min(_BAR_CELLS, -(-used * _BAR_CELLS // max(1, most)))


def _between_s(at: str, later: str) -> int:
    begin, end = (datetime.fromisoformat(moment.replace("Z", "+00:00")) for moment in (at, later))
    return max(0, round((end - begin).total_seconds()))


def _shadow(entry: dict[str, Any]) -> Text:
    would = json.dumps(entry.get("would"), ensure_ascii=False, default=str)
    return Text(f"{entry['plugin']} {entry.get('name', '')}: {would}", style="magenta")


def _attempt(attempt: dict[str, Any]) -> Text:
    error = f" ({attempt['error']})" if attempt.get("error") else ""
    mark = {"ok": ("✔ ", "green"), "started": ("→ ", "cyan")}.get(attempt["outcome"], ("✘ ", "red"))
    return Text.assemble(mark, attempt["target"], f"  {attempt['outcome']}{error}, {attempt['ms']:,} ms")


def _used(usage: dict[str, int | None]) -> str:
    tokens = " + ".join("unknown" if usage[f"{way}_tokens"] is None else f"{usage[f'{way}_tokens']:,}" for way in _WAYS)
    cost = usage["cost_usd_micros"]
    return f"{tokens} tokens (in + out)" + ("" if cost is None else f", {amount('usd_micros', cost)}")


_WAYS: Final = ("input", "output")


def _add_steps(tree: Tree, steps: list[dict[str, Any]]) -> None:
    spent_us: dict[str, int] = {}
    for step in steps:
        spent_us[step["plugin"]] = spent_us.get(step["plugin"], 0) + step["us"]
    if not steps:
        return
    branch = tree.add("who said what")
    for step in steps:
        branch.add(Text(f"{step['plugin']}.{step['hook']}: {step['did']} ({step['us']} us)", style="dim"))
    if len(spent_us) > 1:
        each = ", ".join(f"{plugin} {us} us" for plugin, us in spent_us.items())
        branch.add(Text(f"time per plugin: {each}", style="dim"))
