"""What a conversation was about before, where the ledger knows it and the request alone does not say."""

from __future__ import annotations

from typing import Final

from governance.engine.refusals import duration
from governance.ledger import Ledger, Option
from governance.ledger.pins import Asked, Pin
from governance.model import Request
from governance.model.conversation import Stick
from governance.model.errors import LedgerUnavailable
from governance.trace import Trace

_NOBODY: Final = "-"


async def recalled(ledger: Ledger, trace: Trace, request: Request) -> Request:
    """The request with the task that its conversation had, and who has called for its tools, where that is known.

    One reading of the ledger, and only where a plugin asks for it.
    """
    recall = trace.recall
    if recall is None:
        return request
    pin = await _pin(ledger, recall.stick)
    if pin is None:
        return request
    if pin.task in recall.tasks and pin.task != request.task:
        ago = duration(max(0, round(trace.at_s - pin.at_s)))
        why = "while tools are called" if recall.calling else "which this request is not sure enough to change"
        trace.task_by = f"what {pin.target} answered in this conversation {ago} ago, {why}; else {trace.task_by}"
        trace.step("engine", "recall", f"task {pin.task} in place of {request.task}")
        request = request.but(task=pin.task)
    return request.but(stays_with=pin.target) if recall.calling else request


async def _pin(ledger: Ledger, stick: Stick) -> Pin | None:
    asked = Asked(stick.key, (_NOBODY,), stick.ttl_s)
    try:
        reserved = await ledger.reserve(
            (), (Option(_NOBODY),), reservation_id="", deadline_s=1, dry_run=True, pinned=asked
        )
    except LedgerUnavailable:
        # Without it the request decides alone, as it does where nobody has answered yet.
        return None
    return reserved.pin
