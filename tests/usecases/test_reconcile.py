"""An invoice beside what was counted: every difference is listed, by model and by day."""

from __future__ import annotations

import pytest

from governance.usecases.reconcile import NoInvoice, read_invoice, reconcile

OPENAI = """start_time,end_time,start_time_iso,amount_value,amount_currency,line_item,project_id
1,2,2026-11-01T00:00:00+00:00,1.500000,usd,"gpt-6.1-sol-2026-08-06, input",p
1,2,2026-11-01T00:00:00+00:00,0.25,usd,"gpt-6.1-sol-2026-08-06, output",p
1,2,2026-11-02T00:00:00+00:00,2,usd,"gpt-6.1-sol-2026-08-06, output",p
1,2,2026-11-02T00:00:00+00:00,0.1,usd,web search,p

"""
COUNTED = [
    {"target": "openai/gpt-6.1-sol", "day": "2026-11-01", "usd_micros": 1_750_000},
    {"target": "openai/gpt-6.1-sol", "day": "2026-11-02", "usd_micros": 1_900_000},
    {"target": "openai/gpt-4o", "day": "2026-11-02", "usd_micros": 7},
    {"target": "azure/gpt-4o", "day": "2026-11-02", "usd_micros": 1},
]


def test_a_difference_is_told_by_model_and_by_the_days_on_which_it_is() -> None:
    found = reconcile(read_invoice("f", OPENAI.splitlines(keepends=True)), COUNTED, "openai")

    sol, search, four = found["models"]
    assert (sol["model"], sol["difference_usd_micros"], sol["difference_percent"]) == ("gpt-6.1-sol", 100_000, 2.74)
    assert [(day["day"], day["difference_usd_micros"]) for day in sol["days"]] == [("2026-11-02", 100_000)]
    assert (search["model"], search["difference_percent"]) == ("web search", None)
    assert (four["model"], four["difference_usd_micros"]) == ("gpt-4o", -7)
    assert (found["only_invoiced"], found["only_counted"]) == (["web search"], ["gpt-4o"])
    assert (found["invoiced_usd_micros"], found["counted_usd_micros"]) == (3_850_000, 3_650_007)


def test_columns_can_be_named() -> None:
    text = ["Cost Item;x,EUR?,When\n", "openai/gpt-4o,$1,234.5,2026-11-01\n"]
    named = {"model": "what", "amount": "how much"}
    lines = read_invoice("f", ["what,how much\n", 'openai/gpt-4o,"$1,234.50"\n'], named)

    assert [(line.model, str(line.usd), line.day) for line in lines] == [("gpt-4o", "1234.50", "")]
    with pytest.raises(NoInvoice, match="name it: --columns amount=COLUMN"):
        read_invoice("f", text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "f:1: no column is known to be the amount; columns: none"),
        ("model,cost\nm,a lot\n", "f:2: `a lot` is no amount of money"),
        ("model,cost\nm,NaN\n", "f:2: `NaN` is no amount of money"),
        ("model,cost,currency\nm,1,EUR\n", "f:2: is in `EUR`; only USD is counted here"),
        ("x" * (2 << 20) + "\n", "f:1: a line of"),
    ],
)
def test_what_is_no_invoice_is_said_with_its_line(text: str, message: str) -> None:
    with pytest.raises(NoInvoice) as found:
        read_invoice("f", text.splitlines(keepends=True))

    assert message in str(found.value)
