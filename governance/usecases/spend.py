"""Who spent what: sums of the store by whatever is asked for, in whole hours (UTC)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any, Final

from governance.model.amounts import parse_period_s
from governance.model.errors import GovernanceError
from governance.store import Store
from governance.store.spend import DAY_S
from governance.traffic.spent import HOUR_S, OTHER, SUMS, TAGS_BETWEEN, Sums
from governance.usecases.spend_kept import HOURS_FOR_DAYS

BY: Final = ("team", "key", "user", "model", "target", "provider", "profile", "tag", "code", "hour", "day", "month")
WHERE: Final = ("team", "key", "user", "model", "target", "profile", "code")
MOST_ROWS: Final = 10_000
_COLUMN: Final = {"tag": "tags", "hour": "hour_s", "day": "hour_s", "month": "hour_s", "provider": "target"}
_NAMED: Final = ("team", "key")


class NotAsked(GovernanceError):
    """What is asked for cannot be answered: says what would be right."""


@dataclass(frozen=True)
class Asked:
    """What is asked for.

    Args:
        by: names of `BY`, in the order of the columns; none = the whole.
        from_s, to_s: [from, to), Unix seconds, whole hours.
        where: only what has these values; by id.
    """

    by: tuple[str, ...]
    from_s: int
    to_s: int
    where: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Row:
    """Args:
    values: for each of `by`: the id, and "" where there is none. names: the same for people.
    """

    values: tuple[str, ...]
    names: tuple[str, ...]
    sums: Sums


@dataclass(frozen=True)
class Report:
    """The answer.

    Args:
        rows: the dearest first; of moments, the earliest.
        total: of everything, also of what has no row.
        remarks: what has to be known to read it rightly.
        left_out: rows beyond `MOST_ROWS`.
    """

    asked: Asked
    rows: list[Row]
    total: Sums
    remarks: list[str]
    left_out: int = 0


def asked(
    by: str, last: str | None, from_: str | None, to: str | None, where: Mapping[str, str | None], now_s: float
) -> Asked:
    """What somebody has written. Raises NotAsked.

    Args:
        by: `team,model`. last: `30d`, up to now. from_, to: `2026-11-01`, or a moment; both left out: 30 days.
    """
    names = tuple(dict.fromkeys(name.strip().lower() for name in by.split(",") if name.strip()))
    unknown = [name for name in names if name not in BY]
    if unknown:
        raise NotAsked(f"by: `{unknown[0][:40]}` is nothing to sum up by; known: {', '.join(BY)}")
    if last and (from_ or to):
        raise NotAsked("last: goes up to now, so `from` and `to` cannot stand beside it")
    to_s = _hour_after(moment_s("to", to) if to else now_s)
    from_s = moment_s("from", from_) if from_ else to_s - _period_s(last or "30d")
    from_s -= from_s % HOUR_S
    if from_s >= to_s:
        raise NotAsked("from: must be before `to`")
    return Asked(names, from_s, to_s, {name: value for name, value in where.items() if value is not None})


def spend(store: Store, of: Asked) -> Report:
    """Sums of a time. Raises StoreUnavailable."""
    columns = tuple(dict.fromkeys(_COLUMN.get(name, name) for name in of.by))
    with store.read() as work:
        found = work.spend.sums(columns, of.from_s, of.to_s, of.where)
        (total,) = [sums for _, sums in work.spend.sums((), of.from_s, of.to_s, of.where)] or [Sums()]
        named: dict[str, Mapping[str, str]] = {kind: work.spend.names(kind) for kind in _NAMED if kind in of.by}
        first_s = work.spend.first_hour_s()
    rows: dict[tuple[str, ...], Sums] = {}
    for values, sums in found:
        for key in _keys(of.by, dict(zip(columns, values, strict=True))):
            rows.setdefault(key, Sums()).add(sums)
    made = [Row(key, _names(of.by, key, named), sums) for key, sums in rows.items()]
    moments = [i for i, name in enumerate(of.by) if name in ("hour", "day", "month")]
    made.sort(key=lambda row: (*(row.values[i] for i in moments), -row.sums.usd_micros, -row.sums.requests, row.values))
    remarks = list(_remarks(of, rows, first_s))
    return Report(of, made[:MOST_ROWS], total, remarks, max(0, len(made) - MOST_ROWS))


def teams_of(store: Store) -> list[str]:
    """What the teams that have asked for anything are called. Raises StoreUnavailable."""
    with store.read() as work:
        return sorted(set(work.spend.names("team").values()))


def told(report: Report) -> dict[str, Any]:
    """For programs: money in micro-dollars."""
    rows = [
        {
            **dict(zip(report.asked.by, row.values, strict=True)),
            **{f"{n}_name": row.names[i] for i, n in enumerate(report.asked.by) if row.names[i] != row.values[i]},
            **counted(row.sums),
        }
        for row in report.rows
    ]
    return {
        "by": list(report.asked.by),
        "from": moment(report.asked.from_s),
        "to": moment(report.asked.to_s),
        "where": dict(report.asked.where),
        "rows": rows,
        "left_out": report.left_out,
        "total": counted(report.total),
        "remarks": report.remarks,
    }


def counted(sums: Sums) -> dict[str, int]:
    """Sums by their names."""
    return {name: getattr(sums, name) for name in SUMS}


def moment(at_s: int) -> str:
    """`2026-11-29T12:00:00Z`."""
    return datetime.fromtimestamp(at_s, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def month_s(month: str) -> tuple[int, int]:
    """When a month such as `2026-11` begins and when it is over, Unix seconds, UTC. Raises NotAsked."""
    try:
        begins = datetime.strptime(month, "%Y-%m").replace(tzinfo=timezone.utc)
        after = begins.replace(year=begins.year + begins.month // 12, month=begins.month % 12 + 1)
        return int(begins.timestamp()), int(after.timestamp())
    except (ValueError, OverflowError):
        raise NotAsked(f"month: `{month[:40]}` is no month such as 2026-11") from None


def _keys(by: Sequence[str], values: Mapping[str, Any]) -> Iterable[tuple[str, ...]]:
    """The rows that a cell counts in: one, or one for each of its tags."""
    keys: list[tuple[str, ...]] = [()]
    for name in by:
        own: Sequence[str]
        if name == "tag":
            own = str(values["tags"]).split(TAGS_BETWEEN)
        elif name in ("hour", "day", "month"):
            at_s = int(values["hour_s"])
            own = [moment(at_s - (at_s % DAY_S if name == "day" else 0))[: 7 if name == "month" else 20]]
            own = [own[0][:10]] if name == "day" else own
        elif name == "provider":
            provider, slash, _ = str(values["target"]).partition("/")
            own = [provider if slash else ""]
        else:
            own = [str(values[name])]
        keys = [(*key, value) for key in keys for value in own]
    return keys


def _names(by: Sequence[str], values: Sequence[str], named: Mapping[str, Mapping[str, str]]) -> tuple[str, ...]:
    return tuple(named.get(name, {}).get(value, value) for name, value in zip(by, values, strict=True))


def _remarks(of: Asked, rows: Iterable[Sequence[str]], first_s: int | None) -> Iterable[str]:
    if "tag" in of.by:
        yield "a request with several tags counts in each of them, so that rows are more than the total"
    if any(OTHER in row for row in rows):
        yield f"`{OTHER}`: names beyond what is kept of an hour, together"
    if "hour" in of.by:
        yield f"hours are kept for {HOURS_FOR_DAYS} days, and of what is older, days"
    if first_s is None:
        yield "nothing was spent yet, or nothing is counted (telemetry.spend.keep: off)"
    elif first_s > of.from_s:
        yield f"the oldest that is kept is of {moment(first_s)}"


def moment_s(name: str, text: str) -> int:
    """Unix seconds of a date or a moment, UTC where it names no zone. Raises NotAsked, which names the option."""
    try:
        found = datetime.fromisoformat(text.strip().replace("Z", "+00:00"))
    except ValueError:
        raise NotAsked(f"{name}: `{text[:40]}` is no date such as 2026-11-01, and no moment") from None
    return int((found if found.tzinfo else found.replace(tzinfo=timezone.utc)).timestamp())


def _period_s(text: str) -> int:
    try:
        return max(HOUR_S, parse_period_s(text))
    except ValueError as error:
        raise NotAsked(f"last: {error}") from None


def _hour_after(at_s: float) -> int:
    whole = -(-int(at_s) // HOUR_S) * HOUR_S
    return whole if whole >= at_s else whole + HOUR_S
