"""What is billed by the page, by time, by the clip or by characters can be reserved and settled."""

from __future__ import annotations

from typing import Any

import pytest

from governance.catalog.prices import facts_of
from governance.model import Request, Window
from governance.model.quantities import Quantities

MONEY = Window("money", "everyone:", "usd_micros", 10**12, "month")
OCR = {"mode": "ocr", "ocr_cost_per_page": 0.004}
VIDEO = {"mode": "video_generation", "output_cost_per_second": 0.1}


@pytest.mark.parametrize(
    ("entry", "used", "usd_micros"),
    [
        (OCR, Quantities(pages=3), 12_000),
        (OCR, Quantities(pages=3, annotated_pages=2), 20_000),
        ({**OCR, "annotation_cost_per_page": 0.005}, Quantities(pages=3, annotated_pages=2), 22_000),
        ({**OCR, "ocr_cost_per_credit": 0.015}, Quantities(pages=3, millicredits=1_500), 22_500),
        ({**OCR, "ocr_cost_per_credit": 0.015}, Quantities(pages=3), 12_000),
        (VIDEO, Quantities(duration_ms=4_500), 450_000),
        ({**VIDEO, "output_cost_per_second_4k": 0.3}, Quantities(duration_ms=1_000), 300_000),
        ({"mode": "search", "input_cost_per_query": 0.005}, Quantities(queries=2), 10_000),
    ],
)
def test_pieces_cost_what_they_are_priced_at(entry: dict[str, Any], used: Quantities, usd_micros: int) -> None:
    assert facts_of(entry).cost_of(used) == usd_micros


@pytest.mark.parametrize(
    ("entry", "request_type", "params", "usd_micros"),
    [
        (OCR, "ocr", {}, 80_000),
        (VIDEO, "video_generation", {}, 800_000),
        (VIDEO, "video_generation", {"seconds": "12"}, 1_200_000),
        (VIDEO, "video_generation", {"seconds": "soon"}, 800_000),
        ({"mode": "search", "input_cost_per_query": 0.005}, "search", {}, 5_000),
        ({"mode": "chat", "input_cost_per_second": 0.0005}, "chat", {}, 30_000),
        ({"mode": "chat", "input_cost_per_character": 5e-6, "output_cost_per_character": 1e-5}, "chat", {}, 8_000),
        ({"mode": "chat", "cost_per_second": 0.0005, "input_cost_per_token": 1e-6}, "embedding", {}, 100),
        ({"mode": "chat"}, "chat", {}, None),
    ],
)
def test_what_is_reserved_of_them_is_what_is_asked_for_or_typical(
    entry: dict[str, Any], request_type: str, params: dict[str, str], usd_micros: int | None
) -> None:
    asked = Request("m", request_type=request_type, prompt_tokens=100, max_output_tokens=100, params=params)

    charge = asked.charge(MONEY, facts_of(entry))
    assert (charge and charge.amount) == usd_micros


def test_the_dearest_of_what_varies_is_what_it_may_cost() -> None:
    rows = [{"input_cost_per_query": 0.005, "max_results_range": [0, 25]}, {"input_cost_per_query": 0.025}]

    assert (
        facts_of({"mode": "search", "tiered_pricing": rows}).prices.query
        == facts_of({"mode": "search", "input_cost_per_query": 0.025}).prices.query
    )
    assert facts_of({"mode": "search", "tiered_pricing": rows}).prices.varies
    assert facts_of({**VIDEO, "output_cost_per_second_4k": 0.3}).prices.varies
    assert not facts_of(VIDEO).prices.varies
