"""What a refused caller is told: what is used up or missing, and when trying again will help."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from governance.ledger import OptionReading, Reading, Reserved
from governance.limits.subjects import names_caller, of_caller, spoken
from governance.model import MICROS_PER_USD, Refusal, Target, Unit, Window, codes
from governance.trace import Attempt, Candidate, period_text

# Room for one more in flight comes when any running request ends; nobody can know when.
CONCURRENCY_RETRY_S = 1

UNCOUNTABLE = Refusal(503, codes.PLUGIN_ERROR, "a plugin charges what cannot be counted", retry_after_s=1)
UNAVAILABLE = Refusal(503, codes.LEDGER_UNAVAILABLE, "limits cannot be checked now; try again", retry_after_s=1)

_PERIOD_NAMES = {"1s": "second", "60s": "minute", "3600s": "hour", "86400s": "day", "604800s": "week"}
_UNIT_NAMES: dict[Unit, str] = {
    "requests": "requests",
    "tokens": "tokens",
    "input_tokens": "input tokens",
    "output_tokens": "output tokens",
    "concurrent": "requests in flight",
}


def skip(attempt: Attempt, status: int, code: str, detail: str, wait_s: int | None) -> Refusal:
    """Why an attempt is not made now."""
    attempt.outcome, attempt.error = "skipped", code
    message = f"{attempt.target} cannot be tried now: {code} ({detail})"
    return Refusal(status, code, message, retry_after_s=wait_s)


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


def limit_used_up(readings: Sequence[Reading], now_s: float, own: bool = False, at_least_s: int = 0) -> Refusal:
    """Limits have no room: 402 where a budget of the caller is among those that bind, else 429; 400 when one of them
    never has, because waiting does not help then.

    Args:
        readings: of every window that has to have room.
        own: the caller asked for the model by its own name, so that a budget of the model is told like its own.
        at_least_s: to wait for something else.
    """
    full = _full(readings)
    wait = wait_s(full, now_s)
    longest = full_window(full) or readings[0]
    if wait is None:
        # Nothing has room later than never.
        return Refusal(400, codes.exhausted(longest.window.unit), _too_large(longest), longest.window.limit)
    budget = full_window([reading for reading in full if _is_callers_budget(reading.window, own)])
    told, wait = budget or longest, max(wait, at_least_s)
    message = _used_up(told, longest, wait)
    return Refusal(402 if budget else 429, codes.exhausted(told.window.unit), message, told.window.limit, wait)


def used_up(reserved: Reserved, own: bool) -> Refusal | None:
    """The limits on the caller that keep every target out; None when something else does.

    The request has to wait for its own limits, and then for one target: the one that has room first.

    Args:
        own: the caller asked for the model by its own name, so that a limit on the model is told like any other.
    """
    now_s, options = reserved.now_s, reserved.options
    shared = _full(reserved.shared)
    soonest = min(options, key=lambda option: _seconds(option_wait_s(option, now_s)), default=None)
    if soonest is None or wait_s(shared, now_s) is None:
        return limit_used_up(shared, now_s) if shared else None
    wait = option_wait_s(soonest, now_s)
    if shared and wait is not None:
        return limit_used_up((*shared, *soonest.windows), now_s, own, wait)
    budget = any(_is_callers_budget(reading.window, own) for reading in _full(soonest.windows))
    if budget and wait is not None and soonest.cooling_until_s is None:
        return limit_used_up(soonest.windows, now_s, own)
    callers = all(option.cooling_until_s is None and (own or _is_callers(option)) for option in options)
    return limit_used_up(soonest.windows, now_s, own) if callers else None


def option_wait_s(option: OptionReading, now_s: float) -> int | None:
    """How long until this target has room and has cooled down; None when it never has."""
    wait = wait_s(option.windows, now_s)
    if wait is None or option.cooling_until_s is None:
        return wait
    return max(wait, retry_after_s(option.cooling_until_s, now_s))


def waits_of(targets: Sequence[Target], now_s: float) -> list[tuple[str, int]]:
    """Reason code and seconds of every target that is rejected for a while only."""
    rejections = [target.rejected for target in targets if target.rejected]
    return [(each.code, retry_after_s(each.until_s, now_s)) for each in rejections if each.until_s is not None]


def rejection_detail(reading: OptionReading, now_s: float) -> tuple[str, str, int | None]:
    """Why an option has no room: reason code, the particulars, and the seconds until it has (None = never)."""
    full = full_window(reading.windows)
    wait = option_wait_s(reading, now_s)
    if reading.cooling_until_s is not None:
        cooling = retry_after_s(reading.cooling_until_s, now_s)
        if reading.recovering:
            detail = f"another request finds out whether it is well, in {duration(cooling)} at most"
            return codes.COOLING_DOWN, detail, wait
        return codes.COOLING_DOWN, f"left alone for {duration(cooling)} more", wait
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
    # Who asks for one alias is not told of the targets of all others, unless there is no such alias.
    asked = [candidate for candidate in candidates if candidate.reason != codes.VIRTUAL_MODEL_MISMATCH] or candidates
    reasons = "; ".join(f"{c.target}: {c.reason}" + (f" ({c.detail})" if c.detail else "") for c in asked)
    if not waits_s:
        why = f": {reasons}" if reasons else ""
        if asked and all(candidate.reason == codes.LABEL_MISMATCH for candidate in asked):
            return Refusal(403, codes.LABEL_MISMATCH, f"no target of {who} has the labels that are required{why}")
        return Refusal(400, codes.NO_ELIGIBLE_TARGET, f"no target of {who} can serve this request{why}")
    code, wait = min(waits_s, key=lambda entry: entry[1])
    status = 503 if all(entry[0] in (codes.COOLING_DOWN, codes.DRAINED) for entry in waits_s) else 429
    can = "can serve now; one can again" if code == codes.DRAINED else "has room now; room again"
    message = f"no target of {who} {can} in {duration(wait)}: {reasons}"
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


def _full(readings: Iterable[Reading]) -> tuple[Reading, ...]:
    return tuple(reading for reading in readings if not reading.fits and reading.window.mode == "enforce")


def _seconds(wait: int | None) -> float:
    return math.inf if wait is None else wait


def _is_callers(option: OptionReading) -> bool:
    """Whether it is a limit of the caller that keeps this target out."""
    full = full_window(option.windows)
    return full is not None and of_caller(full.window.subject)


def _is_callers_budget(window: Window, own: bool) -> bool:
    return window.unit == "usd_micros" and (own or names_caller(window.subject))


def _whose(window: Window) -> str:
    return spoken(window.subject, window.name_of_subject)


def _room_at_s(reading: Reading) -> float:
    if reading.window.unit == "concurrent" and reading.amount <= reading.window.amount:
        return 0.0  # any moment, sooner than every other
    return math.inf if reading.room_at_s is None else reading.room_at_s


def _used_up(told: Reading, longest: Reading, wait: int) -> str:
    window = told.window
    size = limit(window.unit, window.amount, window.period)
    message = f"limit {window.limit} of {_whose(window)} is used up ({size})"
    if longest is not told:
        other = longest.window
        message += f", and so is limit {other.limit} of {_whose(other)}"
        message += f" ({limit(other.unit, other.amount, other.period)})"
    return f"{message}; room again in {duration(wait)}"


def _too_large(reading: Reading) -> str:
    window = reading.window
    size, asked = limit(window.unit, window.amount, window.period), amount(window.unit, reading.amount)
    return f"this request needs {asked}, more than limit {window.limit} of {_whose(window)} ever holds ({size})"
