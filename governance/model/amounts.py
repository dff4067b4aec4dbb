"""Amounts as people write them: `60/minute`, `100k/hour`, `5 USD/day`, `15s`."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated, Any, NamedTuple

from pydantic import BeforeValidator, WithJsonSchema

from governance.model import MICROS_PER_USD

PERIODS_S = {
    "second": 1,
    "minute": 60,
    "hour": 3600,
    "day": 86_400,
    "week": 7 * 86_400,
    "month": 30 * 86_400,
    "quarter": 91 * 86_400,
    "year": 365 * 86_400,
}
_SHORT = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400}
_MULTIPLIER = {"": 1, "k": 1_000, "m": 1_000_000, "b": 1_000_000_000}
# So short that Decimal is exact.
_NUMBER = r"(?P<number>[0-9]{1,18}(?:\.[0-9]{1,9})?)"
_RATE = re.compile(_NUMBER + r"\s*(?P<suffix>[kmb]?)\s*/\s*(?P<period>.+)", re.IGNORECASE)
_COUNT = re.compile(_NUMBER + r"\s*(?P<suffix>[kmb]?)", re.IGNORECASE)
_MONEY = re.compile(_NUMBER + r"\s*USD\s*/\s*(?P<period>.+)", re.IGNORECASE)
_SUM = re.compile(_NUMBER + r"\s*USD", re.IGNORECASE)
_SHARE = re.compile(_NUMBER + r"\s*%")
_PRICE = re.compile(_NUMBER + r"\s*USD\s*/\s*(?P<tokens>1[km]|[km])(?:\s*tokens?)?", re.IGNORECASE)
# An amount with a sign or a word where `USD` has to be, or with it in front.
_SIGN = r"(?:[a-z]{3,}|[^\w\s/.,])"
_OTHER_MONEY = re.compile(rf"\s*(?:[0-9][0-9.,_]*\s*(?!USD\b){_SIGN}|{_SIGN}\s*[0-9])", re.IGNORECASE)
_DURATION = re.compile(r"(?P<number>[0-9]{1,9})\s*(?P<unit>[a-z]+)", re.IGNORECASE)

LARGEST_AMOUNT = 10**15  # far below 2**53, the largest integer that Lua counts exactly


class Rate(NamedTuple):
    """`amount` units in any `period_s` seconds."""

    amount: int
    period_s: int


class Spend(NamedTuple):
    """Money in each `period`: a word such as `month`, or a length such as `12h`."""

    usd_micros: int
    period: str


def parse_period_s(text: str) -> int:
    """Seconds of `minute`, `5 minutes`, `30s`, `1d`; months have 30 days, quarters 91, years 365. Raises ValueError."""
    word = text.strip().lower()
    whole = PERIODS_S.get(word.removesuffix("s"))
    if whole:
        return whole
    match = _DURATION.fullmatch(word)
    unit = match and (_SHORT.get(match["unit"]) or PERIODS_S.get(match["unit"].removesuffix("s")))
    if not match or not unit:
        raise ValueError(f"`{text}` is no period; write one such as second, minute, hour, day, 30s, 15m or 2h")
    seconds = int(match["number"]) * unit
    if not 0 < seconds <= PERIODS_S["year"]:
        raise ValueError(f"`{text}` must be at least one second and at most a year")
    return seconds


def parse_rate(value: Any) -> Rate:
    """`60/minute`, `1.5M/day` -> Rate. Raises ValueError."""
    match = _RATE.fullmatch(value.strip()) if isinstance(value, str) else None
    if not match:
        raise ValueError("must be an amount per period, such as 60/minute, 100k/hour or 1M/day")
    return Rate(_whole(match["number"], _MULTIPLIER[match["suffix"].lower()]), parse_period_s(match["period"]))


def parse_money_rate(value: Any) -> Rate:
    """`5 USD/hour` -> Rate in micro-dollars. Raises ValueError."""
    match = _MONEY.fullmatch(value.strip()) if isinstance(value, str) else None
    if not match:
        raise ValueError(f"must be {_dollars(value)} per period, such as 5 USD/hour or 0.50 USD/day")
    return Rate(_whole(match["number"], MICROS_PER_USD), parse_period_s(match["period"]))


def parse_spend(value: Any) -> Spend:
    """`500 USD/month` -> Spend. Raises ValueError."""
    match = _MONEY.fullmatch(value.strip()) if isinstance(value, str) else None
    if not match:
        raise ValueError(f"must be {_dollars(value)} per period, such as 500 USD/month or 5 USD/day")
    period = match["period"].strip().lower()
    parse_period_s(period)
    return Spend(_whole(match["number"], MICROS_PER_USD), period)


def parse_price(value: Any) -> float:
    """`3 USD/1M` -> micro-dollars per token. Raises ValueError."""
    match = _PRICE.fullmatch(value.strip()) if isinstance(value, str) else None
    if not match:
        raise ValueError(f"must be {_dollars(value)} per tokens, such as 3 USD/1M or 0.5 USD/1k")
    per_million = Decimal(match["number"]) * (1 if match["tokens"].lower().endswith("m") else 1000)
    return float(per_million)


def parse_sum(value: Any) -> int:
    """`0.05 USD` -> micro-dollars. Raises ValueError."""
    match = _SUM.fullmatch(value.strip()) if isinstance(value, str) else None
    if not match:
        raise ValueError(f"must be {_dollars(value)}, such as 0.05 USD")
    return _whole(match["number"], MICROS_PER_USD)


def parse_share(value: Any) -> float:
    """`5%` -> 0.05. Raises ValueError."""
    match = _SHARE.fullmatch(value.strip()) if isinstance(value, str) else None
    if not match or not 0 < float(match["number"]) <= 100:
        raise ValueError("must be a share above 0% and at most 100%, such as 5%")
    return float(match["number"]) / 100


def parse_count(value: Any) -> int:
    """`8`, `"8"` or `100k` -> int. Raises ValueError."""
    match = _COUNT.fullmatch(str(value).strip()) if isinstance(value, (int, str)) and value is not True else None
    if not match:
        raise ValueError("must be a whole number above 0, such as 8 or 100k")
    return _whole(match["number"], _MULTIPLIER[match["suffix"].lower()])


def _dollars(value: Any) -> str:
    """What money has to be, by what was written instead of it."""
    other = isinstance(value, str) and _OTHER_MONEY.match(value)
    return "money in USD, the only currency," if other else "money"


def _whole(number: str, multiplier: int) -> int:
    exact = Decimal(number) * multiplier
    if exact != exact.to_integral_value():
        raise ValueError(f"`{number}` is finer than the unit can count")
    if not 0 < exact <= LARGEST_AMOUNT:
        raise ValueError(f"`{number}` must be above 0 and at most {LARGEST_AMOUNT:,} of the unit")
    return int(exact)


def _one_or_more(parse: Any) -> Any:
    def rates(value: Any) -> tuple[Rate, ...]:
        return tuple(parse(v) for v in (value if isinstance(value, (list, tuple)) else [value]))

    return rates


def _schema(example: str) -> WithJsonSchema:
    one = {"type": "string", "examples": [example]}
    return WithJsonSchema({"anyOf": [one, {"type": "array", "items": one}]})


Rates = Annotated[tuple[Rate, ...], BeforeValidator(_one_or_more(parse_rate)), _schema("60/minute")]
MoneyRates = Annotated[tuple[Rate, ...], BeforeValidator(_one_or_more(parse_money_rate)), _schema("5 USD/hour")]
Spends = Annotated[tuple[Spend, ...], BeforeValidator(_one_or_more(parse_spend)), _schema("500 USD/month")]
Price = Annotated[float, BeforeValidator(parse_price), WithJsonSchema({"type": "string", "examples": ["3 USD/1M"]})]
Sum = Annotated[int, BeforeValidator(parse_sum), WithJsonSchema({"type": "string", "examples": ["0.05 USD"]})]
"""Micro-dollars."""
Share = Annotated[float, BeforeValidator(parse_share), WithJsonSchema({"type": "string", "examples": ["5%"]})]
Count = Annotated[int, BeforeValidator(parse_count), WithJsonSchema({"type": ["integer", "string"], "examples": [8]})]
