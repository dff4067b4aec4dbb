"""A request that is over, as small as it can be kept: the newest ten thousand are, and hardly one is ever looked at."""

from __future__ import annotations

import pickle
from dataclasses import fields
from operator import attrgetter
from typing import Any, Final

from governance.ledger import Reading
from governance.model import Identity, Request, Usage, Window
from governance.telemetry.redaction import Redaction, encoded
from governance.trace import Attempt, Candidate, Step, Trace

_REQUEST: Final = (
    *("model", "request_type", "task", "modalities", "capabilities", "prompt_tokens", "max_output_tokens"),
    *("streaming", "tags"),
)
_IDENTITY: Final = (
    *("virtual_key_id", "virtual_key_name", "user_id", "team_id", "team_name", "customer_id", "end_user_id"),
)
_TRACE: Final = ("at_s", "mode", "outcome", "model", "fallbacks", "notes", "facts_read")
_USAGE: Final = (
    *("input_tokens", "output_tokens", "cost_usd_micros", "implausible", "remarks", "cached_tokens"),
    "saved_usd_micros",
)
# What few requests have; kept as it is.
_SELDOM: Final = (
    *("refusal", "shadow", "arm", "would", "draws", "drained_by", "stick", "pin", "mirror", "mirror_of", "require"),
    "task_by",
)
# What no record tells.
UNTOLD: Final = frozenset(
    {"moves", "decided_us", "shadow_limits", "probing", "budget", "parts", "kept_usd_micros", "recall"}
)
PACKED: Final = frozenset(
    {*_TRACE, *_SELDOM, "id", "policy_revision", "request", "candidates", "windows", "attempts", "usage", "steps"}
)
_OF_REQUEST: Final = attrgetter(*_REQUEST)
_OF_IDENTITY: Final = attrgetter(*_IDENTITY)
_OF_TRACE: Final = attrgetter(*_TRACE)
_OF_USAGE: Final = attrgetter(*_USAGE)
_OF_SELDOM: Final = attrgetter(*_SELDOM)
_ATTEMPT: Final = tuple(field.name for field in fields(Attempt) if field.name != "labels")
_OF_ATTEMPT: Final = attrgetter(*_ATTEMPT)


class Packed:
    """What the record of a trace needs: its windows, which thousands share, and all else as bytes.

    Called, it is the record as one line of JSON, as the policy was that it was told by.
    """

    __slots__ = ("_id", "_models", "_redaction", "_rest", "_revision", "_seldom", "_windows")

    def __init__(self, trace: Trace, redaction: Redaction) -> None:
        request = trace.request
        windows: list[Window] = []
        counts: list[float | None] = []
        for (window, used, amount, fits, _, resets_at_s), counted in trace.windows:
            windows.append(window)
            counts += (used, amount, fits, resets_at_s, counted)
        attempts: list[tuple[Any, ...]] = []
        for attempt in trace.attempts:
            attempts.append((_OF_ATTEMPT(attempt), dict(attempt.labels) or None))
        self._id, self._revision, self._models = trace.id, trace.policy_revision, request.models
        self._redaction = redaction
        self._windows = tuple(windows)
        seldom = _OF_SELDOM(trace)
        self._seldom = seldom if any(seldom) else None
        self._rest = pickle.dumps(
            (
                _OF_TRACE(trace),
                _OF_REQUEST(request),
                _OF_IDENTITY(request.identity),
                [*map(request.headers.get, redaction.headers_read)],
                [*map(tuple, trace.candidates)],
                counts,
                attempts,
                None if trace.usage is None else _OF_USAGE(trace.usage),
                [*map(tuple, trace.steps)],
            ),
            pickle.HIGHEST_PROTOCOL,
        )

    def __call__(self) -> bytes:
        return encoded(self._redaction.record(self.trace()))

    def trace(self) -> Trace:
        """The trace again, as far as records tell of it."""
        # Made by this process, a moment ago.
        of_trace, asked, who, given, candidates, counts, attempts, usage, steps = pickle.loads(self._rest)  # noqa: S301
        headers = {
            name: value for name, value in zip(self._redaction.headers_read, given, strict=True) if value is not None
        }
        identity = Identity(**dict(zip(_IDENTITY, who, strict=True)))
        request = Request(
            **dict(zip(_REQUEST, asked, strict=True)), identity=identity, headers=headers, models=self._models
        )
        told: dict[str, Any] = dict(zip(_TRACE, of_trace, strict=True))
        if self._seldom is not None:
            told |= zip(_SELDOM, self._seldom, strict=True)
        each = iter(counts)
        return Trace(
            request,
            self._revision,
            id=self._id,
            candidates=[Candidate(*candidate) for candidate in candidates],
            windows=[
                (Reading(window, used, amount, fits, None, resets_at_s), counted)
                for window, used, amount, fits, resets_at_s, counted in zip(
                    self._windows, each, each, each, each, each, strict=False
                )
            ],
            attempts=[
                Attempt(**dict(zip(_ATTEMPT, attempt, strict=True)), labels=labels or {})
                for attempt, labels in attempts
            ],
            usage=None if usage is None else Usage(**dict(zip(_USAGE, usage, strict=True))),
            steps=[Step(*step) for step in steps],
            **told,
        )
