"""`governance why`: why a request went as it did, in a sentence. `governance overview`: the last hour."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Final

import typer

from governance.cli.running_proxy import (
    KEY_ENV,
    URL,
    KeyEnvOption,
    NotAnswered,
    RunningProxy,
    UrlOption,
    clear_answers,
    running_proxy,
)
from governance.cli.table import Table
from governance.cli.terminal import AsJson, print_json, show, shown
from governance.model.errors import GovernanceError

# Somewhere in what was pasted.
_ID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
_UNKNOWN: Final = "no_such_decision"
_RECENT: Final = "20"
_OUTCOMES: Final = ("route", "pass", "refuse", "failed")


class _NotFound(GovernanceError):
    """The proxy keeps no such decision."""


def why(
    about: Annotated[
        str, typer.Argument(help="id of a decision, or a text: a key, team, limit, model, or the error that was told")
    ],
    url: UrlOption = URL,
    key_env: KeyEnvOption = KEY_ENV,
    as_json: AsJson = False,
) -> None:
    """Say in a sentence why a request of a running proxy went as it did, and which line of the policy decided it.

    With a text, the recent decisions that it is about are listed, the newest first; the same as on the page Decisions.
    Exit code 0 when something was found, 1 when nothing was, 3 when the proxy cannot be asked.
    """
    id = _ID.search(about)
    with clear_answers(as_json):
        proxy = running_proxy(url, key_env)
        try:
            told = _one(proxy, id[0].lower()) if id else _several(proxy, about)
        except _NotFound as error:
            if as_json:
                print_json({"error": {"message": str(error)}})
            else:
                show(shown(str(error)))
            raise typer.Exit(1) from None
    if as_json:
        print_json(told)
    elif id:
        show(*_sentences(told))
    elif told["decisions"]:
        table = Table("at", "decision", "why", names=("decision",))
        for each in told["decisions"]:
            table.add(each["at"], each["id"], each["sentence"])
        show(table)
    else:
        show("no recent decision is about that")
    if not id and not told["decisions"]:
        raise typer.Exit(1)


def overview(url: UrlOption = URL, key_env: KeyEnvOption = KEY_ENV, as_json: AsJson = False) -> None:
    """Show the last hour of a running proxy: decisions by outcome, cost, refusals by reason, and its targets.

    Exit code 0 when it was shown, 3 when the proxy cannot be asked.
    """
    with clear_answers(as_json):
        told = running_proxy(url, key_env).page("/api/overview", "minutes", "an overview")
    if as_json:
        print_json(told)
        return
    from governance.usecases.told import usd

    sums = {outcome: sum(minute[outcome] for minute in told["minutes"]) for outcome in _OUTCOMES}
    words = zip(("routed", "passed", "refused", "failed"), sums.values(), strict=True)
    cost = usd(sum(minute["usd_micros"] for minute in told["minutes"]))
    show(f"last hour: {', '.join(f'{count:,} {word}' for word, count in words)}; {cost} as far as prices are known")
    if told["refusals"]:
        refusals = Table("refused for", "limit", "times", names=("refused for", "limit"), numbers=("times",))
        for each in told["refusals"]:
            refusals.add(each["code"], each["limit"] or "-", f"{each['count']:,}")
        show(refusals)
    if told["targets"]:
        targets = Table(
            "target", "answered", "failed", "cools down until", names=("target",), numbers=("answered", "failed")
        )
        for each in told["targets"]:
            cooling = told["cooling"].get(each["target"], "")
            targets.add(each["target"], f"{each['answered']:,}", f"{each['failed']:,}", cooling)
        show(targets)
    if told["incomplete"]:
        show("more was decided than is kept, so this is the newest part")


def _one(proxy: RunningProxy, id: str) -> dict[str, Any]:
    try:
        return {"id": id, **proxy.page(f"/api/decisions/{id}/why", "sentence", "a decision")}
    except NotAnswered as error:
        if error.told.get("code") != _UNKNOWN:
            raise
        raise _NotFound(str(error.told.get("message") or error)) from None


def _several(proxy: RunningProxy, text: str) -> dict[str, Any]:
    from governance.usecases.why import why as told_why

    told = proxy.page("/api/decisions", "decisions", "decisions", text=text, limit=_RECENT)
    found = [
        {"id": record["id"], "at": record["at"], **told_why(record, None).report()} for record in told["decisions"]
    ]
    return {"decisions": found, "cursor": told["cursor"]}


def _sentences(told: Mapping[str, Any]) -> list[str]:
    lines = [told["sentence"]]
    for origin in told["origins"]:
        line = f", line {origin['line']} of the policy in force" if origin["line"] else ""
        lines.append(f"{origin['kind']} {origin['name']}{line}")
    return lines
