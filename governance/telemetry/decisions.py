"""The decision log: one record per request, when it has ended."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple, Protocol

from governance.model.errors import GovernanceError
from governance.model.printable import printable
from governance.policy.telemetry import DecisionLogSettings
from governance.telemetry.log_file import LogFile
from governance.telemetry.replay import Sampling
from governance.trace import Trace

log = logging.getLogger("governance.telemetry")

# Tells a line for people from everything else on the same stdout.
TEXT_PREFIX: Final = "governed: "
ENVIRONMENT: Final = "GOVERNANCE_DECISION_LOG"
_STDOUT: Final = 1


class Told(NamedTuple):
    """One request that is over. `line`: its record as JSON, without the end of the line."""

    record: dict[str, Any]
    line: bytes


class Sink(Protocol):
    """Where lines go."""

    def append(self, lines: Sequence[bytes]) -> None:
        """Write whole lines. Raises OSError."""

    def close(self) -> None: ...


class DecisionLog:
    """Writes records as lines: of JSON for programs, of text for people.

    Where to: `telemetry.decision_log.to` of the policy. $GOVERNANCE_DECISION_LOG goes before it: a file's path (JSON
    lines), `-` (JSON lines on stdout) or `text` (sentences for people, on stdout).

    Args:
        sink: None = nothing is logged.
        where: for messages.
    """

    def __init__(
        self, settings: DecisionLogSettings, sink: Sink | None, where: str = "stdout", *, text: bool = False
    ) -> None:
        self.use(settings)
        self.where = where if sink else "off"
        self.error: str | None = None
        self.lost = 0
        self._sink = sink
        self._text = text

    @classmethod
    def open(cls, settings: DecisionLogSettings, environment: Mapping[str, str]) -> DecisionLog:
        """The log that the policy or the environment asks for.

        Raises:
            GovernanceError: it cannot be written; says where that was asked for.
        """
        asked = environment.get(ENVIRONMENT)
        where = asked or settings.to
        if where in (("-", "text") if asked else ("stdout",)):
            return cls(settings, Stdout(), text=where == "text")
        if not asked and where == "off":
            return cls(settings, None)
        try:
            return cls(settings, LogFile(where, settings.rotate_bytes, settings.keep_files), where)
        except OSError as error:
            named = f"${ENVIRONMENT}" if asked else "telemetry.decision_log.to"
            raise GovernanceError(f"{named}: {where} cannot be written: {error.strerror}") from None

    def use(self, settings: DecisionLogSettings) -> None:
        """Sample as these settings say."""
        self._sampling = Sampling(settings)

    def wants(self, trace: Trace) -> bool:
        """Whether this one is in the sample. The same decision is in every log's sample, or in none's."""
        return self._sink is not None and self._sampling.wants(trace)

    def write(self, told: Sequence[Told]) -> None:
        """Write these. A log that cannot be written is said once, and again when it can; the lines are lost."""
        if self._sink is None or not told:
            return
        try:
            self._sink.append([self._line(each) + b"\n" for each in told])
        except OSError as error:
            self.lost += len(told)
            if self.error is None:
                log.error("decision log: %s cannot be written: %s; trying again with each line", self.where, error)
            self.error = error.strerror or type(error).__name__
            return
        if self.error is not None:
            self.error = None
            log.warning("decision log: %s can be written again; %d lines are lost", self.where, self.lost)

    def close(self) -> None:
        """Let go of the file."""
        if self._sink is not None:
            self._sink.close()

    def _line(self, told: Told) -> bytes:
        return (TEXT_PREFIX + printable(sentence(told.record))).encode() if self._text else told.line


class Stdout:
    """The process' standard output, past the buffer of `sys.stdout`: who blocks on it must not block its other users.

    Lines up to 4 KiB stay in one piece among those of other workers; a longer one may be cut where stdout is a pipe.
    """

    def append(self, lines: Sequence[bytes]) -> None:
        for line in lines:
            while line:
                line = line[os.write(_STDOUT, line) :]

    def close(self) -> None:
        """It is not ours to close."""


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
