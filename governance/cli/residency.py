"""`governance residency`: where the requests of each team went, by labels."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from governance.cli.running_proxy import (
    KEY_ENV,
    URL,
    KeyEnvOption,
    UrlOption,
    clear_answers,
    running_proxy,
)
from governance.cli.table import Table
from governance.cli.terminal import AsJson, print_json, show, shown


def residency(
    team: Annotated[str | None, typer.Option(help="only this team, by id or name")] = None,
    since: Annotated[str | None, typer.Option(help="a moment such as 2026-11-20T12:00:00Z, or Unix seconds")] = None,
    as_json: AsJson = False,
    url: UrlOption = URL,
    key_env: KeyEnvOption = KEY_ENV,
) -> None:
    """Show where the requests of each team went: targets and labels, from the recent decisions of a running proxy.

    Exit code 0 when it was shown, 2 for a wrong option, 3 when the proxy cannot be asked.
    """
    with clear_answers(as_json):
        told = running_proxy(url, key_env).page("/api/residency", "went", "where requests went", team=team, since=since)
    if as_json:
        print_json(told)
        return
    show(_table(told["went"]), *_remarks(told))


def _table(rows: list[dict[str, Any]]) -> Table:
    table = Table("team", "target", "labels", "requests", names=("team", "target"), numbers=("requests",))
    for row in rows:
        target = row["target"] + (f" ({row['served']})" if row["served"] else "")
        labels = " ".join(f"{key}={value}" for key, value in row["labels"].items())
        table.add(shown(row["team"]) or "-", shown(target), shown(labels) or "not known", f"{row['requests']:,}")
    return table


def _remarks(told: dict[str, Any]) -> list[Any]:
    from rich.text import Text

    since = f", since {told['since']}" if told["since"] else ""
    lines = [f"{told['decisions']:,} decisions{since}"]
    for row in told["refused"]:
        lines.append(f"{row['requests']:,} of team {shown(row['team']) or '-'} refused: label_mismatch")
    return [Text(line) for line in lines]
