"""`governance usage`: how full every limit and budget is."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Final, NoReturn

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
from governance.cli.terminal import AsJson, console, print_json, show, shown

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text

_REFRESH_S: Final = 2.0
_BAR: Final = 12
_LEVELS: Final = ((100.0, "bold red"), (80.0, "yellow"), (0.0, "green"))
_LARGEST: Final = "500"
_WORDS: Final = {"usd_micros": "", "concurrent": " in flight", "input_tokens": " in", "output_tokens": " out"}

Asked = Mapping[str, str | None]


def usage(
    subject: Annotated[str | None, typer.Option(help="only this one, e.g. team:research")] = None,
    limit: Annotated[str | None, typer.Option(help="only the limit or budget of this name")] = None,
    size: Annotated[int, typer.Option(min=1, max=500, help="at most so many windows, the soonest empty first")] = 50,
    every: Annotated[bool, typer.Option("--all", help="all of them, page by page")] = False,
    watch: Annotated[
        bool, typer.Option("--watch", "-w", help="again every 2 s, until Ctrl-C; with --json a line each time")
    ] = False,
    as_json: AsJson = False,
    url: UrlOption = URL,
    key_env: KeyEnvOption = KEY_ENV,
) -> None:
    """Show what limits and budgets of a running proxy have used, reserved and left, and what is coming.

    Exit code 0 when it was shown, 2 for a wrong option, 3 when the proxy cannot be asked.
    """
    with clear_answers(as_json):
        proxy = running_proxy(url, key_env)
        asked = {"subject": subject, "limit": limit, "size": str(size)}
        if watch:
            _watch(proxy, asked, as_json)
            return
        told = _every(proxy, asked) if every else _ask(proxy, asked)
    if as_json:
        print_json(told)
        return
    show(*_page(told))


def _ask(proxy: RunningProxy, asked: Asked) -> dict[str, Any]:
    return proxy.page("/api/usage", "windows", "usage", **asked)


def _every(proxy: RunningProxy, asked: Asked) -> dict[str, Any]:
    """All pages as one."""
    told = page = _ask(proxy, {**asked, "size": _LARGEST})
    while page.get("cursor"):
        page = _ask(proxy, {**asked, "size": _LARGEST, "cursor": page["cursor"]})
        told["windows"] += page["windows"]
    return {**told, "cursor": None}


def _watch(proxy: RunningProxy, asked: Asked, as_json: bool) -> None:
    """Tell it again and again: on a terminal in place, in a pipe one page or one line of JSON below the other."""
    told = _ask(proxy, asked)
    try:
        if sys.stdout.isatty() and not as_json:
            _draw(proxy, asked, told)
        while True:
            if as_json:
                print(json.dumps(told), flush=True)
            else:
                show(f"at {told['at']}", *_page(told))
                sys.stdout.flush()
            told = _asked_again(proxy, asked, as_json)
    except KeyboardInterrupt:
        return


def _draw(proxy: RunningProxy, asked: Asked, told: dict[str, Any]) -> NoReturn:
    from rich.console import Group
    from rich.live import Live
    from rich.text import Text

    with Live(Group(*_page(told, drawn=True)), console=console(), auto_refresh=False) as live:
        while True:
            time.sleep(_REFRESH_S)
            try:
                page = Group(*_page(_ask(proxy, asked), drawn=True))
            except NotAnswered as error:
                # It may only be starting again.
                page = Group(Text(shown(str(error)), style="red"))
            live.update(page, refresh=True)


def _asked_again(proxy: RunningProxy, asked: Asked, as_json: bool) -> dict[str, Any]:
    """The next answer; a proxy that does not give one may only be starting again, which is said for each try."""
    while True:
        time.sleep(_REFRESH_S)
        try:
            return _ask(proxy, asked)
        except NotAnswered as error:
            if as_json:
                print(json.dumps({"error": {"message": str(error)}}), flush=True)
            else:
                sys.stderr.write(f"{shown(str(error))}\n")


def _page(told: dict[str, Any], *, drawn: bool = False) -> list[RenderableType]:
    """What there is to say, one below the other.

    Args:
        drawn: for a display that is drawn again and again.
    """
    from rich.text import Text

    if not told["ledger"]["reachable"]:
        return [Text(f"the ledger ({told['ledger']['kind']}) does not answer; nothing is known of any window", "red")]
    if not told["windows"]:
        return [Text("no window yet: a limit is listed within a second of the first request that it counts")]
    page: list[RenderableType] = [_table(told["windows"], _seconds(told["at"]), folds_names=drawn)]
    if told.get("cursor"):
        more = f"and {told['total'] - len(told['windows']):,} more" if told.get("total") else "and more"
        page.append(Text(f"{more}, which are empty later than these; --subject, --limit, --size and --all choose"))
    return page


def _table(rows: list[dict[str, Any]], at_s: float, *, folds_names: bool) -> Table:
    numbers = ("used", "reserved", "of", "left")
    headings = ("", "limit", "subject", *numbers, "resets", "forecast")
    table = Table(*headings, names=("limit", "subject"), numbers=numbers, folds_names=folds_names)
    for row in rows:
        unit = row["unit"]
        counted = (_amount(unit, row[name]) for name in ("used", "reserved"))
        most = f"{_amount(unit, row['limit_amount'])}{_unit(unit)}{_per(row['window'])}"
        name = row["limit"] + (" (shadow)" if row["mode"] == "shadow" else "")
        name += f" (overlay {', '.join(row['overlay'])})" if row.get("overlay") else ""
        left, resets = _amount(unit, row["remaining"]), _resets(row["resets_at"], at_s)
        table.add(_bar(row["percent"]), name, _subject(row), *counted, most, left, resets, row["forecast"]["text"])
    return table


def _subject(row: dict[str, Any]) -> str:
    from governance.limits.subjects import shown_subject

    return shown_subject(row["subject"], row.get("name_of_subject"))


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
