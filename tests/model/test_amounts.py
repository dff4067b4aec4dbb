from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as some
from pydantic import TypeAdapter, ValidationError

from governance.model.amounts import (
    LARGEST_AMOUNT,
    Count,
    MoneyRates,
    Rate,
    Rates,
    parse_count,
    parse_money_rate,
    parse_period_s,
    parse_rate,
)


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("second", 1),
        ("minute", 60),
        ("minutes", 60),
        ("Hour", 3600),
        ("day", 86_400),
        ("week", 604_800),
        ("month", 2_592_000),
        ("year", 31_536_000),
        ("30s", 30),
        ("15 m", 900),
        ("2h", 7200),
        (" 5 minutes ", 300),
        ("1 second", 1),
        ("365d", 31_536_000),
    ],
)
def test_a_period_is_a_word_or_a_number_with_a_unit(written: str, seconds: int) -> None:
    assert parse_period_s(written) == seconds


@pytest.mark.parametrize(
    "written", ["", " ", "5", "fortnight", "0s", "-1m", "1.5h", "366d", "2 years", "5 minutess", "ms"]
)
def test_what_is_no_period_is_refused_with_its_own_words(written: str) -> None:
    with pytest.raises(ValueError, match=r"is no period; write one such as|must be at least one second") as refused:
        parse_period_s(written)

    assert f"`{written}`" in str(refused.value)


@pytest.mark.parametrize(
    ("written", "amount", "period_s"),
    [
        ("60/minute", 60, 60),
        ("100k/hour", 100_000, 3600),
        ("1M/day", 1_000_000, 86_400),
        ("1.5M/day", 1_500_000, 86_400),
        ("2B/month", 2_000_000_000, 2_592_000),
        ("0.001k/second", 1, 1),
        ("  5 K / 30 s ", 5_000, 30),
        ("1/1s", 1, 1),
    ],
)
def test_a_rate_is_an_amount_per_period(written: str, amount: int, period_s: int) -> None:
    assert parse_rate(written) == Rate(amount, period_s)


@pytest.mark.parametrize(
    ("written", "micros", "period_s"),
    [("5 USD/hour", 5_000_000, 3600), ("0.50 usd/day", 500_000, 86_400), ("0.000001USD/minute", 1, 60)],
)
def test_money_is_counted_in_whole_micro_dollars(written: str, micros: int, period_s: int) -> None:
    assert parse_money_rate(written) == Rate(micros, period_s)


@pytest.mark.parametrize(("written", "count"), [(8, 8), ("8", 8), ("100k", 100_000), (" 2 M ", 2_000_000)])
def test_a_count_is_a_number_or_its_text(written: object, count: int) -> None:
    assert parse_count(written) == count


@pytest.mark.parametrize(
    "written",
    [None, True, False, 60, 60.0, "", "60", "/minute", "sixty/minute", "-1/minute", "1e3/minute", [], {}, "٣/minute"],
)
def test_what_is_no_rate_is_refused_with_examples(written: object) -> None:
    for parse in (parse_rate, parse_money_rate):
        with pytest.raises(ValueError, match="such as"):
            parse(written)


@pytest.mark.parametrize("written", [None, True, False, 1.5, "1.5x", "", "-1", -1, "many", [8]])
def test_what_is_no_count_is_refused_with_examples(written: object) -> None:
    with pytest.raises(ValueError, match="must be a whole number above 0, such as 8 or 100k"):
        parse_count(written)


@pytest.mark.parametrize("written", ["1.5/minute", "0.0001k/minute", "1.0000000001k/minute"])
def test_a_fraction_of_a_unit_cannot_be_counted(written: str) -> None:
    with pytest.raises(ValueError, match=r"finer than the unit can count|must be an amount per period"):
        parse_rate(written)


def test_zero_and_more_than_lua_counts_exactly_are_refused() -> None:
    assert parse_rate(f"{LARGEST_AMOUNT}/day").amount == LARGEST_AMOUNT
    for written in ("0/day", f"{LARGEST_AMOUNT + 1}/day", "999999999999999999B/day"):
        with pytest.raises(ValueError, match=r"must be above 0 and at most 1,000,000,000,000,000 of the unit"):
            parse_rate(written)


@given(some.text() | some.from_regex(r"[0-9]{1,30}(\.[0-9]{1,30})?\s?[kmb]?( USD)?/.{0,10}", fullmatch=True))
def test_any_text_is_an_amount_or_a_value_error(text: str) -> None:
    for parse in (parse_period_s, parse_rate, parse_money_rate, parse_count):
        try:
            parse(text)
        except ValueError as error:
            assert str(error), text  # noqa: PT017 - most texts raise, some do not


@given(some.integers(1, LARGEST_AMOUNT), some.sampled_from(["second", "5m", "2 days"]))
def test_every_whole_amount_is_read_exactly(amount: int, period: str) -> None:
    assert parse_rate(f"{amount}/{period}") == Rate(amount, parse_period_s(period))


def test_one_window_or_several_may_be_given() -> None:
    rates = TypeAdapter(Rates)

    assert rates.validate_python("60/minute") == (Rate(60, 60),)
    assert rates.validate_python(["60/minute", "5k/day"]) == (Rate(60, 60), Rate(5_000, 86_400))
    assert TypeAdapter(MoneyRates).validate_python("1 USD/day") == (Rate(1_000_000, 86_400),)
    with pytest.raises(ValidationError, match="must be an amount per period"):
        rates.validate_python(["60/minute", None])


@pytest.mark.parametrize("kind", [Rates, MoneyRates, Count])
def test_editors_are_told_what_people_write_and_not_what_we_count(kind: type) -> None:
    assert "examples" in json.dumps(TypeAdapter(kind).json_schema())
