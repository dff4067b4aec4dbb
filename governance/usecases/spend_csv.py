"""Spend as a file for spreadsheets: money exact, in dollars and in micro-dollars."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from typing import Any, Final

from governance.model import MICROS_PER_USD
from governance.traffic.spent import SUMS
from governance.usecases.spend import Report

# What a spreadsheet would take for a formula, and callers may write.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def as_csv(report: Report) -> str:
    """A line for each row, and none for the total."""
    by = report.asked.by
    named = [i for i, name in enumerate(by) if name in ("team", "key")]
    heads = [*by, *(f"{by[i]}_name" for i in named), *SUMS, "usd"]
    rows = [
        [
            *row.values,
            *(row.names[i] for i in named),
            *(getattr(row.sums, name) for name in SUMS),
            usd(row.sums.usd_micros),
        ]
        for row in report.rows
    ]
    return lines(heads, rows)


def statement_csv(statement: dict[str, Any]) -> str:
    """A line for each model, target, key and day of a statement, and one for the total."""
    heads = ["team", "month", "part", "id", "name", *SUMS, "usd"]
    rows: list[list[Any]] = []
    for part in ("model", "target", "key", "day"):
        for row in statement[f"by_{part}"]:
            name = row.get(f"{part}_name", row[part])
            rows.append(_row(statement, part, row[part], name, row))
    rows.append(_row(statement, "total", "", "", statement["total"]))
    return lines(heads, rows)


def lines(heads: list[str], rows: Iterable[list[Any]]) -> str:
    """CSV (RFC 4180) in which nothing is a formula."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(heads)
    writer.writerows([[_plain(cell) for cell in row] for row in rows])
    return text.getvalue()


def usd(micros: int) -> str:
    """`12.345678`: dollars, exact."""
    sign, whole = ("-" if micros < 0 else ""), abs(micros)
    return f"{sign}{whole // MICROS_PER_USD}.{whole % MICROS_PER_USD:06d}"


def _row(statement: dict[str, Any], part: str, id: str, name: str, sums: dict[str, Any]) -> list[Any]:
    counts = [sums[each] for each in SUMS]
    return [statement["team"], statement["month"], part, id, name, *counts, usd(sums["usd_micros"])]


def _plain(cell: Any) -> Any:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell
