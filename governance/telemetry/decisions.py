"""The decision log: one record per request, when it has ended."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Mapping
from typing import Any, TextIO

from governance.errors import GovernanceError
from governance.trace import Trace

log = logging.getLogger("governance.telemetry")

# Tells a line for people from everything else on the same stdout.
TEXT_PREFIX = "governed: "


class DecisionLog:
    """Writes records as lines: of JSON for programs, of text for people.

    $GOVERNANCE_DECISION_LOG: a file's path (JSON lines), `-` (JSON lines on stdout) or `text` (for people, on stdout);
    unset = off.
    """

    def __init__(self, stream: TextIO | None, *, text: bool = False) -> None:
        self._stream = stream
        self._text = text
        self._failing = False

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> DecisionLog:
        where = environment.get("GOVERNANCE_DECISION_LOG", "")
        if not where:
            return cls(None)
        if where in ("-", "text"):
            return cls(sys.stdout, text=where == "text")
        try:
            return cls(open(where, "a", encoding="utf-8", buffering=1))
        except OSError as error:
            raise GovernanceError(f"$GOVERNANCE_DECISION_LOG: {where} cannot be written: {error.strerror}") from None

    def write(self, trace: Trace) -> None:
        """Tell one request. A log that cannot be written never fails a request."""
        if self._stream is None:
            return
        try:
            record = trace.record()
            # What a plugin puts into a record need not be JSON.
            as_json = json.dumps(record, ensure_ascii=False, separators=(",", ":"), default=str)
            line = TEXT_PREFIX + sentence(record) if self._text else as_json
            # A caller's model name may hold what no UTF-8 can; in JSON its escape is the same text.
            self._stream.write(line.encode("utf-8", "backslashreplace").decode() + "\n")
            self._stream.flush()
            self._failing = False
        except Exception as error:  # whatever goes wrong with telling, the request has been decided
            if not self._failing:
                log.warning("decision log: %s: %s; trying again with each request", type(error).__name__, error)
            self._failing = True


def sentence(record: dict[str, Any]) -> str:
    """One decision in one line, for people."""
    asked = record["request"]["model"]
    if record["refusal"]:
        refusal = record["refusal"]
        return f"{asked} refused {refusal['status']} {refusal['code']}: {refusal['message']}"
    passed = [f"{c['target']} {c['reason']}" for c in record["candidates"] if c["reason"] and not c["chosen"]]
    tried = [_attempt(attempt) for attempt in record["attempts"]]
    parts = [f"{asked} -> {', then '.join(tried) or record['model']}"]
    parts += [f"profile {record['profile']}"] if record["profile"] else []
    parts += [f"passed over: {', '.join(passed)}"] if passed else []
    usage = record["usage"]
    parts += [f"{usage['input_tokens']}+{usage['output_tokens']} tokens"] if usage else ["no answer"]
    return "; ".join(parts)


def _attempt(attempt: dict[str, Any]) -> str:
    outcome = "" if attempt["outcome"] == "ok" else f" {attempt['outcome']} ({attempt.get('error')})"
    return f"{attempt['target']}{outcome} in {attempt['ms']} ms"
