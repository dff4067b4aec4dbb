"""Lines of a decision log as traffic: for whoever has that and no trace, or does not run the proxy here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timezone
from typing import Any, Final

import orjson

from governance.traffic import Asked, Broken, Hop, Size, Spot, Told, TraceLine, Used, Who, decoded
from governance.traffic.broken import DUPLICATE_ID, NO_JSON, WRONG_FIELD
from governance.traffic.files import TrafficFile, raw_lines

# What the log's settings withhold stands there as this.
_WITHHELD: Final = "[redacted]"
_UNDER: Final = {
    "key": "virtual_key_id",
    "key_name": "virtual_key_name",
    "user": "user_id",
    "team": "team_id",
    "team_name": "team_name",
    "customer": "customer_id",
    "end_user": "end_user_id",
}


def either(lines: Iterable[bytes | str], source: str = "line") -> Iterator[TraceLine | Broken]:
    """Lines of a trace or of a decision log, whichever each of them is; a decision once.

    Args:
        source: for messages: where they stand.
    """
    seen: set[str] = set()
    for number, text in enumerate(lines, 1):
        if not text.strip():
            continue
        found = _either(text, f"{source}:{number}")
        if isinstance(found, TraceLine):
            if found.id in seen:
                found = Broken(DUPLICATE_ID, f"{source}:{number}", found.id)
            else:
                seen.add(found.id)
        yield found


def _either(text: bytes | str, where: str) -> TraceLine | Broken:
    try:
        given = orjson.loads(text)
    except orjson.JSONDecodeError:
        return decoded(text, where)
    if isinstance(given, dict) and is_record(given):
        return from_record(given, where)
    return decoded(text, where)


def of_file(files: Iterable[TrafficFile], source: str) -> Iterator[TraceLine | Broken]:
    """The same of files; what is torn is named among the lines. `source`: for messages."""
    return either(_lines(files), source)


def _lines(files: Iterable[TrafficFile]) -> Iterator[bytes]:
    for file in files:
        for where, raw in raw_lines(file):
            # Whoever decodes it names it.
            yield f"{raw.fault}: {where}".encode() if isinstance(raw, Broken) else raw


def is_record(told: Mapping[str, Any]) -> bool:
    """Whether this is one of a decision log."""
    return "v" not in told and "policy_revision" in told


def from_record(record: Mapping[str, Any], where: str = "") -> TraceLine | Broken:
    """One record of the decision log; what is wrong with it where it is none.

    Args:
        where: it stands, for messages.
    """
    try:
        return _line(record)
    except KeyError as error:
        return Broken(WRONG_FIELD, where, f"`{error.args[0]}` is missing")
    except (TypeError, ValueError, AttributeError) as error:
        return Broken(NO_JSON, where, f"is no record of a decision: {error}")


def _line(record: Mapping[str, Any]) -> TraceLine:
    asked, identity = record["request"], record["identity"]
    at_us = _us(record["at"])
    who = {ours: _text(identity.get(theirs)) for ours, theirs in _UNDER.items()}
    withheld = tuple(theirs for ours, theirs in _UNDER.items() if who[ours] == _WITHHELD)
    headers = asked.get("headers") or {}
    headers = {} if headers == _WITHHELD else {str(name): str(value) for name, value in headers.items()}
    tags = asked.get("tags") or ()
    if tags == _WITHHELD or _WITHHELD in tags:
        tags, withheld = (), (*withheld, "tags")
    hops = tuple(_hop(attempt, at_us) for attempt in record.get("attempts") or ())
    refusal = record.get("refusal") or {}
    ends = [hop.end_us for hop in hops if hop.outcome in ("ok", "failed")]
    used = record.get("usage")
    return TraceLine(
        id=_known(record["id"]),
        at_us=at_us,
        who=Who(
            who["key"],
            who["key_name"],
            who["user"],
            who["team"],
            who["team_name"],
            who["customer"],
            end_user=who["end_user"],
        ),
        asked=Asked(
            _known(asked["model"]),
            asked.get("request_type") or "chat",
            tuple(asked.get("modalities") or ("text",)),
            tuple(asked.get("capabilities") or ()),
            asked.get("task") or "",
            tuple(map(str, tags)),
            headers,
            streaming=bool(asked.get("streaming")),
        ),
        size=Size(_count(asked.get("prompt_tokens")), asked.get("max_output_tokens")),
        told=Told(
            record["policy_revision"],
            record["outcome"],
            target=record.get("model") or "",
            fallbacks=tuple(record.get("fallbacks") or ()),
            rule=record.get("rule"),
            profile=record.get("profile"),
            task=asked.get("task"),
            degraded_by=record.get("degraded_by"),
            code=refusal.get("code"),
            status=refusal.get("status"),
            limit=refusal.get("limit"),
            retry_after_s=refusal.get("retry_after_s"),
            windows=tuple(map(_spot, record.get("windows") or ())),
            passed_over={c["target"]: c["reason"] for c in record.get("candidates") or () if c.get("reason")},
        ),
        hops=hops,
        used=None if used is None else _used(used),
        end_us=max(ends, default=None) if record["outcome"] != "refuse" else 0,
        inputs=record.get("inputs"),
        draws=tuple(map(float, record.get("draws") or ())),
        weight=float(record.get("weight", 1.0)),
        recorded=tuple(f"headers.{name}" for name in headers),
        unrecorded=(*(record.get("unrecorded") or ()), *withheld),
        mirror_of=record.get("mirror_of") or "",
    )


def _hop(attempt: Mapping[str, Any], at_us: int) -> Hop:
    took_ms = _count(attempt.get("ms"))
    ended = attempt.get("ended_at")
    start_us = max(0, _us(ended) - 1000 * took_ms - at_us) if ended else 0
    return Hop(
        _known(attempt["target"]),
        attempt["outcome"],
        attempt.get("error"),
        start_us,
        took_ms,
        attempt.get("served") or "",
        attempt.get("deployment") or "",
        attempt["outcome"] != "skipped",
        attempt.get("status"),
        attempt.get("retry_after_s"),
        bool(attempt.get("probe")),
        attempt.get("labels") or {},
    )


def _spot(window: Mapping[str, Any]) -> Spot:
    return Spot(
        window["limit"],
        window["subject"],
        window["unit"],
        window["window"],
        window["limit_amount"],
        window["used_before"],
        window["reserved"],
        fits=window["fits"],
        mode=window["mode"],
    )


def _used(usage: Mapping[str, Any]) -> Used:
    return Used(
        usage.get("input_tokens"),
        usage.get("output_tokens"),
        _count(usage.get("cached_tokens")),
        usage.get("cost_usd_micros"),
        _count(usage.get("saved_usd_micros")),
    )


def _us(moment: Any) -> int:
    """Unix microseconds of `2026-11-20T12:00:00.123Z`."""
    if not isinstance(moment, str):
        raise TypeError("`at` must be a moment such as 2026-11-20T12:00:00.123Z")
    # Python 3.10 does not read the `Z` of ISO 8601.
    read = datetime.fromisoformat(moment.replace("Z", "+00:00"))
    return round((read if read.tzinfo else read.replace(tzinfo=timezone.utc)).timestamp() * 1_000_000)


def _known(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("a name is no text")
    return value


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _count(value: Any) -> int:
    return value if isinstance(value, int) and value > 0 else 0
