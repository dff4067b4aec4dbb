"""Spend, statements and reconciled invoices as people read them on a terminal."""

from __future__ import annotations

from typing import Any, Final

from governance.cli.table import Table
from governance.cli.terminal import show, shown

_ROWS: Final = 50


def print_spend(told: dict[str, Any]) -> None:
    """Who spent what: a table, and what has to be known to read it."""
    by = told["by"]
    table = Table(
        *by,
        "requests",
        "refused" if "code" in by else "failed",
        "tokens in",
        "cached",
        "out",
        "USD",
        "saved",
        names=tuple(by),
        numbers=("requests", "tokens in", "cached", "out", "USD", "saved"),
    )
    for row in told["rows"][:_ROWS]:
        names = [shown(str(row.get(f"{name}_name", row[name])).replace("\x1f", ", ")) or "-" for name in by]
        table.add(*names, *_numbers(row))
    table.add(*["" for _ in by[:-1]], *(["total"] if by else []), *_numbers(told["total"]))
    lines = [f"{told['from']} to {told['to']}"]
    more = len(told["rows"]) - _ROWS + told["left_out"]
    lines += [f"{more:,} more rows; --csv has them"] if more > 0 else []
    kept = told["total"]["kept_usd_micros"]
    lines += [f"besides, {_usd(kept)} USD stay counted as reserved: nobody knows what was used"] if kept else []
    show(table, *lines, *told["remarks"])


def _numbers(row: dict[str, Any]) -> list[str]:
    counts = [f"{row[name]:,}" for name in ("requests", "failed", "input_tokens", "cached_tokens", "output_tokens")]
    return [*counts, _usd(row["usd_micros"]), _usd(row["saved_usd_micros"])]


def _usd(micros: int) -> str:
    from governance.usecases.spend_csv import usd

    return usd(micros)


def print_statement(told: dict[str, Any]) -> None:
    """What a team has spent in a month: a table for each part."""
    state = "final" if told["final"] else "not final: the month is not over"
    name = shown(told["name"]) + ("" if told["name"] == told["team"] else f" ({shown(told['team'])})")
    show(f"Team {name}, {told['month']} (UTC), {state}: {_usd(told['total']['usd_micros'])} USD")
    for part in ("model", "target", "key", "day"):
        table = Table(
            part,
            "requests",
            "failed",
            "tokens in",
            "cached",
            "out",
            "USD",
            "saved",
            names=(part,),
            numbers=("requests", "failed", "tokens in", "cached", "out", "USD", "saved"),
        )
        for row in told[f"by_{part}"]:
            table.add(shown(row.get(f"{part}_name", row[part])) or "-", *_numbers(row))
        show(table)


def print_reconciled(found: dict[str, Any]) -> None:
    """An invoice beside what was counted, with every difference."""
    table = Table(
        "model",
        "day",
        "invoiced",
        "counted",
        "difference",
        "percent",
        names=("model",),
        numbers=("invoiced", "counted", "difference", "percent"),
    )
    for row in found["models"]:
        table.add(*_difference(shown(row["model"]), "", row))
        for day in row.get("days", ()):
            table.add(*_difference("", day["day"], day))
    table.add(*_difference("total", "", found))
    lines = [f"{found['provider']}, {found['from']} to {found['to']}, in USD"]
    for what, key in (("invoiced and never counted", "only_invoiced"), ("counted and not invoiced", "only_counted")):
        lines += [f"{what}: {', '.join(map(shown, found[key]))}"] if found[key] else []
    show(table, *lines)


def _difference(model: str, day: str, row: dict[str, Any]) -> list[str]:
    percent = row.get("difference_percent")
    sums = [_usd(row[f"{name}_usd_micros"]) for name in ("invoiced", "counted", "difference")]
    return [model, day, *sums, "" if percent is None else f"{percent:+.2f} %"]
