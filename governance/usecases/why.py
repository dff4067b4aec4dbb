"""Why a request went as it did, in one sentence, and where in the policy that is written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from governance.model.printable import printable
from governance.policy import Policy
from governance.policy.sections import SECTIONS
from governance.usecases.told import amount, per, subject_named
from governance.usecases.whereabouts import lines

State = Literal["refused", "served", "failed", "passed"]


@dataclass(frozen=True)
class Origin:
    """What decided, and where it stands.

    Args:
        kind: `limit`, `rule`, `profile`.
        line: of the policy, counted from 1; None where this policy does not have it (any more).
    """

    kind: str
    name: str
    section: str = ""
    line: int | None = None


@dataclass(frozen=True)
class Why:
    """Args:
    sentence: what happened and for what, without names of files.
    window: the one without room, as the record tells it; None where it was none.
    """

    state: State
    sentence: str
    origins: tuple[Origin, ...]
    window: Mapping[str, Any] | None = None

    def report(self) -> dict[str, Any]:
        """All of it, ready for JSON."""
        return {
            "state": self.state,
            "sentence": self.sentence,
            "origins": [vars(origin) for origin in self.origins],
            "window": None if self.window is None else dict(self.window),
        }


def why(record: Mapping[str, Any], policy: str | Policy | None) -> Why:
    """Tell one decision.

    Args:
        policy: what it was decided by, where that is known; one in force, or the text of another.
    """
    window = _full(record)
    state = _state(record)
    sentence = {"refused": _refused, "served": _served, "failed": _failed, "passed": _passed}[state](record)
    return Why(state, printable(sentence), tuple(_origins(record, window, _lines(policy))), window)


def _lines(policy: str | Policy | None) -> Mapping[str, dict[str, Any]]:
    if isinstance(policy, Policy):
        return {
            SECTIONS[word].at[-1]: {"entries": {each.name: each.line for each in entries}}
            for word, entries in policy.entries.items()
        }
    return lines(policy) if policy else {}


def _state(record: Mapping[str, Any]) -> State:
    if record["refusal"]:
        return "refused"
    if record["outcome"] == "pass" and not record["attempts"]:
        return "passed"
    tried = record["attempts"]
    if not record["served"] and tried and all(attempt["outcome"] in ("failed", "skipped") for attempt in tried):
        return "failed"
    return "passed" if record["outcome"] == "pass" and record["served"] is None else "served"


def _full(record: Mapping[str, Any]) -> Mapping[str, Any] | None:
    refusal = record["refusal"]
    full = [w for w in record["windows"] if not w["fits"] and w["mode"] != "shadow"]
    if not refusal or not full:
        return None
    named = [w for w in full if w["limit"] == refusal["limit"]]
    found: Mapping[str, Any] = max(named or full, key=lambda w: w["resets_at"] or "")
    return found


def _refused(record: Mapping[str, Any]) -> str:
    window = _full(record)
    if window is None:
        return f"{_capital(record['refusal']['message'])}."
    used, most, unit = window["used_before"], window["limit_amount"], window["unit"]
    who = subject_named(window)
    had = f"{amount(used, unit)} of {amount(most, unit, with_unit=True)}{per(window['window'])}"
    verb = "have" if window["subject"].startswith("everyone") or not window["subject"] else "has"
    if unit == "concurrent":
        return f"{who} {verb} {amount(used, unit)} of {amount(most, unit)} requests in flight; one has to end first."
    rest = "" if used >= most or unit == "requests" else ", and what is left is less than this request may use"
    return f"{who} {verb} used {had}{rest}."


def _served(record: Mapping[str, Any]) -> str:
    attempts = record["attempts"]
    failed = [attempt for attempt in attempts if attempt["outcome"] == "failed"]
    target = record["served"] or record["model"]
    asked = record["request"]["model"]
    took = next((attempt["ms"] for attempt in reversed(attempts) if attempt["outcome"] == "ok"), None)
    cost = (record["usage"] or {}).get("cost_usd_micros")
    ends = [f" in {_ms(took)}" if took is not None else "", f" for {amount(cost, 'usd_micros')}" if cost else ""]
    passed_over = [c for c in record["candidates"] if c["reason"]]
    if failed:
        first = failed[0]
        return f"{first['target']} failed ({_plain(first.get('error'))}), so {target} served {asked}{''.join(ends)}."
    if passed_over and record["outcome"] == "route":
        first = passed_over[0]
        over = f"{first['target']} was passed over ({_plain(first['reason'])})"
        return f"{target} served {asked}{''.join(ends)}; {over}."
    verb = "served" if record["served"] else "was chosen for"
    of = "" if target == asked else f" {asked}"
    return f"{target} {verb}{of or ' this request'}{''.join(ends)}."


def _failed(record: Mapping[str, Any]) -> str:
    tried = record["attempts"]
    last = tried[-1]
    if len(tried) == 1:
        return f"{last['target']} failed ({_plain(last.get('error'))}), and there was no other to try."
    return f"All {len(tried)} targets failed, {last['target']} last ({_plain(last.get('error'))})."


def _passed(record: Mapping[str, Any]) -> str:
    return f"No rule and no profile is about {record['request']['model']}, so it passed as it was asked for."


def _origins(
    record: Mapping[str, Any], window: Mapping[str, Any] | None, found: Mapping[str, dict[str, Any]]
) -> Iterator[Origin]:
    named: list[tuple[str, str | None]] = [
        ("limit", (window or {}).get("limit") or (record["refusal"] or {}).get("limit")),
        ("rule", record["rule"]),
        ("profile", record["profile"]),
    ]
    for kind, name in named:
        if not name:
            continue
        for section, at in found.items():
            if name in at["entries"]:
                yield Origin(kind, name, section, at["entries"][name])
                break
        else:
            if kind != "limit" or name != record["profile"]:
                yield Origin(kind, name)


def _plain(code: str | None) -> str:
    return (code or "no reason told").replace("_", " ")


def _ms(ms: int) -> str:
    return f"{ms} ms" if ms < 1000 else f"{ms / 1000:.1f} s"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:].rstrip(".")
