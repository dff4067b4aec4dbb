"""`governance explain`: why a request goes where it goes."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from governance.cli.discovered import known_models
from governance.cli.running_proxy import KEY_ENV, URL, KeyEnvOption, UrlOption, clear_answers, running_proxy
from governance.cli.table import Table
from governance.cli.terminal import AsJson, ConfigOption, PolicyOption, clear_errors, policy_path, print_json, show
from governance.model.errors import PolicyError, Problem

# What decisions are called: `governance.model.ids.uuid7`.
_ID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_RECENT: Final = 20
_EXAMPLE: Final = '{"body": {"model": "fast/glm-4.7"}}'


def explain(
    request: Annotated[
        str | None, typer.Argument(help="a file with a request as JSON; - reads standard input; with --live also an id")
    ] = None,
    policy: PolicyOption = None,
    config: ConfigOption = None,
    live: Annotated[bool, typer.Option("--live", help="ask a running proxy: with its policy and its counters")] = False,
    url: UrlOption = URL,
    key_env: KeyEnvOption = KEY_ENV,
    as_json: AsJson = False,
) -> None:
    """Decide a request as the proxy would, counting nothing, and show why.

    The request is JSON such as {"body": {"model": "fast/glm-4.7", "messages": []}}; see the policy reference for
    everything else that may be given: identity, headers, usage, clock and draws.

    With --live, a running proxy decides it. With --live and the id of a decision (x-governance-decision-id), that one
    is shown; with --live alone, the most recent ones are listed. Exit code 3: the proxy cannot be asked.
    """
    if live and (policy or config):
        raise typer.BadParameter("a running proxy has its own policy and models; leave out --policy and --config")
    if live and request is None:
        _list_recent(url, key_env, as_json)
        return
    if request is None:
        raise typer.BadParameter("name a file with a request, or - for standard input (or ask a proxy with --live)")
    with clear_errors(as_json), clear_answers(as_json):
        if not live:
            record = _simulated(request, policy, config)
        elif _ID.fullmatch(request):
            record = running_proxy(url, key_env).get(f"/api/decisions/{request.lower()}")
        else:
            data = _read(request)
            record = running_proxy(url, key_env).post("/api/simulate", data)
    if as_json:
        print_json(record)
        return
    from governance.cli.tree import decision_tree

    show(decision_tree(record))


def _simulated(request: str, policy: Path | None, config: Path | None) -> dict[str, Any]:
    import asyncio

    from governance.engine.host import Host
    from governance.engine.simulation import given_from, simulate
    from governance.policy.litellm_file import read_catalog
    from governance.usecases.who_serves import helped

    given = given_from(_read(request))
    host = Host.load(policy_path(policy))
    catalog = read_catalog(config, known_models(host.policy))
    return helped(asyncio.run(simulate(host, given, catalog)).trace.record(), catalog, host.policy)


def _list_recent(url: str, key_env: str, as_json: bool) -> None:
    with clear_answers(as_json):
        told = running_proxy(url, key_env).get("/api/decisions", limit=str(_RECENT))
    if as_json:
        print_json(told)
        return
    from governance.cli.tree import outcome, printable

    table = Table("id", "at", "who", "asked for", "what came of it", names=("id",))
    for record in printable(told["decisions"]):
        who = record["identity"]
        asker = who["virtual_key_name"] or who["team_name"] or who["team_id"] or who["user_id"]
        table.add(record["id"], record["at"], asker, record["request"]["model"], outcome(record))
    show(table if told["decisions"] else "no decisions yet")


def _read(source: str) -> dict[str, Any]:
    """Simulation input, as it was given; it is valid. Raises PolicyError."""
    from pydantic import ValidationError

    from governance.engine.simulation import SimulationInput, given_from
    from governance.policy.messages import explained
    from governance.policy.nodes import dotted

    name = "standard input" if source == "-" else source
    try:
        text = sys.stdin.read() if source == "-" else Path(source).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "is not UTF-8 text"
        raise PolicyError([Problem(name, 0, 0, "", f"cannot be read: {reason}")]) from None
    if not text.strip():
        raise PolicyError([Problem(name, 0, 0, "", f"is empty; a request is JSON such as {_EXAMPLE}")])
    try:
        data = json.loads(text)
    except ValueError as error:
        line, column = getattr(error, "lineno", 1), getattr(error, "colno", 1)
        raise PolicyError([Problem(name, line, column, "", f"is not JSON: {getattr(error, 'msg', error)}")]) from None
    except RecursionError:
        raise PolicyError([Problem(name, 1, 1, "", "is nested too deeply")]) from None
    if not isinstance(data, dict):
        raise PolicyError([Problem(name, 1, 1, "", f"a request is a JSON object such as {_EXAMPLE}")])
    body = data.get("body")
    if "body" not in data and "model" in data:
        message = f"this is what a caller sends; put it under `body`, such as {_EXAMPLE}"
        raise PolicyError([Problem(name, 0, 0, "", message)])
    missing = not isinstance(body, dict) or not isinstance(body.get("model"), str)
    problems = [Problem(name, 0, 0, "body.model", f"is required, such as {_EXAMPLE}")] if missing else []
    try:
        given_from(data)
    except ValidationError as error:
        found = ((e, dotted(e["loc"])) for e in error.errors())
        problems += [Problem(name, 0, 0, at, explained(SimulationInput, e)) for e, at in found if at != "body"]
    if problems:
        raise PolicyError(problems)
    return data
