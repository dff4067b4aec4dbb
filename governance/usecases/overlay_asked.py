"""What an admin asks of the overlay, held against the policy: an entry, or what would have been right."""

from __future__ import annotations

import difflib
import secrets
from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from governance.catalog import Catalog
from governance.engine import refusals
from governance.engine.host import Host
from governance.engine.overlay import limits_of, profiles_of
from governance.limits import Limit
from governance.model import Unit, Window, group_of
from governance.model.amounts import LARGEST_AMOUNT, parse_count, parse_period_s, parse_rate, parse_spend
from governance.model.errors import GovernanceError
from governance.model.overlay import (
    EVERY_MODEL,
    LONGEST_REASON,
    ActiveProfile,
    AnyEntry,
    Drain,
    Freeze,
    Increase,
    Stop,
)
from governance.trace import period_text
from governance.usecases.change_policy import Author

NEVER: Final = "never"
_LONGEST_S: Final = 366 * 86_400
_MOST_NAMED: Final = 20

Name = Annotated[str, Field(min_length=1, max_length=300)]
Reason = Annotated[str, Field(min_length=1, max_length=LONGEST_REASON)]
Until = Annotated[str, Field(min_length=1, max_length=40, examples=["2h", "2026-12-01T18:00:00+01:00"])]


class NotUsable(GovernanceError):
    """The entry cannot be set; the message says what would be right. Nothing was done."""


class _Asked(BaseModel):
    """Args:
    until: a moment with its zone (ISO 8601), or how long from now, such as `2h`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    until: Until
    reason: Reason


class ProfileAsked(_Asked):
    """`auto` shall mean this task profile."""

    kind: Literal["profile"]
    profile: Name
    until: Until = NEVER
    reason: str = Field(default="", max_length=LONGEST_REASON)


class IncreaseAsked(_Asked):
    """A limit or budget shall be higher: `factor` times as high, or up to `amount`, written as the policy writes it.

    Args:
        section: where two sections have a limit of this name.
        unit: of a limit that counts several; left out, a factor is for all of them.
    """

    kind: Literal["increase"]
    limit: Name
    section: Name | None = None
    unit: Unit | None = None
    amount: Annotated[str, Field(max_length=60)] | int | None = None
    factor: Annotated[Decimal, Field(gt=1, le=1000, decimal_places=6)] | None = None


class StopAsked(_Asked):
    """A limit or budget shall count on and refuse nobody."""

    kind: Literal["stop"]
    limit: Name
    section: Name | None = None


class DrainAsked(_Asked):
    """No new request shall go to `provider/model`, `provider/*` or `group:NAME`."""

    kind: Literal["drain"]
    target: Name


class FreezeAsked(_Asked):
    """The policy shall not be changed."""

    kind: Literal["freeze"]


AnyAsked = ProfileAsked | IncreaseAsked | StopAsked | DrainAsked | FreezeAsked


def entry_of(asked: AnyAsked, stated: Host, catalog: Catalog | None, author: Author, now_s: float) -> AnyEntry:
    """The entry that is asked for. Raises NotUsable.

    Args:
        stated: the policy, without what is in force beside it.
        catalog: what the proxy serves; None = nobody knows.
    """
    until_s = _until_s(asked.until, now_s)
    if until_s is None and not isinstance(asked, ProfileAsked):
        raise NotUsable(f"until: `{NEVER}` is for the active profile alone; say when it ends, such as 2h")
    common: dict[str, Any] = {
        "id": secrets.token_hex(4),
        "at_s": now_s,
        "until_s": until_s,
        "author": author.name[:200],
        "author_kind": author.kind,
        "reason": " ".join(asked.reason.split()),
    }
    match asked:
        case ProfileAsked():
            return ActiveProfile(**common, profile=_profile(asked.profile, stated))
        case IncreaseAsked():
            section, limit = _limit(asked.limit, asked.section, stated)
            return _increase(asked, section, limit, common)
        case StopAsked():
            section, limit = _limit(asked.limit, asked.section, stated)
            if limit.mode == "shadow":
                raise NotUsable(f"limit: `{limit.name}` only counts already (`mode: shadow`)")
            return Stop(**common, section=section, limit=limit.name)
        case DrainAsked():
            return Drain(**common, target=_target(asked.target.strip(), catalog))
        case FreezeAsked():
            return Freeze(**common)


def _until_s(text: str, now_s: float) -> float | None:
    word = text.strip()
    if word.lower() == NEVER:
        return None
    try:
        until_s = now_s + parse_period_s(word)
    except ValueError:
        try:
            moment = datetime.fromisoformat(word.replace("Z", "+00:00"))
        except ValueError:
            moment = None
        if moment is None or moment.tzinfo is None:
            what = "2h, 30m or a moment with its zone such as 2026-12-01T18:00:00+01:00"
            raise NotUsable(f"until: `{word[:40]}` is no time; write {what}") from None
        until_s = moment.timestamp()
    if not now_s < until_s <= now_s + _LONGEST_S:
        raise NotUsable("until: must be in the future, and within a year; what lasts longer belongs in the policy")
    return until_s


def _profile(name: str, stated: Host) -> str:
    known = [profile for section in stated.policy.sections.values() for profile in profiles_of(section)]
    word = name.strip().lower()
    if not known:
        raise NotUsable("the policy has no section `task_routing`; add `task_routing: {}` for the presets")
    if word not in known:
        raise NotUsable(f"`{name[:100]}` is no profile; there are {', '.join(known)}")
    return word


def _limit(name: str, section: str | None, stated: Host) -> tuple[str, Limit]:
    known = [(of, limit) for of, each in stated.policy.sections.items() for limit in limits_of(each) if limit.enabled]
    of_section = [entry for entry in known if section in (None, entry[0])]
    named = [entry for entry in of_section if entry[1].name.strip().lower() == name.strip().lower()]
    if len(named) == 1:
        return named[0]
    if named:
        sections = " or ".join(of for of, _ in named)
        raise NotUsable(f"limit: `{name[:100]}` stands in several sections; say which by `section`: {sections}")
    names = [limit.name for _, limit in of_section]
    near = _near(name, names)
    where = f" in `{section}`" if section else ""
    there = f"; there are {_listed(names)}" if names else "; it has none at all"
    raise NotUsable(f"limit: the policy has no limit or budget `{name[:100]}`{where}{near}{there}")


def _increase(asked: IncreaseAsked, section: str, limit: Limit, common: dict[str, Any]) -> Increase:
    windows = [window for window in limit.windows_of("") if asked.unit in (None, window.unit)]
    if not windows:
        raise NotUsable(f"unit: `{limit.name}` does not count {asked.unit}; it has {_spoken(limit.windows_of(''))}")
    if (asked.amount is None) == (asked.factor is None):
        raise NotUsable(f"say either `factor`, such as 2, or `amount`, such as {_example(windows[0])}")
    if asked.factor is not None:
        entry = Increase(**common, section=section, limit=limit.name, unit=asked.unit, factor=asked.factor)
        if all(entry.amount_of(window) <= window.amount for window in windows):
            raise NotUsable(f"factor: {asked.factor} makes nothing of {_spoken(windows)} higher")
        return entry
    window, amount = _window(str(asked.amount), windows, limit.name)
    if amount <= window.amount:
        raise NotUsable(
            f"amount: `{asked.amount}` is not above {_spoken([window])}, which the policy allows; an entry never lowers"
        )
    return Increase(**common, section=section, limit=limit.name, unit=window.unit, amount=amount, period=window.period)


def _window(text: str, windows: Sequence[Window], name: str) -> tuple[Window, int]:
    """The window that an amount is for, and the amount in its unit."""
    money = "USD" in text.upper()
    of_kind = [window for window in windows if (window.unit == "usd_micros") == money]
    count, slash, period = text.partition("/")
    try:
        amount = _read(text, count, money, bool(slash))
        wanted = _same_period(period) if slash else lambda window: window.period is None or len(of_kind) == 1
    except ValueError as error:
        raise NotUsable(f"amount: `{text}`: {error}") from None
    found = [window for window in of_kind if wanted(window)]
    if len(found) == 1:
        return found[0], amount
    what = "could mean several" if found else "is for none"
    raise NotUsable(f"amount: `{text}` {what} of what `{name}` has: {_spoken(windows)}; write it like one, with `unit`")


def _read(text: str, count: str, money: bool, per_period: bool) -> int:
    if money:
        return parse_spend(text if per_period else f"{count.strip()}/day").usd_micros
    return parse_rate(text).amount if per_period else parse_count(text)


def _same_period(text: str) -> Callable[[Window], bool]:
    word, seconds = text.strip().lower(), parse_period_s(text)
    return lambda window: window.period == (seconds if isinstance(window.period, int) else word)


def _target(name: str, catalog: Catalog | None) -> str:
    provider, slash, model = name.partition("/")
    group = group_of(name)
    if not name.isprintable() or not (group or (slash and provider and model)) or "*" in name.removesuffix(EVERY_MODEL):
        raise NotUsable(f"target: `{name[:100]}`: write provider/model, provider/* or group:NAME")
    if catalog is None or catalog.names is None:
        return name
    if name.endswith(EVERY_MODEL):
        served = catalog.serves_any(provider)
    else:
        served = name in catalog.names or catalog.call_name(name) is not None
    if not served:
        offered = list(catalog.offered)
        near = _near(name, offered)
        raise NotUsable(f"target: the proxy serves no `{name[:100]}`{near}; it serves {_listed(offered)}")
    return name


def _near(name: str, known: Sequence[str]) -> str:
    """A name much like this one, in whatever case."""
    written = {each.lower(): each for each in known}
    near = difflib.get_close_matches(name.strip().lower(), list(written), n=1)
    return f", did you mean `{written[near[0]]}`?" if near else ""


def _spoken(windows: Any) -> str:
    return ", ".join(refusals.limit(window.unit, window.amount, window.period) for window in windows)


def _example(window: Window) -> str:
    twice = min(LARGEST_AMOUNT, 2 * window.amount)
    if window.period is None:
        return str(twice)
    number = f"{twice / 1_000_000:g} USD" if window.unit == "usd_micros" else str(twice)
    return f"{number}/{refusals.spoken_period(period_text(window.period))}"


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(f"`{name}`" for name in names[:_MOST_NAMED]) + more
