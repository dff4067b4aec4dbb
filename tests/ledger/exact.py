"""An exact log of everything counted, and random operations that compare ledgers with it and with each other.

The log is what the ledger approximates: each charge with its microsecond, no buckets. After every operation:

- no window that is enforced was let over its limit, counted exactly (`granted` while the log has no room);
- no window tells less than the log; a rolling one tells no more than the log of a period 1/20 longer;
- calendar and concurrent windows tell exactly what the log says;
- all ledgers give the same answers.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from governance.ledger import Ledger, Option, Reading
from governance.ledger.calendar import period_ms
from governance.model import Charge, Window

WINDOWS = tuple(
    Window("limit" if mode == "enforce" else "trial", subject, unit, amount, period, mode=mode)  # type: ignore[arg-type]
    for subject in ("team:a", "target:b")
    for unit, amount, period, mode in (
        ("requests", 3, 1, "enforce"),
        ("requests", 40, 60, "enforce"),
        ("tokens", 1_000, 60, "enforce"),
        ("tokens", 500, 60, "shadow"),
        ("tokens", 3_000, 3_600, "enforce"),
        ("usd_micros", 9_000, "hour", "enforce"),
        ("usd_micros", 30_000, "day", "enforce"),
        ("concurrent", 6, None, "enforce"),
    )
    if mode == "enforce" or subject == "team:a"
)
# One window under two limits: somebody changed the policy, and only half of the proxies have the new one.
CHANGED = Window("limit", "team:a", "requests", 60, 60)
ALL = (*WINDOWS, CHANGED)
REMEMBERED_MS = 900_000


@dataclass
class Entry:
    """One charge. `uncertain`: it was given back and came again, so that it may be told one period too long."""

    window: Window
    hop: int
    shared: bool
    amount: int
    at_us: int
    counted: int
    uncertain: bool = False
    left: str = "all"


@dataclass
class Book:
    """One reservation in the log."""

    deadline_ms: int
    length_ms: int
    state: str = "open"
    hop: int = 0
    holds: bool = True
    attempted: bool = False
    ended_ms: int = 0
    entries: list[Entry] = field(default_factory=list)


def identity(window: Window) -> tuple[object, ...]:
    return window.limit, window.subject, window.unit, window.period


class Violation(AssertionError):
    """A promise that was not kept."""


class Log:
    """Everything counted, exactly."""

    def __init__(self) -> None:
        self.now_us = 0
        self.books: dict[str, Book] = {}
        self.by_window: dict[tuple[object, ...], list[Entry]] = {}

    @property
    def down_ms(self) -> int:
        return self.now_us // 1000

    def used(self, window: Window) -> int:
        """Counted now."""
        entries = self.by_window.get(identity(window), [])
        period = window.period
        if period is None:
            return sum(entry.counted for entry in entries)
        if isinstance(period, int):
            return sum(entry.counted for entry in entries if entry.at_us > self.now_us - period * 1_000_000)
        start_ms = period_ms(period, "UTC", self.down_ms)[0]
        return sum(entry.counted for entry in entries if entry.at_us // 1000 >= start_ms)

    def told_at_most(self, window: Window) -> int:
        if not isinstance(window.period, int):
            return self.used(window)
        period_us = window.period * 1_000_000
        entries = self.by_window.get(identity(window), [])
        live = [entry for entry in entries if entry.at_us > self.now_us - 2 * period_us - period_us // 20 - 2_000]
        # Many small charges are merged; then only twice the period is promised.
        slack_us = period_us // 20 + 2_000 if len(live) <= 28 else period_us
        since = self.now_us - period_us - slack_us
        return sum(e.counted for e in live if e.at_us > since or e.uncertain)

    def count(self, book: Book, charges: Sequence[Charge], hop: int, shared: bool) -> None:
        for charge in charges:
            entry = Entry(charge.window, hop, shared, charge.amount, self.now_us, charge.amount)
            book.entries.append(entry)
            self.by_window.setdefault(identity(charge.window), []).append(entry)

    def change(self, entry: Entry, counted: int) -> None:
        """Make it count so much; what has left its window stays as it is."""
        period = entry.window.period
        if isinstance(period, int) and -(-entry.at_us // 1000) + period * 1000 <= self.down_ms:
            return
        if isinstance(period, str) and period_ms(period, "UTC", self.down_ms)[0] > entry.at_us // 1000:
            return
        if entry.counted == 0 and counted:
            entry.uncertain = True
        entry.counted = counted

    def leave(self, entry: Entry, counted: str) -> None:
        keep = counted == "requests" and entry.window.unit == "requests"
        self.change(entry, entry.amount if keep else 0)
        entry.left = counted

    def give_back(self, book: Book, attempted: bool) -> None:
        for entry in book.entries:
            if entry.left != "nothing":
                self.leave(entry, "requests" if attempted or entry.hop != book.hop else "nothing")

    def reap(self) -> int:
        """All that are past their deadline. Returns how many."""
        late = [b for b in self.books.values() if b.state == "open" and b.deadline_ms <= self.down_ms]
        for book in late:
            self.give_back(book, book.attempted)
            book.state, book.ended_ms = "expired", self.down_ms
        return len(late)

    def forget(self) -> None:
        """What no answer depends on any more."""
        done_ms = self.down_ms - REMEMBERED_MS // 2
        for name in [name for name, book in self.books.items() if book.state != "open" and book.ended_ms < done_ms]:
            del self.books[name]
        horizon = self.now_us - 2 * 86_400_000_000
        for key, entries in self.by_window.items():
            period = key[3]
            if period is None:
                self.by_window[key] = [entry for entry in entries if entry.counted]
            else:
                oldest = self.now_us - 3 * period * 1_000_000 if isinstance(period, int) else horizon
                self.by_window[key] = [entry for entry in entries if entry.at_us > oldest]


class Comparison:
    """Random operations on several ledgers at once, each answer held against the log and the other ledgers."""

    def __init__(self, ledgers: Sequence[Ledger], set_clock: Callable[[float], object], seed: int) -> None:
        self.ledgers = ledgers
        self.random = random.Random(seed)
        self.log = Log()
        self._set_clock = set_clock
        self._n = 0
        self.operations = 0
        self.now(1_767_225_600_000_000)

    def now(self, now_us: int) -> None:
        self.log.now_us = now_us
        self._set_clock(now_us / 1_000_000)

    async def all(self, call: Callable[[Ledger], object]) -> object:
        answers = [await call(ledger) for ledger in self.ledgers]  # type: ignore[misc]
        for answer in answers[1:]:
            if answer != answers[0]:
                raise Violation(f"ledgers differ after {self.operations} operations: {answers[0]} and {answer}")
        self.operations += 1
        return answers[0]

    def hold(self, readings: Sequence[Reading], before: dict[tuple[object, ...], int] | None = None) -> None:
        asked = dict(before or {})
        for reading in readings:
            key = identity(reading.window)
            extra = asked.get(key, 0)
            least, most = self.log.used(reading.window) + extra, self.log.told_at_most(reading.window) + extra
            if not least <= reading.used <= most:
                raise Violation(f"{reading} tells {reading.used}; the log says {least} to {most}")
            if reading.fits != (reading.used + reading.amount <= reading.window.amount):
                raise Violation(f"{reading} does not follow from its own numbers")
            asked[key] = extra + reading.amount

    async def step(self) -> None:
        """One operation."""
        draw = self.random.random()
        if draw < 0.35:
            await self.reserve()
        elif draw < 0.50:
            await self.settle()
        elif draw < 0.58:
            await self.release()
        elif draw < 0.66:
            await self.move()
        elif draw < 0.69:
            await self.renew()
        elif draw < 0.71:
            name, seconds = self.random.choice("xyz"), self.random.choice((0.5, 5, 60))
            await self.all(lambda ledger: ledger.cool_down(name, seconds))
        elif draw < 0.76:
            windows = self.random.sample(ALL, self.random.randint(1, 6))
            self.hold(await self.all(lambda ledger: ledger.read(windows)))  # type: ignore[arg-type]
        else:
            await self.advance()

    async def advance(self) -> None:
        spans = (0, 1, 300, 999, 1_000, 20_000, 50_000, 1_000_000, 3_000_000, 10_000_000, 61_000_000)
        weights = (4, 4, 4, 4, 4, 8, 12, 12, 8, 3, 1)
        span = self.random.choices(spans, weights)[0]
        if self.random.random() < 0.002:
            span = self.random.choice((1_800_000_000, 3_600_000_000, 86_400_000_000))
        elif self.random.random() < 0.5:
            span = self.random.randint(0, span)
        self.now(self.log.now_us + span)
        self.log.reap()
        still = sum(book.state == "open" for book in self.log.books.values())
        await self.all(lambda ledger: reaped(ledger, still))
        self.log.forget()

    def charges(self, windows: Sequence[Window], most: int) -> list[Charge]:
        amounts = {"requests": (1,), "concurrent": (1, 1, 2), "tokens": (0, 7, 50, 400), "usd_micros": (0, 90, 2_500)}
        picked = self.random.sample(windows, self.random.randint(0, min(most, len(windows))))
        return [Charge(window, self.random.choice(amounts[window.unit])) for window in picked]

    def option(self) -> Option:
        theirs = [window for window in ALL if window.subject == "target:b"]
        return Option(self.random.choice("xyz"), self.charges(theirs, 4))

    def some(self) -> str:
        """A reservation: mostly a recent one, sometimes none that anybody knows."""
        if not self.log.books or self.random.random() < 0.02:
            return "nobody"
        return self.random.choice(list(self.log.books)[-12:])

    async def reserve(self) -> None:
        again = self.random.random() < 0.05 and bool(self.log.books)
        name = self.random.choice(list(self.log.books)) if again else f"r{self._n}"
        self._n += 1
        shared = self.charges(ALL, 5)
        options = [self.option() for _ in range(self.random.choice((0, 1, 1, 2, 3)))]
        length_s = self.random.choice((0.5, 5, 30, 120))
        dry = self.random.random() < 0.1
        reserved = await self.all(
            lambda ledger: ledger.reserve(shared, options, reservation_id=name, deadline_s=length_s, dry_run=dry)
        )
        asked: dict[tuple[object, ...], int] = {}
        self.hold(reserved.shared)  # type: ignore[attr-defined]
        for charge in shared:
            asked[identity(charge.window)] = asked.get(identity(charge.window), 0) + charge.amount
        for option in reserved.options:  # type: ignore[attr-defined]
            self.hold(option.windows, asked)
        if again or dry or not reserved.granted:  # type: ignore[attr-defined]
            return
        chosen = reserved.chosen  # type: ignore[attr-defined]
        length_ms = round(length_s * 1000)
        book = self.log.books[name] = Book(self.log.down_ms + length_ms, length_ms)
        self.log.count(book, shared, 0, True)
        if chosen is not None:
            self.log.count(book, options[chosen].charges, 0, False)
        self.within_limits(book.entries)

    def within_limits(self, entries: Sequence[Entry]) -> None:
        for entry in entries:
            window = entry.window
            # Asked for under two limits in one call: each holds for what it was asked with, in order.
            limit = max(e.window.amount for e in entries if identity(e.window) == identity(window))
            if window.mode == "enforce" and entry.amount and self.log.used(window) > limit:
                raise Violation(f"{window} was let to {self.log.used(window)}")

    async def settle(self) -> None:
        name = self.some()
        actual = {"tokens": self.random.choice((0, 3, 60, 900)), "usd_micros": self.random.choice((0, 50, 4_000))}
        if self.random.random() < 0.3:
            del actual["tokens"]
        first = await self.all(lambda ledger: ledger.settle(name, actual))
        book = self.log.books.get(name)
        if first != (book is not None and book.state != "settled"):
            raise Violation(f"settle of {name} in {book}: {first}")
        if book is None or not first:
            return
        settled = set()
        for entry in book.entries:
            if not entry.shared and entry.hop != book.hop:
                continue
            want = entry.amount
            if entry.window.unit in actual:
                want = 0 if identity(entry.window) in settled else actual[entry.window.unit]
                settled.add(identity(entry.window))
            self.log.change(entry, 0 if entry.window.period is None else want)
        book.state, book.ended_ms = "settled", self.log.down_ms

    async def release(self) -> None:
        name, attempted = self.some(), self.random.random() < 0.5
        first = await self.all(lambda ledger: ledger.release(name, attempted=attempted))
        book = self.log.books.get(name)
        if first != (book is not None and book.state == "open"):
            raise Violation(f"release of {name} in {book}: {first}")
        if book is not None and book.state == "open":
            self.log.give_back(book, attempted)
            book.state, book.ended_ms = "released", self.log.down_ms
        elif book is not None and book.state == "expired":
            for entry in book.entries:
                if attempted and entry.left == "nothing":
                    self.log.leave(entry, "requests")
            book.state = "released"

    async def renew(self) -> None:
        name, length_s, attempted = self.some(), self.random.choice((0.5, 30)), self.random.random() < 0.5
        done = await self.all(lambda ledger: ledger.renew(name, length_s, attempted=attempted))
        book = self.log.books.get(name)
        if done != (book is not None and book.state == "open"):
            raise Violation(f"renew of {name} in {book}: {done}")
        if book is not None and done:
            book.attempted = book.attempted or attempted
            book.length_ms = round(length_s * 1000)
            book.deadline_ms = self.log.down_ms + book.length_ms

    async def move(self) -> None:
        name = self.some()
        book = self.log.books.get(name)
        if book is None:
            return
        hop = max(1, book.hop + self.random.choice((0, 1, 1, 1, 1)))
        option, shared = self.option(), self.charges([window for window in ALL if window.unit == "requests"], 1)
        force = self.random.random() < 0.1
        reading = await self.all(lambda ledger: ledger.move(name, hop, option, shared, force=force))
        if book.state in ("settled", "released") or hop <= book.hop:
            if reading.fits != (hop == book.hop and book.holds):  # type: ignore[attr-defined]
                raise Violation(f"move {hop} of {name} in {book}: {reading}")
            return
        if book.state == "expired":
            book.state, book.deadline_ms = "open", self.log.down_ms + book.length_ms
            for entry in book.entries:
                if entry.left == "nothing":
                    self.log.leave(entry, "requests")
        for entry in book.entries:
            if not entry.shared and entry.left == "all":
                self.log.leave(entry, "requests")
        self.hold(reading.windows)  # type: ignore[attr-defined]
        fits = reading.fits and reading.cooling_until_s is None  # type: ignore[attr-defined]
        book.hop, book.holds, book.attempted = hop, force or fits, False
        if book.holds:
            before = len(book.entries)
            self.log.count(book, option.charges, hop, False)
            self.log.count(book, shared, hop, True)
            if not force:
                self.within_limits(book.entries[before:])


async def reaped(ledger: Ledger, still: int) -> tuple[int | None, int | None]:
    """Calls until the ledger has released what is past its deadline: each call releases only a few."""
    for _ in range(500):
        health = await ledger.health()
        if health.open_reservations == still:
            return health.open_reservations, health.expired
    raise Violation(f"{health} after 500 calls; the log says {still} are open")
