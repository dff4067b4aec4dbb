"""`governance explain`: why a request goes where it goes."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from governance.cli.terminal import AsJson, ConfigOption, PolicyOption, clear_errors, policy_path, print_json
from governance.errors import PolicyError, Problem


def explain(
    request: Annotated[str, typer.Argument(help="a file with a request as JSON; - reads standard input")],
    policy: PolicyOption = None,
    config: ConfigOption = None,
    as_json: AsJson = False,
) -> None:
    """Decide a request as the proxy would, counting nothing, and show why.

    The request is JSON such as {"body": {"model": "fast/glm-4.7", "messages": []}}; see the policy reference for
    everything else that may be given: identity, headers, usage, clock and draws.
    """
    import asyncio

    from governance.host import Host
    from governance.proxy_config import read_catalog
    from governance.simulation import simulate

    with clear_errors(as_json):
        given = _read(request)
        host = Host.load(policy_path(policy))
        decision = asyncio.run(simulate(host, given, read_catalog(config)))
    if as_json:
        print_json(decision.trace.record())
    else:
        _print_tree(decision.trace.record())


def _read(source: str) -> Any:
    from pydantic import ValidationError

    from governance.simulation import given_from

    name = "standard input" if source == "-" else source
    try:
        text = sys.stdin.read() if source == "-" else Path(source).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "is not UTF-8 text"
        raise PolicyError([Problem(name, 0, 0, "", f"cannot be read: {reason}")]) from None
    try:
        data = json.loads(text)
    except ValueError as error:
        line, column = getattr(error, "lineno", 1), getattr(error, "colno", 1)
        raise PolicyError([Problem(name, line, column, "", f"is not JSON: {getattr(error, 'msg', error)}")]) from None
    except RecursionError:
        raise PolicyError([Problem(name, 1, 1, "", "is nested too deeply")]) from None
    if (
        not isinstance(data, dict)
        or not isinstance(data.get("body"), dict)
        or not isinstance(data["body"].get("model"), str)
    ):
        raise PolicyError(
            [Problem(name, 0, 0, "body.model", 'is required, such as {"body": {"model": "fast/glm-4.7"}}')]
        )
    try:
        return given_from(data)
    except ValidationError as error:
        problems = [Problem(name, 0, 0, ".".join(map(str, e["loc"])), e["msg"]) for e in error.errors()]
        raise PolicyError(problems) from None


def _print_tree(record: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.text import Text
    from rich.tree import Tree

    asked = record["request"]
    tree = Tree(
        Text.assemble(
            (asked["model"], "bold"), f"  {asked['request_type']}, about {asked['prompt_tokens']:,} prompt tokens"
        )
    )
    if record["rule"]:
        tree.add(Text.assemble("rule ", (record["rule"], "bold")))
    if record["profile"]:
        tree.add(Text.assemble("profile ", (record["profile"], "bold"), f" ({record['virtual_provider']}/…)"))
    if record["candidates"]:
        branch = tree.add("targets, in order")
        for candidate in record["candidates"]:
            branch.add(_candidate_line(candidate, "could serve" if record["refusal"] else "fallback"))
    if record["windows"]:
        branch = tree.add("windows")
        for window in record["windows"]:
            branch.add(_window_line(window))
    if record["shadow"]:
        branch = tree.add("shadow: what would have happened")
        for entry in record["shadow"]:
            branch.add(Text(f"{entry['plugin']} {entry['name']}: {json.dumps(entry['would'])}"))
    steps = tree.add("who said what")
    for step in record["steps"]:
        steps.add(Text(f"{step['plugin']}.{step['hook']}: {step['did']} ({step['us']} us)", style="dim"))
    tree.add(_outcome_line(record))
    Console().print(tree)


def _candidate_line(candidate: dict[str, Any], able: str) -> Any:
    from rich.text import Text

    detail = f" ({candidate['detail']})" if candidate.get("detail") else ""
    if candidate["chosen"]:
        return Text.assemble(("✔ ", "green"), (candidate["target"], "bold"), "  serves", detail)
    if candidate["reason"] is None:
        return Text.assemble(("→ ", "cyan"), candidate["target"], f"  {able}", detail)
    return Text.assemble(("✘ ", "red"), candidate["target"], ("  " + candidate["reason"], "red"), detail)


def _window_line(window: dict[str, Any]) -> Any:
    from rich.text import Text

    after = f" → {window['used_before'] + window['reserved']:,}" if window["reserved"] else ""
    used = f"{window['used_before']:,}{after} of {window['limit_amount']:,} {window['unit']} per {window['window']}"
    style = "" if window["fits"] else "red"
    return Text(
        f"{window['subject']} [{window['limit']}]: {used}" + ("" if window["fits"] else ", no room"), style=style
    )


def _outcome_line(record: dict[str, Any]) -> Any:
    from rich.text import Text

    refusal = record["refusal"]
    if refusal:
        again = f", retry after {refusal['retry_after_s']} s" if refusal["retry_after_s"] is not None else ""
        return Text.assemble(
            ("refused ", "bold red"), f"{refusal['status']} {refusal['code']}{again}: {refusal['message']}"
        )
    behind = f", then {', '.join(record['fallbacks'])}" if record["fallbacks"] else ""
    if record["outcome"] == "pass":
        return Text.assemble(("passed on ", "bold"), f"as {record['model']}: no rule or profile applies{behind}")
    return Text.assemble(("served by ", "bold green"), (record["model"], "bold"), behind)
