"""What a refused caller is told: what is used up or missing, and when trying again will help."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from governance.ledger import OptionReading, Reading, Reserved
from governance.limits.subjects import of_caller, spoken
from governance.model import MICROS_PER_USD, Refusal, Target, Unit, codes
from governance.trace import Candidate, period_text

# Room for one more in flight comes when any running request ends; nobody can know when.
CONCURRENCY_RETRY_S = 1

_PERIOD_NAMES = {"1s": "second", "60s": "minute", "3600s": "hour", "86400s": "day", "604800s": "week"}
_UNIT_NAMES: dict[Unit, str] = {
    "requests": "requests",
    "tokens": "tokens",
    "input_tokens": "input tokens",
    "output_tokens": "output tokens",
    "concurrent": "requests in flight",
}


def retry_after_s(room_at_s: float, now_s: float) -> int:
    """Whole seconds until there is room again; at least 1.

    Rounds up: a caller that waits exactly so long must find room.

    Args:
        room_at_s, now_s: Unix seconds, by the ledger's clock.

    Source: RFC 9110, section 10.2.3 (Retry-After as delay-seconds).
    """
    return max(1, math.ceil(room_at_s - now_s))


def wait_s(readings: Iterable[Reading], now_s: float) -> int | None:
    """How long until all of these windows have room; None when one of them never will."""
    longest = 0
    for reading in readings:
        if reading.fits or reading.window.mode == "shadow":
            continue
        if reading.window.unit == "concurrent" and reading.amount <= reading.window.amount:
            longest = max(longest, CONCURRENCY_RETRY_S)
        elif reading.room_at_s is None:
            return None
        else:
            longest = max(longest, retry_after_s(reading.room_at_s, now_s))
    return longest


def full_window(readings: Sequence[Reading]) -> Reading | None:
    """The window that keeps a request out longest; None when all have room."""
    full = [r for r in readings if not r.fits and r.window.mode == "enforce"]
    # One that would rather degrade did not decide it.
    return max(full, key=lambda r: (_room_at_s(r), r.window.route_to is None), default=None)


def limit_used_up(readings: Sequence[Reading], now_s: float) -> Refusal:
    """A limit on the caller has no room: 429, or 402 where the limit is money."""
    reading = full_window(readings) or readings[0]
    wait = wait_s(readings, now_s)
    status = 402 if reading.window.unit == "usd_micros" else 429
    return Refusal(status, codes.exhausted(reading.window.unit), _used_up(reading, wait), reading.window.limit, wait)


def used_up(reserved: Reserved, own: bool) -> Refusal | None:
    """The limit on the caller that keeps every target out; None when something else does.

    Args:
        own: the caller asked for the model by its own name, so that a limit on the model is told like any other.
    """
    if any(not reading.fits and reading.window.mode == "enforce" for reading in reserved.shared):
        return limit_used_up(reserved.shared, reserved.now_s)
    soonest: tuple[float, OptionReading] | None = None
    for option in reserved.options:
        full = full_window(option.windows)
        if full is None or option.cooling_until_s is not None or not (own or of_caller(full.window.subject)):
            return None
        wait = wait_s(option.windows, reserved.now_s)
        key = math.inf if wait is None else float(wait)
        if soonest is None or key < soonest[0]:
            soonest = (key, option)
    return limit_used_up(soonest[1].windows, reserved.now_s) if soonest else None


def rejection_detail(reading: OptionReading, now_s: float) -> tuple[str, str, int | None]:
    """Why an option has no room: reason code, the particulars, and the seconds until it has (None = never)."""
    cooling = retry_after_s(reading.cooling_until_s, now_s) if reading.cooling_until_s is not None else None
    full = full_window(reading.windows)
    wait = wait_s(reading.windows, now_s)
    if cooling is not None:
        return (
            codes.COOLING_DOWN,
            f"left alone for {duration(cooling)} more",
            max(cooling, wait) if wait is not None else None,
        )
    if full is None:
        return codes.COOLING_DOWN, "has no room", CONCURRENCY_RETRY_S
    window = full.window
    if wait is None:
        detail = (
            f"needs {amount(window.unit, full.amount)}, its limit is {limit(window.unit, window.amount, window.period)}"
        )
    else:
        detail = f"{limit(window.unit, window.amount, window.period)} used up; room in {duration(wait)}"
    return codes.exhausted(window.unit), detail, wait


def no_target(who: str, candidates: Sequence[Candidate], waits_s: Sequence[tuple[str, int]]) -> Refusal:
    """No target is left: 429 or 503 with the soonest time when waiting helps, else 400.

    Args:
        who: the profile or rule, as it should be named.
        waits_s: reason code and seconds of every target for which waiting helps.
    """
    reasons = "; ".join(f"{c.target}: {c.reason}" + (f" ({c.detail})" if c.detail else "") for c in candidates)
    if not waits_s:
        why = f": {reasons}" if reasons else ""
        return Refusal(400, codes.NO_ELIGIBLE_TARGET, f"no target of {who} can serve this request{why}")
    code, wait = min(waits_s, key=lambda entry: entry[1])
    status = 503 if all(entry[0] == codes.COOLING_DOWN for entry in waits_s) else 429
    message = f"no target of {who} has room now; room again in {duration(wait)}: {reasons}"
    return Refusal(status, code, message, retry_after_s=wait)


def too_many_windows(windows: int, most: int) -> Refusal:
    """Counting it would hold up everybody else."""
    message = (
        f"this request would have to be checked against {windows:,} windows, of at most {most:,}; "
        "send fewer tags or fewer fallbacks"
    )
    return Refusal(400, codes.NO_ELIGIBLE_TARGET, message)


def named(targets: Sequence[Target], notes: dict[str, str]) -> str:
    """How to speak of whoever proposed the targets."""
    for kind in ("profile", "rule"):
        if kind in notes:
            return f"{kind} {notes[kind]}"
    return "the policy" if len(targets) != 1 else targets[0].name


def duration(seconds: int) -> str:
    """`12 s`, `4 min 12 s`, `2 h 5 min`, `3 d 4 h`."""
    for size, unit, smaller, small in ((86_400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if seconds >= size:
            rest = seconds % size // smaller
            return f"{seconds // size} {unit}" + (f" {rest} {small}" if rest else "")
    return f"{seconds} s"


def amount(unit: Unit, value: int) -> str:
    """`1,000 tokens`, `0.25 USD`."""
    if unit == "usd_micros":
        return f"{value / MICROS_PER_USD:,.6f}".rstrip("0").rstrip(".") + " USD"
    return f"{value:,} {_UNIT_NAMES[unit]}"


def limit(unit: Unit, value: int, period: int | str | None) -> str:
    """`60 requests/minute`, `5 USD/month`, `8 requests in flight`."""
    if period is None:
        return amount(unit, value)
    return f"{amount(unit, value)}/{spoken_period(period_text(period))}"


def spoken_period(text: str) -> str:
    """A window's period as a record has it, for people: `60s` is a `minute`."""
    return _PERIOD_NAMES.get(text, text)


def _room_at_s(reading: Reading) -> float:
    if reading.window.unit == "concurrent" and reading.amount <= reading.window.amount:
        return 0.0  # any moment, sooner than every other
    return math.inf if reading.room_at_s is None else reading.room_at_s


def _used_up(reading: Reading, wait: int | None) -> str:
    window = reading.window
    whose = spoken(window.subject)
    size = limit(window.unit, window.amount, window.period)
    if wait is None:
        asked = amount(window.unit, reading.amount)
        return f"this request needs {asked}, more than limit {window.limit} of {whose} ever holds ({size})"
    return f"limit {window.limit} of {whose} is used up ({size}); room again in {duration(wait)}"
