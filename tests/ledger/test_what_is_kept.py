"""What ledgers keep of callers who come once and never again."""

from __future__ import annotations

from governance.ledger import Option
from governance.ledger.encoding import Encoder
from governance.ledger.memory import MemoryLedger
from governance.model import Charge, Window
from governance.model.units import Unit
from tests.kept import kept

MIB = 2**20
UNITS: tuple[Unit, ...] = ("requests", "tokens", "input_tokens", "output_tokens")


def charges(subject: str) -> list[Charge]:
    return [Charge(Window("each", subject, unit, 10**6, 60), 1) for unit in UNITS]


def test_ever_new_subjects_and_targets_do_not_fill_the_memory_of_an_encoder() -> None:
    encoder = Encoder()
    with kept() as found:
        for i in range(10_000):
            encoder.blocks(charges(f"end_user:{i}"), 0)
            encoder.name(f"openai/{i}")

    assert found.bytes < 2 * MIB


async def test_a_settled_reservation_is_remembered_in_a_tenth_of_a_kilobyte() -> None:
    ledger, reservations = MemoryLedger(), 10_000
    theirs = charges("target:a/b")

    async def asked(id: str) -> None:
        await ledger.reserve(charges("team:t"), [Option("a/b", theirs)], reservation_id=id, deadline_s=600)
        # As it is asked of each attempt, and of one that lasts, again and again.
        for _ in range(3):
            assert await ledger.renew(id, 600, attempted=True)
        assert await ledger.settle(id, {"tokens": 3})

    for i in range(10):
        await asked(f"w{i}")
    with kept() as found:
        for i in range(reservations):
            await asked(f"r{i}")

    assert found.bytes / reservations < 130
    assert not await ledger.settle("r0", {"tokens": 9}), "it is known that it was settled"


async def test_a_settled_reservation_is_forgotten_after_a_quarter_of_an_hour() -> None:
    now_s = 1_000_000.0
    ledger = MemoryLedger(lambda: now_s)
    minute = Window("each", "team:t", "requests", 1, 60)

    async def granted(id: str) -> bool:
        return (await ledger.reserve([Charge(minute, 1)], [], reservation_id=id, deadline_s=60)).granted

    assert await granted("first")
    await ledger.settle("first", {})
    assert await granted("first"), "the same one"
    assert not await granted("second")
    now_s += 899
    assert await granted("first")
    assert await granted("second"), "the window is another, and the first one was not counted in it"
    await ledger.settle("second", {})
    now_s += 100
    await granted("third")
    await ledger.settle("third", {})
    assert not await granted("first"), "it is a new one now, and finds no room"


async def test_a_window_that_counts_one_request_is_small() -> None:
    ledger, subjects = MemoryLedger(), 500
    asked = [charges(f"end_user:{i}") for i in range(subjects)]
    with kept() as found:
        for i, each in enumerate(asked):
            await ledger.reserve(each, [], reservation_id=f"r{i}", deadline_s=60)
            await ledger.settle(f"r{i}", {})

    assert found.bytes / (subjects * len(UNITS)) < 600
