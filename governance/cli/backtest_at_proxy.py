"""A backtest that a running proxy makes of its own traffic: begun there, followed, and read."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import asdict
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Final

from governance.cli.running_proxy import NotAnswered, RunningProxy
from governance.model.errors import GovernanceError

if TYPE_CHECKING:
    from governance.backtest.report import Report
    from governance.usecases.questions import Question

_LOOK_AGAIN_S: Final = 0.5
_PAGE: Final = "/api/backtests"
_WHAT: Final = "a backtest"
# A report in the store lists no more.
_MOST_CHANGED: Final = 2_000


def at_proxy(proxy: RunningProxy, policy: str, question: Question) -> Report:
    """What this policy would have made of the traffic that is recorded where the proxy runs.

    Whoever interrupts it ends it there, too.

    Args:
        policy: its text.

    Raises:
        GovernanceError: it came to nothing.
        NotAnswered: the proxy does not answer, or another one runs there.
    """
    from governance.backtest.report import Report

    told = proxy.post(_PAGE, {"policy": policy, **_asked(question)})
    if not isinstance(told, dict) or not {"id", "state"} <= told.keys():
        raise NotAnswered(f"the proxy at {proxy.url} answers with something else than {_WHAT}")
    id = str(told["id"])
    try:
        while told["state"] in ("running", "cancelling"):
            _tell(told)
            time.sleep(_LOOK_AGAIN_S)
            told = proxy.page(f"{_PAGE}/{id}", "state", _WHAT)
    except KeyboardInterrupt:
        proxy.delete(f"{_PAGE}/{id}")
        raise
    finally:
        if sys.stderr.isatty():
            sys.stderr.write("\r\x1b[K")
    if told["state"] != "done":
        raise GovernanceError(f"backtest {id} has {told['state']} at {proxy.url}: {told.get('error') or 'no reason'}")
    return Report.from_json(json.dumps(proxy.page(f"{_PAGE}/{id}/report", "format", "a report")))


def _asked(question: Question) -> dict[str, Any]:
    """The question as the proxy is asked it: what is as it is by default is left out."""
    from governance.usecases.questions import USUAL

    usual = asdict(USUAL)
    said = {name: value for name, value in asdict(question.assumptions).items() if value != usual[name]}
    if "changed_at_most" in said:
        said["changed_at_most"] = min(said["changed_at_most"], _MOST_CHANGED)
    asked: dict[str, Any] = {"assumptions": said} if said else {}
    if question.last_s is not None:
        asked["last"] = f"{question.last_s}s"
    for name, at_ms in (("from", question.from_ms), ("to", question.to_ms)):
        if at_ms is not None:
            asked[name] = datetime.fromtimestamp(at_ms / 1000, timezone.utc).isoformat()
    return asked


def _tell(told: dict[str, Any]) -> None:
    if sys.stderr.isatty():
        lines = (told.get("progress") or {}).get("lines", 0)
        sys.stderr.write(f"\rthe proxy has read {lines:,} lines ")
        sys.stderr.flush()
