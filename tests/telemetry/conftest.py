"""Traces of requests that were decided."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

# For `tests.ledger.servers`: pytest itself puts no folder on the path.
sys.path.insert(0, str(Path(__file__).parents[2]))

from governance.ledger import Reading
from governance.model import Identity, Request, Usage, Window
from governance.trace import Attempt, Candidate, Trace

NOW_S = 1_795_176_000.0
WINDOW = Window("research team", "team:research", "tokens", 1_000, 60)

MakeTrace = Callable[..., Trace]


@pytest.fixture
def trace() -> MakeTrace:
    """A request for `fast/m` of team research: a/m was full, b/m failed, c/m served."""

    def make(model: str = "fast/m", **identity: str) -> Trace:
        who = Identity(**{"team_id": "research", "team_name": "Research", **identity})
        headers = {"x-tier": "premium", "x-other": "secret"}
        made = Trace(Request(model, identity=who, headers=headers, tags=("nightly",)), "sha256:0", NOW_S, "live")
        made.outcome, made.model, made.fallbacks = "route", "b/m", ("c/m",)
        made.notes["profile"] = "Fast"
        made.decided_us = 180
        made.candidates.append(Candidate("a/m", False, "requests_exhausted"))
        made.candidates.append(Candidate("b/m", True, None))
        made.candidates.append(Candidate("c/m", False, None))
        made.windows.append((Reading(WINDOW, 300, 200, True, NOW_S, NOW_S + 60), True))
        made.attempts.append(Attempt("b/m", "failed", 0.0, error="timeout", ms=41))
        made.attempts.append(Attempt("c/m", "ok", 0.0, ms=730))
        made.usage = Usage(80, 20)
        return made

    return make
