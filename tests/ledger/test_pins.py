"""Who has answered a conversation last goes before the others, and before nothing else. On every store."""

from __future__ import annotations

from governance.ledger import Ledger, Option, Reserved
from governance.ledger.pins import Asked, Pin, Pinning
from governance.model import Charge, Window

FULL = Window("limits", "target:b", "requests", 2, 3600)
OPTIONS = (Option("a"), Option("b", [Charge(FULL, 1)]), Option("c"))
WHO = Asked("conversation", ("a", "b", "c"))


async def ask(ledger: Ledger, name: str, asked: Asked | None = WHO, options=OPTIONS, **more: bool) -> Reserved:
    return await ledger.reserve([], options, reservation_id=name, deadline_s=60, pinned=asked, **more)


async def found(ledger: Ledger, asked: Asked | None = WHO) -> tuple[int | None, Pin | None]:
    reserved = await ask(ledger, "found", asked)
    return reserved.chosen, reserved.pin


async def pin(ledger: Ledger, target: str = "b", ttl_s: float = 300) -> None:
    await ask(ledger, f"before {target}")
    pinning = Pinning(WHO.key, Pin(target, "of-b", cached_tokens=1_200), ttl_s)
    assert await ledger.settle(f"before {target}", {}, pinning=pinning)


async def test_a_pin_is_read_with_the_reservation_and_lasts_as_long_as_it_says(ledger: Ledger, clock) -> None:
    assert (await ask(ledger, "1")).pin is None
    await pin(ledger)
    written_s = clock.now
    clock.now += 299

    reserved = await ask(ledger, "2")
    assert reserved.chosen == 1
    assert reserved.pin == Pin("b", "of-b", written_s, 1_200)

    clock.now += 1
    assert await found(ledger) == (0, None)


async def test_a_pin_is_no_reservation_that_was_never_made(ledger: Ledger) -> None:
    assert not await ledger.settle("unknown", {}, pinning=Pinning(WHO.key, Pin("b"), 300))
    assert (await ask(ledger, "1")).pin is None


async def test_a_pin_never_beats_a_limit_or_a_cool_down(ledger: Ledger) -> None:
    await pin(ledger)
    assert [(await ask(ledger, str(i))).chosen for i in range(3)] == [1, 1, 0], "b has room for two"

    await pin(ledger, "c")
    await ledger.cool_down("c", 60)
    reserved = await ask(ledger, "cooling")
    assert reserved.chosen == 0
    assert (reserved.pin or Pin("")).target == "c"


async def test_who_does_not_ask_gets_none_and_a_dry_run_reads_it(ledger: Ledger) -> None:
    await pin(ledger)

    assert await found(ledger, None) == (0, None)
    assert (await ask(ledger, "3", dry_run=True)).chosen == 1
    assert (await ask(ledger, "4", Asked("another", WHO.targets))).pin is None


async def test_a_pin_of_a_target_that_is_gone_changes_nothing(ledger: Ledger) -> None:
    await pin(ledger, "gone\nfor good")

    reserved = await ask(ledger, "1")
    assert reserved.chosen == 0
    assert (reserved.pin or Pin("")).target == "gone\nfor good"


async def test_a_pin_keeps_what_a_conversation_was_about(ledger: Ledger) -> None:
    await ask(ledger, "before")
    assert await ledger.settle("before", {}, pinning=Pinning(WHO.key, Pin("b", "of-b", task="code"), 300))

    reserved = await ask(ledger, "1")
    assert reserved.chosen == 1
    assert (reserved.pin or Pin("")).task == "code"
