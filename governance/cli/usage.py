"""`governance usage`: how full every limit and budget is."""

from __future__ import annotations

import time
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Final

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
    shown,
)
from governance.cli.terminal import AsJson, print_json

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table
    from rich.text import Text

_REFRESH_S: Final = 2.0
_BAR: Final = 12
# On a terminal with fewer columns a window takes two lines.
_WIDE: Final = 120
_LEVELS: Final = ((100.0, "bold red"), (80.0, "yellow"), (0.0, "green"))
_WORDS: Final = {"usd_micros": "", "concurrent": " in flight", "input_tokens": " in", "output_tokens": " out"}


def usage(
    subject: Annotated[str | None, typer.Option(help="only this one, e.g. team:research")] = None,
    limit: Annotated[str | None, typer.Option(help="only the limit or budget of this name")] = None,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="again every 2 s, until Ctrl-C")] = False,
    as_json: AsJson = False,
    url: UrlOption = URL,
    key_env: KeyEnvOption = KEY_ENV,
) -> None:
    """Show what every limit and budget of a running proxy has used, reserved and left, and what is coming.

    Exit code 0 when it was shown, 2 for a wrong option, 3 when the proxy cannot be asked.
    """
    if watch and as_json:
        raise typer.BadParameter("--watch is for people and --json for programs; choose one")
    with clear_answers(as_json):
        proxy = running_proxy(url, key_env)
        if watch:
            _watch(proxy, subject, limit)
            return
        told = _ask(proxy, subject, limit)
    if as_json:
        print_json(told)
        return
    from rich.console import Console

    Console().print(_page(told))


def _ask(proxy: RunningProxy, subject: str | None, limit: str | None) -> dict[str, Any]:
    told = proxy.get("/api/usage", subject=subject, limit=limit)
    if not isinstance(told, dict) or not isinstance(told.get("windows"), list):
        raise NotAnswered(f"the proxy at {proxy.url} answers with something else than usage; is it of another version?")
    return told


def _watch(proxy: RunningProxy, subject: str | None, limit: str | None) -> None:
    from rich.live import Live
    from rich.text import Text

    page = _page(_ask(proxy, subject, limit))
    try:
        with Live(page, auto_refresh=False, screen=False) as live:
            while True:
                time.sleep(_REFRESH_S)
                try:
                    page = _page(_ask(proxy, subject, limit))
                except NotAnswered as error:
                    # It may only be starting again.
                    live.update(Text(shown(str(error)), style="red"), refresh=True)
                    continue
                live.update(page, refresh=True)
    except KeyboardInterrupt:
        return


def _page(told: dict[str, Any]) -> RenderableType:
    from rich.console import Console, Group
    from rich.text import Text

    if not told["ledger"]["reachable"]:
        return Text(f"the ledger ({told['ledger']['kind']}) does not answer; nothing is known of any window", "red")
    if not told["windows"]:
        return Text("no window yet: a limit is listed from the first request that it counts")
    shows = _wide if Console().width >= _WIDE else _narrow
    table = shows(told["windows"], _seconds(told["at"]))
    if not told.get("left_out"):
        return table
    return Group(table, Text(f"and {told['left_out']:,} more, less full than these; --subject and --limit choose"))


def _narrow(rows: list[dict[str, Any]], at_s: float) -> Table:
    """Two lines for each window."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for row in rows:
        unit = row["unit"]
        counted, left = _amount(unit, row["used"] + row["reserved"]), _amount(unit, row["remaining"])
        of = shown(f"{_amount(unit, row['limit_amount'])}{_unit(unit)}{_per(row['window'])}")
        name = shown(row["limit"]) + (" (shadow)" if row["mode"] == "shadow" else "")
        reserved = f"{_amount(unit, row['reserved'])} of it reserved, " if row["reserved"] else ""
        resets, coming = _resets(row["resets_at"], at_s), shown(row["forecast"]["text"])
        says = Text.assemble(
            (name, "bold"),
            f", {shown(row['subject'])}: {counted} of {of}\n",
            (f"{reserved}{left} left; resets {resets}; {coming}", "dim"),
        )
        table.add_row(_bar(row["percent"]), says)
    return table


def _wide(rows: list[dict[str, Any]], at_s: float) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("")
    table.add_column("limit", overflow="fold")
    table.add_column("subject", overflow="fold")
    for name in ("used", "reserved", "of", "left"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("resets")
    table.add_column("forecast")
    for row in rows:
        unit = row["unit"]
        numbers = (_amount(unit, row[name]) for name in ("used", "reserved"))
        most = shown(f"{_amount(unit, row['limit_amount'])}{_unit(unit)}{_per(row['window'])}")
        name = shown(row["limit"]) + (" (shadow)" if row["mode"] == "shadow" else "")
        left = _amount(unit, row["remaining"])
        resets, coming = _resets(row["resets_at"], at_s), shown(row["forecast"]["text"])
        # Text, because names may hold what rich takes for markup.
        cells = (name, shown(row["subject"]), *numbers, most, left, resets, coming)
        table.add_row(_bar(row["percent"]), *map(Text, cells))
    return table


def _bar(percent: float) -> Text:
    from rich.text import Text

    style = next(style for least, style in _LEVELS if percent >= least)
    full = min(_BAR, round(percent * _BAR / 100))
    # A little is not nothing, and nearly full is not full.
    full = max(full, 1) if percent > 0 else full
    full = min(full, _BAR - 1) if percent < 100 else full
    return Text.assemble(("█" * full, style), ("░" * (_BAR - full), "dim"), (f" {percent:5.1f} %", style))


def _amount(unit: str, value: int) -> str:
    if unit != "usd_micros":
        return f"{value:,}"
    usd = f"{value / 1_000_000:,.6f}".rstrip("0")
    whole, _, cents = usd.partition(".")
    return f"${whole}.{cents:0<2}"


def _unit(unit: str) -> str:
    return _WORDS.get(unit, f" {unit}")


def _per(window: str) -> str:
    from governance.engine.refusals import spoken_period

    return "" if window == "in flight" else f"/{spoken_period(window)}"


def _resets(at: str | None, now_s: float) -> str:
    if at is None:
        return "-"
    from governance.engine.refusals import duration

    at_s = _seconds(at)
    return f"in {duration(max(0, round(at_s - now_s)))}, {datetime.fromtimestamp(at_s):%d %b %H:%M}"


def _seconds(iso: str) -> float:
    return datetime.fromisoformat(iso.replace("Z", "+00:00")).timestamp()
