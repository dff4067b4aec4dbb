"""A target that failed is left alone by every proxy, at once or when it has failed often enough."""

from __future__ import annotations

from governance.ledger import Ledger
from governance.model import Charge, Recovery, Target, Window
from governance.trace import uuid7


async def cool_down_after(ledger: Ledger, target: Target, recovery: Recovery) -> None:
    """Start the cool-down of a target, where this failure is the one too many. Raises LedgerUnavailable."""
    if recovery.after > 1:
        # One failure fewer than `after` fits into the window.
        window = Window(
            f"failures before {target.name} cools down",
            f"target:{target.name}",
            "requests",
            recovery.after - 1,
            recovery.within_s,
        )
        failure_id = uuid7()
        counted = await ledger.reserve([Charge(window, 1)], [], reservation_id=failure_id, deadline_s=60)
        await ledger.settle(failure_id, {})
        if counted.granted:
            return
    await ledger.cool_down(target.name, recovery.cool_down_s)
