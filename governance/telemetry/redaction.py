"""Records as they may leave the process: what the policy withholds is withheld, wherever it stands."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

import orjson

from governance.limits.ids import AND, SHORT_ID, short_id
from governance.policy.telemetry import DecisionLogSettings
from governance.telemetry.replay import Replay
from governance.trace import DEBUG_HEADER, Trace

WITHHELD: Final = "[redacted]"

# A window's subject is `kind:id`, by id or by name.
_KINDS: Final = {
    "identity.virtual_key_id": "virtual_key",
    "identity.virtual_key_name": "virtual_key",
    "identity.user_id": "user",
    "identity.team_id": "team",
    "identity.team_name": "team",
    "identity.customer_id": "customer",
    "identity.end_user_id": "end_user",
    "request.tags": "tag",
}


class Redaction:
    """Makes the record of a trace, without what `telemetry.decision_log.redact` names."""

    def __init__(self, settings: DecisionLogSettings) -> None:
        self._headers = settings.headers
        self.headers_read = (*settings.headers, DEBUG_HEADER)
        self._redact = settings.redact
        self._replay = Replay(settings)
        self._no_subject = "windows.subject" in settings.redact
        self._kinds = frozenset(_KINDS[path] for path in settings.redact if path in _KINDS)

    def record(self, trace: Trace) -> dict[str, Any]:
        """The record of one request, ready to be shown."""
        record = trace.record(self._headers)
        record.update(self._replay.facts(trace))
        if self._redact:
            self._withhold(record)
        return record

    def _withhold(self, record: dict[str, Any]) -> None:
        hidden: list[str] = []
        for path in self._redact:
            section, _, name = path.partition(".")
            if section in ("identity", "request"):
                held = record[section]
                for text in texts(held.get(name)):
                    # In sentences a long id stands by its beginning.
                    hidden += (text, short_id(text)) if len(text) > SHORT_ID else (text,)
                held[name] = _without(held.get(name))
            elif path == "refusal.message":
                if record["refusal"]:
                    record["refusal"]["message"] = WITHHELD
            elif path in ("shadow", "steps"):
                record[path] = []
        for window in record["windows"]:
            parts = window["subject"].split(AND)
            window["subject"] = AND.join(map(self._subject, parts))
            if window["name_of_subject"] and any(self._subject(part) != part for part in parts):
                window["name_of_subject"] = WITHHELD
        # The same words also stand in sentences: `tokens of user anna are used up`.
        for section in ("refusal", "candidates", "shadow", "steps"):
            record[section] = _replaced(record[section], hidden)

    def _subject(self, part: str) -> str:
        kind, colon, _ = part.partition(":")
        return f"{kind}:{WITHHELD}" if colon and (self._no_subject or kind in self._kinds) else part


def encoded(record: dict[str, Any]) -> bytes:
    """A record as one line of JSON, without the end of the line."""
    try:
        return orjson.dumps(record, default=str)
    except (TypeError, ValueError):
        # What a plugin says need not be JSON, and a caller's model name may hold what no UTF-8 can.
        return json.dumps(record, separators=(",", ":"), default=str, skipkeys=True).encode()


def texts(value: Any) -> Iterator[str]:
    """Every text in a value, that of keys aside."""
    if isinstance(value, str):
        if value:
            yield value
    elif isinstance(value, (list, tuple)):
        for each in value:
            yield from texts(each)
    elif isinstance(value, dict):
        for each in value.values():
            yield from texts(each)


def _without(value: Any) -> Any:
    if isinstance(value, dict):
        return dict.fromkeys(value, WITHHELD)
    if isinstance(value, list):
        return [WITHHELD for _ in value]
    return WITHHELD if value else value


def _replaced(value: Any, hidden: list[str]) -> Any:
    if isinstance(value, str):
        for text in hidden:
            value = _cut(value, text)
        return value
    if isinstance(value, list):
        return [_replaced(each, hidden) for each in value]
    if isinstance(value, dict):
        return {name: _replaced(each, hidden) for name, each in value.items()}
    return value


def _cut(sentence: str, text: str) -> str:
    """The sentence without `text` where it stands as a word of its own; a tag `a` is no reason to cut up all others."""
    kept, start = [], 0
    while (at := sentence.find(text, start)) >= 0:
        end = at + len(text)
        alone = not (at and sentence[at - 1].isalnum()) and not sentence[end : end + 1].isalnum()
        kept += [sentence[start:at], WITHHELD if alone else text]
        start = end
    return "".join([*kept, sentence[start:]])
