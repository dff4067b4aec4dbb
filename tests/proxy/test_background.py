"""When the end of a background response has come, and that it comes once."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from litellm.types.llms.openai import ResponseCompletedEvent, ResponsesAPIResponse

from governance.engine.deferred import deferred_id
from governance.engine.engine import Engine
from governance.engine.host import Host
from governance.ledger import Option
from governance.ledger.memory import MemoryLedger
from governance.model import Charge, ModelFacts, Window
from governance.proxy.background import Background

TOKENS = Window("tokens", "everyone:", "tokens", 1_000_000, "month")
FACTS = ModelFacts(input_price=2.0, output_price=8.0)
USED = {"input_tokens": 1_000, "output_tokens": 500, "total_tokens": 1_500}


def answered(status: str | None, usage: dict[str, int] | None = None) -> Any:
    found = ResponsesAPIResponse(id="resp_1", created_at=1, output=[], status=status, usage=usage)
    found._hidden_params = {"model_id": "the-one"}
    return found


class Waiting:
    """A response for which 40,000 tokens wait, and whoever hears of it."""

    def __init__(self) -> None:
        self.ledger = MemoryLedger(lambda: 1.0)
        self.engine = Engine(Host.parse(json.dumps({"version": 1})), self.ledger)
        self.background = Background()

    async def begin(self) -> None:
        option = Option("", (Charge(TOKENS, 40_000),))
        await self.ledger.move(deferred_id("the-one", "resp_1"), 1, option, force=True)

    async def told(self, answer: Any) -> bool:
        return await self.background.told(self.engine, {}, answer, FACTS)

    async def counted(self) -> int:
        reserved = await self.ledger.reserve(
            [Charge(TOKENS, 0)], [], reservation_id="looks", deadline_s=1, dry_run=True
        )
        return reserved.shared[0].used


@pytest.mark.parametrize(
    ("answer", "counted"),
    [
        (answered("completed", USED), 1_500),
        (answered("incomplete", USED), 1_500),
        (answered("cancelled", USED), 1_500),
        (answered("failed", USED), 1_500),
        (answered("failed"), 0),
        (answered("cancelled"), 40_000),
        (answered("expired"), 40_000),
        (answered("completed"), 40_000),
    ],
)
async def test_the_end_of_a_response_settles_it_once(answer: Any, counted: int) -> None:
    waiting = Waiting()
    await waiting.begin()

    # Several pollers at once hear of the same end.
    assert sorted(await asyncio.gather(*(waiting.told(answer) for _ in range(5)))) == [False] * 4 + [True]
    assert await waiting.counted() == counted
    assert not await waiting.told(answered("completed", {**USED, "output_tokens": 9_000, "total_tokens": 10_000}))
    assert await waiting.counted() == counted


@pytest.mark.parametrize("status", ["queued", "in_progress", "pending", "requires_action", "", None])
async def test_what_is_still_made_is_not_settled_whatever_its_provider_calls_that(status: str | None) -> None:
    waiting = Waiting()
    await waiting.begin()

    assert not await waiting.told(answered(status))
    assert await waiting.counted() == 40_000
    assert await waiting.told(answered("completed", USED))
    assert await waiting.counted() == 1_500


async def test_who_reads_a_response_as_a_stream_hears_of_its_end_too() -> None:
    waiting = Waiting()
    await waiting.begin()
    event = ResponseCompletedEvent(type="response.completed", response=answered("completed", USED))
    event.response._hidden_params = {"model_id": "the-one"}

    assert await waiting.told(event)
    assert await waiting.counted() == 1_500
