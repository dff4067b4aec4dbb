"""How windows and charges are written for the scripts, and how their answers are read. See `lua/subjects.lua`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from governance.ledger import Reading
from governance.ledger.calendar import period_ms
from governance.ledger.hashing import hashed
from governance.ledger.windows import LARGEST_CHARGE, MOST_LEASES, checked, counter
from governance.model import Charge, Window

LETTERS = {
    "requests": "R",
    "tokens": "T",
    "input_tokens": "I",
    "output_tokens": "O",
    "usd_micros": "U",
    "concurrent": "C",
}
_MOST_HOW: Final = 50_000
# Callers choose subjects and names of targets; to hash one once more costs less than to keep it for long.
_MOST_NAMES: Final = 8_192
SUBJECT_LENGTH: Final = 22  # of a place, the part that is the subject's hash

# All but the subject: who is counted may be anybody, how is a matter of the policy.
_How = tuple[str, str, int | str | None, int]


class _Coded(NamedTuple):
    id: str  # of the window in its subject, with the line feed before it
    letter: str
    period: str | None  # None: of the calendar, so it must be worked out


class Block(NamedTuple):
    """What one call asks of one subject."""

    subject: str
    text: str


class Encoder:
    """Writes charges as blocks; remembers what it has hashed."""

    def __init__(self) -> None:
        self._known: dict[_How, _Coded] = {}
        self._periods: dict[tuple[str, str], tuple[int, int, str]] = {}
        self._names: dict[str, str] = {}

    def name(self, text: str) -> str:
        """The hash of a subject, or of an option's name."""
        found = self._names.get(text)
        if found is None:
            if len(self._names) >= _MOST_NAMES:
                self._names.clear()
            found = self._names[text] = hashed(text)
        return found

    def blocks(self, charges: Sequence[Charge], now_ms: int) -> list[Block]:
        """The charges in order, one block for each run of the same subject. Raises ValueError for an impossible one.

        Args:
            now_ms: the ledger's clock, as well as it is known; calendar periods are worked out for it.
        """
        known, names = self._known, self._names
        blocks: list[Block] = []
        of = subject = ""
        parts: list[str] = []
        for charge in charges:
            window, amount = charge.window, charge.amount
            coded = known.get((window.limit, window.unit, window.period, window.amount))
            if coded is None:
                coded = self._code(window)
            if not 0 <= amount <= LARGEST_CHARGE or (amount > MOST_LEASES and window.period is None):
                checked(charge)
            if window.subject != subject or not parts:
                if parts:
                    blocks.append(Block(of, "".join(parts)))
                subject = window.subject
                of = names.get(subject) or self.name(subject)
                parts = [of]
            letter = coded.letter if window.mode == "enforce" else coded.letter.lower()
            period = coded.period
            if period is None:
                period = self._calendar(str(window.period), window.timezone, now_ms)
            parts.append(f"{coded.id}{letter}{amount},{window.amount},{period};")
        if parts:
            blocks.append(Block(of, "".join(parts)))
        return blocks

    def _code(self, window: Window) -> _Coded:
        counter(window)  # raises for what cannot be counted
        if len(self._known) >= _MOST_HOW:
            self._known.clear()
        identity = "\0".join((window.limit, window.unit, str(window.period)))
        period: str | None = None
        if window.period is None:
            period = "-"
        elif isinstance(window.period, int):
            period = str(window.period * 1000)
        coded = _Coded("\n" + hashed(identity, 6), LETTERS[window.unit], period)
        self._known[window.limit, window.unit, window.period, window.amount] = coded
        return coded

    def place(self, window: Window) -> str:
        """By what the scripts know this window among all of a realm. Raises ValueError for an impossible one."""
        coded = self._known.get((window.limit, window.unit, window.period, window.amount)) or self._code(window)
        return self.name(window.subject) + coded.id[1:]

    def _calendar(self, period: str, timezone: str, now_ms: int) -> str:
        """`start:end:next end`: the script counts in that of the two periods which holds its own clock."""
        known = self._periods.get((period, timezone))
        if known is None or not known[0] <= now_ms < known[1]:
            start_ms, end_ms = period_ms(period, timezone, now_ms)
            next_ms = period_ms(period, timezone, end_ms)[1]
            known = (start_ms, end_ms, f"{start_ms}:{end_ms}:{next_ms}")
            self._periods[period, timezone] = known
        return known[2]


def readings(charges: Sequence[Charge], answer: Iterator[int], now_s: float) -> tuple[bool, tuple[Reading, ...]]:
    """Whether all that is enforced fits, and a reading for each charge.

    Args:
        answer: the script's used, ends and room of each window; as many are taken as there are charges.
    """
    all_fit = True
    make = tuple.__new__
    result = []
    for charge, used, ends_ms, room_ms in zip(charges, answer, answer, answer, strict=False):
        window, amount = charge.window, charge.amount
        fits = used + amount <= window.amount
        room_s: float | None = now_s
        if not fits:
            if window.mode == "enforce":
                all_fit = False
            room_s = None if room_ms < 0 else room_ms / 1000
        ends_s = ends_ms / 1000
        resets_s = None if window.period is None else ends_s if ends_s > now_s else now_s
        result.append(make(Reading, (window, used, amount, fits, room_s, resets_s)))
    return all_fit, tuple(result)
