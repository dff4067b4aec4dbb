from __future__ import annotations

import inspect

import pytest

from governance.ledger import Ledger, Option
from governance.ledger.listing import Listing
from governance.ledger.memory import MemoryLedger
from governance.model import Charge, Window
from governance.model.errors import LedgerUnavailable
from governance.telemetry.timed import Timed

WINDOW = Window("team", "team:research", "requests", 5, 60)


async def test_every_call_is_told_with_its_name_and_answers_as_before() -> None:
    took: list[tuple[str, float]] = []
    ledger: Ledger = Timed(MemoryLedger(), lambda op, seconds: took.append((op, seconds)))

    assert (await ledger.reserve([Charge(WINDOW, 1)], [], reservation_id="r", deadline_s=60)).granted
    assert (await ledger.move("r", 1, Option("a/m"))).fits
    assert await ledger.renew("r", 60)
    assert (await ledger.read([WINDOW]))[0].used == 1
    assert await ledger.settle("r", {"requests": 1})
    assert not await ledger.release("r")
    await ledger.cool_down("a/m", 1)
    await ledger.recovered("a/m")
    await ledger.announce([WINDOW])
    assert (await ledger.reserved([WINDOW])) == (0,)
    assert (await ledger.listed(Listing())).total == 1
    assert await ledger.survey(60)
    assert len((await ledger.known())[1]) == 1
    await ledger.rank([], 1)
    assert (await ledger.health()).reachable
    await ledger.close()

    calls = {name for name, _ in inspect.getmembers(Ledger, inspect.isfunction) if name[0] != "_"} - {"close"}
    assert {op for op, _ in took} == calls
    assert all(0 <= seconds < 60 for _, seconds in took)


async def test_a_call_that_fails_is_told_and_fails() -> None:
    class Away(MemoryLedger):
        async def cool_down(self, name: str, seconds: float) -> None:
            raise LedgerUnavailable("it does not answer")

    took: list[str] = []
    ledger = Timed(Away(), lambda op, seconds: took.append(op))
    with pytest.raises(LedgerUnavailable):
        await ledger.cool_down("a/m", 1)

    assert took == ["cool_down"]
