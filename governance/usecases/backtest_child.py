"""A backtest in a process of its own: `python -m governance.usecases.backtest_child`, asked and told by pipes.

Asked: one JSON document. Told: a line of JSON each time, with `lines` that were read, `first` figures of the last hour,
and at the end the `report` or an `error`.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from governance.backtest.report import Report
from governance.catalog import Catalog
from governance.catalog.adjustments import Adjustments
from governance.catalog.prices import installed_prices
from governance.engine.plugins import installed, section_model
from governance.model.errors import GovernanceError
from governance.policy import Policy, parse_policy
from governance.policy.environment import within
from governance.usecases.backtest_words import figure_rows
from governance.usecases.questions import Question
from governance.usecases.replayed import replayed

# So polite that whoever waits for an answer of the proxy does not notice.
_NICE: Final = 15
MOST_BYTES: Final = 2 << 30
_HOUR_S: Final = 3600


def main() -> None:
    """Ends with 0 whatever came of it: what went wrong is told."""
    os.nice(_NICE)
    with suppress(ValueError, OSError):  # a system that holds it to less already
        resource.setrlimit(resource.RLIMIT_AS, (MOST_BYTES, MOST_BYTES))
    asked = json.load(sys.stdin)
    try:
        _run(asked)
    except BrokenPipeError:
        # Whoever asked is gone; nobody is to be told.
        os._exit(0)
    except MemoryError:
        _tell({"error": f"it needs more than {MOST_BYTES >> 30} GiB of memory; ask about a shorter time"})
    except (GovernanceError, OSError) as error:
        _tell({"error": str(error)})
    except Exception as error:  # whoever asked waits for an end, and has no other log
        _tell({"error": f"{type(error).__name__}: {error}"})


def _run(asked: dict[str, Any]) -> None:
    active, candidate = (_policy(asked[name], asked["environment"]) for name in ("active", "candidate"))
    given = asked["catalog"]
    known = candidate.core.catalog.known(installed_prices())
    catalog = Catalog(
        given["deployments"], known, given["aliases"], Adjustments(*given["adjustments"]), given["routing_groups"]
    )
    path = None if asked["path"] is None else Path(asked["path"])
    question, now_ms = Question.from_text(asked["question"]), asked["now_ms"]

    def figures(of: Question) -> Report:
        return replayed(active, candidate, path, of, catalog, now_ms, lambda lines: _tell({"lines": lines}))

    if question.last_s is None or question.last_s > _HOUR_S:
        hour = Question(None, now_ms - _HOUR_S * 1000, now_ms, replace(question.assumptions, changed_at_most=0))
        found = figures(hour)
        if found.coverage.replayed:
            _tell({"first": {"requests": found.totals.requests, "rows": [row._asdict() for row in figure_rows(found)]}})
    _tell({"report": figures(question).to_json().decode()})


def _policy(text: str, allowed: list[str] | None) -> Policy:
    listed = None if allowed is None else tuple(allowed)
    return parse_policy(text, "policy", installed(), section_model, within(os.environ, listed))


def _tell(what: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
