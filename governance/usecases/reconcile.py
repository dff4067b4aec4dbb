"""A provider's invoice beside what was counted: every model and every day on which both differ."""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from governance.model import MICROS_PER_USD
from governance.model.errors import GovernanceError, Problem

# What OpenAI's and Anthropic's exports call it, and what people call it.
COLUMNS: Final = {
    "amount": (
        "amount_value",
        "cost_usd",
        "amount",
        "cost",
        "cost (usd)",
        "total cost",
        "usd",
        "amount (usd)",
        "price",
    ),
    "model": ("model", "line_item", "model_version", "snapshot", "sku", "description"),
    "date": ("date", "start_time_iso", "usage_date_utc", "usage date", "day", "start_time", "timestamp"),
    "currency": ("amount_currency", "currency"),
}
_DATED: Final = re.compile(r"-(?:\d{4}-\d{2}-\d{2}|\d{8})$")
_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
_LONGEST_LINE: Final = 1 << 20


class NoInvoice(GovernanceError):
    """The file cannot be read as an invoice: says where and what would be right."""

    def __init__(self, name: str, line: int, message: str) -> None:
        super().__init__(f"{name}:{line}: {message}")
        self.problem = Problem(name, line, 0, "", message)


@dataclass(frozen=True)
class Line:
    """One line of an invoice. `day`: "" where it says none."""

    model: str
    day: str
    usd: Decimal


def read_invoice(name: str, text: Iterable[str], columns: Mapping[str, str] | None = None) -> list[Line]:
    """The lines of a CSV file.

    Args:
        name: of the file, for messages.
        columns: which column is the `amount`, the `model`, the `date`; left out, they are found by what providers
            call them.

    Raises:
        NoInvoice: something in it cannot be understood.
    """
    reader = csv.DictReader(_bounded(name, text))
    try:
        heads = {(head or "").strip().lower().lstrip("\ufeff"): head for head in reader.fieldnames or ()}
        found = {what: _column(name, what, heads, (columns or {}).get(what)) for what in COLUMNS}
        for what in ("amount", "model"):
            if found[what] is None:
                raise NoInvoice(
                    name,
                    1,
                    f"no column is known to be the {what}; columns: {', '.join(heads) or 'none'}; name it: "
                    f"--columns {what}=COLUMN",
                )
        return [line for row in reader if (line := _line(name, reader.line_num, row, found)) is not None]
    except (csv.Error, UnicodeDecodeError) as error:
        raise NoInvoice(name, reader.line_num, f"is no CSV: {error}") from None


def days_of(lines: Iterable[Line]) -> tuple[str | None, str | None]:
    """The first day of an invoice and the day after its last; None where it says no days."""
    days = sorted({line.day for line in lines if line.day})
    return (days[0], (date.fromisoformat(days[-1]) + timedelta(1)).isoformat()) if days else (None, None)


def reconcile(lines: Iterable[Line], counted: Iterable[Mapping[str, Any]], provider: str) -> dict[str, Any]:
    """What was invoiced and what was counted, for each model, and for each day of those that differ.

    Args:
        counted: rows with `target`, `day` and `usd_micros`.
        provider: the targets of which the invoice is about.
    """
    invoiced: dict[str, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    ours: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for row in counted:
        of, slash, model = str(row["target"]).partition("/")
        if slash and of.lower() == provider.lower():
            ours[model.lower()][str(row["day"])] += int(row["usd_micros"])
    dated = all(line.day for line in lines) if isinstance(lines, list) else False
    for line in lines:
        invoiced[_same(line.model, ours)][line.day] += line.usd
    models = [_compared(model, invoiced.get(model, {}), ours.get(model, {}), dated) for model in {*invoiced, *ours}]
    models.sort(key=lambda row: (-abs(row["difference_usd_micros"]), row["model"]))
    total_invoiced = sum(row["invoiced_usd_micros"] for row in models)
    total = sum(row["counted_usd_micros"] for row in models)
    return {
        "provider": provider,
        "models": [row for row in models if row["invoiced_usd_micros"] or row["counted_usd_micros"]],
        "only_invoiced": sorted(model for model in invoiced if model not in ours),
        "only_counted": sorted(model for model in ours if model not in invoiced and any(ours[model].values())),
        "invoiced_usd_micros": total_invoiced,
        "counted_usd_micros": total,
        "difference_usd_micros": total_invoiced - total,
        "difference_percent": _percent(total_invoiced - total, total),
    }


def _compared(model: str, invoiced: Mapping[str, Decimal], ours: Mapping[str, int], dated: bool) -> dict[str, Any]:
    one, other = _micros(sum(invoiced.values(), Decimal())), sum(ours.values())
    row: dict[str, Any] = {
        "model": model,
        "invoiced_usd_micros": one,
        "counted_usd_micros": other,
        "difference_usd_micros": one - other,
        "difference_percent": _percent(one - other, other),
    }
    if dated and one != other:
        days = ((day, _micros(invoiced.get(day, Decimal())), ours.get(day, 0)) for day in sorted({*invoiced, *ours}))
        row["days"] = [
            {"day": day, "invoiced_usd_micros": a, "counted_usd_micros": b, "difference_usd_micros": a - b}
            for day, a, b in days
            if a != b
        ]
    return row


def _same(model: str, ours: Mapping[str, Any]) -> str:
    """The model of ours that an invoice means: providers add a date to what was asked for."""
    if model in ours:
        return model
    plain = _DATED.sub("", model)
    return plain if plain in ours else next((own for own in sorted(ours) if _DATED.sub("", own) == plain), model)


def _line(name: str, number: int, row: Mapping[str, Any], found: Mapping[str, str | None]) -> Line | None:
    def cell(what: str) -> str:
        column = found[what]
        value = row.get(column) if column is not None else None
        return value.strip() if isinstance(value, str) else ""

    if not any(isinstance(value, str) and value.strip() for value in row.values()):
        return None
    currency = cell("currency")
    if currency and currency.lower() != "usd":
        raise NoInvoice(name, number, f"is in `{currency[:20]}`; only USD is counted here")
    amount = cell("amount").replace("$", "").replace(",", "")
    try:
        usd = Decimal(amount)
        if not usd.is_finite() or abs(usd) > 10**12:
            raise InvalidOperation
    except InvalidOperation:
        raise NoInvoice(name, number, f"`{cell('amount')[:40]}` is no amount of money") from None
    day = _DATE.match(cell("date"))
    # OpenAI's line items are `gpt-6.1-sol-2026-08-06, input`.
    model = cell("model").partition(",")[0].strip().lower().rpartition("/")[2]
    return Line(model or "(no model)", day[0] if day else "", usd)


def _column(name: str, what: str, heads: Mapping[str, str], given: str | None) -> str | None:
    if given is not None:
        if given.strip().lower() not in heads:
            raise NoInvoice(name, 1, f"there is no column `{given[:60]}`; columns: {', '.join(heads) or 'none'}")
        return heads[given.strip().lower()]
    return next((heads[known] for known in COLUMNS[what] if known in heads), None)


def _bounded(name: str, text: Iterable[str]) -> Iterator[str]:
    for number, line in enumerate(text, 1):
        if len(line) > _LONGEST_LINE:
            raise NoInvoice(name, number, f"a line of {len(line)} characters is none of an invoice")
        yield line


def _micros(usd: Decimal) -> int:
    return int((usd * MICROS_PER_USD).to_integral_value())


def _percent(difference: int, of: int) -> float | None:
    return round(100 * difference / of, 3) if of else None
