"""A target that failed is left alone by every proxy, at once or when it has failed often enough."""

from __future__ import annotations

from collections.abc import Callable

from governance.ledger import Ledger
from governance.limits.alerts import Alert
from governance.model import Charge, Failure, Recovery, Target, Window
from governance.model.ids import uuid7
from governance.model.target_alert import TargetAlert
from governance.trace import Trace

Tell = Callable[[Alert | TargetAlert], None]


class Cooling:
    """Starts the cool-downs that plugins ask for.

    Args:
        tell: is told of accounts that are used up. clock: Unix seconds.
    """

    def __init__(self, ledger: Ledger, tell: Tell, clock: Callable[[], float]) -> None:
        self._ledger = ledger
        self._tell = tell
        self._clock = clock

    async def after(self, trace: Trace, target: Target, failure: Failure, recovery: Recovery) -> None:
        """Start the cool-down of a target, where this failure is the one too many. Raises LedgerUnavailable."""
        # LiteLLM itself cools down single deployments of several.
        if recovery.cool_down_s <= 0 or target.members or not await self._too_many(target, recovery):
            await self.probed(trace, well=False)
            return
        if trace.probing == target.name:
            trace.probing = ""
        await self._ledger.cool_down(target.name, recovery.cool_down_s)
        if failure.kind == "account_exhausted":
            at_s = self._clock()
            until_s = at_s + recovery.cool_down_s
            self._tell(TargetAlert(target.name, failure.kind, until_s, at_s, trace.policy_revision))

    async def probed(self, trace: Trace, *, well: bool) -> None:
        """The request has found out, or not, how a target is that it was to probe. Raises LedgerUnavailable."""
        if trace.probing:
            name, trace.probing = trace.probing, ""
            await self._ledger.recovered(name, well)

    async def _too_many(self, target: Target, recovery: Recovery) -> bool:
        if recovery.after <= 1:
            return True
        # One failure fewer than `after` fits into the window.
        window = Window(
            f"failures before {target.name} cools down",
            f"target:{target.name}",
            "requests",
            recovery.after - 1,
            recovery.within_s,
        )
        failure_id = uuid7()
        counted = await self._ledger.reserve([Charge(window, 1)], [], reservation_id=failure_id, deadline_s=60)
        await self._ledger.settle(failure_id, {})
        return not counted.granted
