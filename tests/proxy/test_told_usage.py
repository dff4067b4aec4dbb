"""Usage in the events of streams, as providers write it."""

from __future__ import annotations

from typing import Any

import pytest

from governance.model.quantities import Quantities
from governance.proxy.usage.told import Told, combined, usages_in

USAGE = {"prompt_tokens": 10, "completion_tokens": 2}


@pytest.mark.parametrize(
    "event",
    [
        {"usage": USAGE},
        {"choices": [{"delta": {}, "usage": USAGE}]},
        {"x_groq": {"id": "1", "usage": USAGE}},
        {"type": "message_start", "message": {"usage": USAGE}},
        {"type": "response.completed", "response": {"usage": USAGE}},
        {"usageMetadata": USAGE},
    ],
)
def test_every_place_is_looked_at(event: dict[str, Any]) -> None:
    assert list(usages_in(event)) == [USAGE]


@pytest.mark.parametrize("event", [{}, {"usage": None}, {"usage": "free"}, {"choices": None}, [], "text", 7, None])
def test_an_event_may_have_none(event: Any) -> None:
    assert list(usages_in(event)) == []


def test_an_attempt_knows_nothing_of_the_one_before() -> None:
    told = Told()
    told.note(1, {"usage": {"prompt_tokens": 99}})

    told.note(2, {"usage": USAGE})

    assert told.usages == [USAGE]


def test_however_many_events_there_are_the_last_is_kept() -> None:
    told = Told()
    for i in range(5_000):
        told.note(1, {"usage": {"prompt_tokens": 1, "completion_tokens": i}})

    assert len(told.usages) == 2_000
    assert combined(told.usages, 0).output_tokens == 4_999


@pytest.mark.parametrize(
    ("counts", "text_tokens", "output_tokens"),
    [
        ([7], 7, 7),
        ([1, 40], 40, 40),
        ([10, 20, 30], 30, 30),
        ([30, 20], 50, 50),
        ([20, 30], 50, 50),
        ([25, 25], 50, 50),
        ([25, 25], 25, 25),
        ([40, 0], 40, 40),
        ([40, -5], 40, 40),
        ([40, None], 40, 40),
        ([-1], 40, 0),
    ],
)
def test_several_reports_are_sums_so_far_or_parts(counts: list[Any], text_tokens: int, output_tokens: int) -> None:
    usages = [{"prompt_tokens": 10, "completion_tokens": count} for count in counts]

    assert combined(usages, text_tokens) == Quantities(10, output_tokens)
