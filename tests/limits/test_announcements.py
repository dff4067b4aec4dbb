"""Which windows a process tells its ledger of, and how often."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest

from governance.ledger import Ledger
from governance.ledger.announced import ANNOUNCED_EVERY_S, MOST_ANNOUNCED
from governance.ledger.listing import Listing
from governance.ledger.memory import MemoryLedger
from governance.limits.announcements import Announcements
from governance.model import Window
from governance.model.errors import LedgerUnavailable
from tests.kept import kept

WINDOW = Window("per key", "virtual_key:a", "requests", 60, 60)


class Counting(MemoryLedger):
    """A ledger that counts announcements, and may be away."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[Sequence[Window]] = []
        self.away = False

    async def announce(self, windows: Sequence[Window]) -> None:
        if self.away:
            raise LedgerUnavailable("away")
        self.calls.append(windows)
        await super().announce(windows)


class Forgetting(MemoryLedger):
    """A ledger elsewhere, which keeps what it is told on its own machine."""

    async def announce(self, windows: Sequence[Window]) -> None:
        """Elsewhere."""


async def known(ledger: Ledger) -> list[Window]:
    return [each.window for each in (await ledger.listed(Listing())).windows]


async def test_a_window_is_announced_once_and_again_only_after_a_while() -> None:
    now_s, ledger = [0.0], Counting()
    announcements = Announcements(clock=lambda: now_s[0])
    for now_s[0] in (0, 1, ANNOUNCED_EVERY_S - 1, ANNOUNCED_EVERY_S):
        announcements.note([WINDOW, WINDOW])
        await announcements.tell(ledger)

    assert ledger.calls == [(WINDOW,), (WINDOW,)]


async def test_a_limit_that_was_changed_is_announced_at_once() -> None:
    ledger, announcements = Counting(), Announcements()
    for window in (WINDOW, replace(WINDOW, amount=5)):
        announcements.note([window])
        await announcements.tell(ledger)

    assert await known(ledger) == [replace(WINDOW, amount=5)]


async def test_what_could_not_be_told_waits() -> None:
    ledger, announcements = Counting(), Announcements()
    ledger.away = True
    announcements.note([WINDOW])
    with pytest.raises(LedgerUnavailable):
        await announcements.tell(ledger)
    ledger.away = False
    await announcements.tell(ledger)

    assert await known(ledger) == [WINDOW]


async def test_the_oldest_of_too_many_are_forgotten() -> None:
    ledger, announcements = Counting(), Announcements()
    announcements.note(replace(WINDOW, subject=f"end_user:{i}") for i in range(MOST_ANNOUNCED + 1))
    await announcements.tell(ledger)

    assert sum(map(len, ledger.calls)) == MOST_ANNOUNCED
    assert max(map(len, ledger.calls)) <= 500
    assert (await ledger.listed(Listing(subject="end_user:0"))).total == 0


async def test_what_is_told_in_the_background_is_told() -> None:
    ledger, announcements = Counting(), Announcements()
    announcements.note([WINDOW])
    announcements.keep_told(ledger)
    announcements.keep_told(ledger)
    await asyncio.gather(*asyncio.all_tasks() - {asyncio.current_task()})

    assert ledger.calls == [(WINDOW,)]


async def test_windows_of_callers_who_never_come_back_are_hardly_kept() -> None:
    announcements, ledger = Announcements(), Forgetting()
    with kept() as found:
        for i in range(20_000):
            announcements.note([replace(WINDOW, subject=f"end_user:{i}")])
            if i % 200 == 0:
                await announcements.tell(ledger)
        await announcements.tell(ledger)

    assert found.bytes / 20_000 < 200
