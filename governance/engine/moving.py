"""A reservation moves to the target that is tried next, or that target is skipped."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from governance.engine import groups, refusals
from governance.engine.attempts import skip
from governance.engine.decision import Decision, has_room, option_of
from governance.ledger import Ledger, OptionReading
from governance.model import Charge, Refusal, Target, codes
from governance.model.errors import LedgerUnavailable
from governance.trace import Attempt

_AWAY: Final[tuple[int, str, str, int | None]] = (503, codes.LEDGER_UNAVAILABLE, "the ledger does not answer", 1)


class Moves:
    """Hops of reservations.

    Args:
        clock: Unix seconds.
    """

    def __init__(self, ledger: Ledger, clock: Callable[[], float]) -> None:
        self._ledger = ledger
        self._clock = clock

    async def to(self, decision: Decision, call_name: str, target: Target, attempt: Attempt) -> Refusal | None:
        """Charge this target in place of the one before, or say why it may not be tried now."""
        # As at the decision: who asks for a model by its own name is not kept from it by others' failures.
        cools = not (decision.outcome == "pass" and target is decision.target)
        tried: list[OptionReading] = []
        for choice in groups.choices(target):
            try:
                reading = await self._move(decision, choice, cools)
                if _is_probed(reading) and not _others_left(decision):
                    # Nobody else is left to serve while the probe of this one is under way.
                    reading = await self._move(decision, choice, cools=False)
            except LedgerUnavailable:
                return skip(attempt, *_AWAY)
            tried.append(reading)
            if has_room(reading):
                decision.held[call_name] = choice
                if reading.recovering:
                    decision.trace.probing = target.name
                return None
        reading = tried[0]
        if not reading.available:
            return skip(attempt, *_AWAY)
        code, detail, wait = refusals.rejection_detail(reading, self._clock())
        status = 400 if wait is None else 503 if code == codes.COOLING_DOWN else 429
        return skip(attempt, status, code, detail, wait)

    async def chosen(self, decision: Decision, call_name: str, served: str) -> None:
        """LiteLLM has chosen the deployment `served`: others that might have served get back what they reserved."""
        target = decision.held.get(call_name)
        if target is None or not target.members:
            return
        decision.trace.attempts[-1].served = served
        decision.held[call_name] = alone = groups.served_by(target, served)
        if alone.charges != target.charges and decision.counted:
            decision.trace.moves += 1
            option, hop = option_of(alone, cools=False), decision.trace.moves
            await self._ledger.move(decision.id, hop, option, force=True, unasked=True)

    async def _move(self, decision: Decision, target: Target, cools: bool) -> OptionReading:
        trace, again = decision.trace, _again(decision.shared)
        trace.moves += 1
        return await self._ledger.move(trace.id, trace.moves, option_of(target, cools=cools), again)


def _again(shared: tuple[Charge, ...]) -> tuple[Charge, ...]:
    """What each further attempt costs everybody: its request."""
    return tuple(charge for charge in shared if charge.window.unit == "requests")


def _is_probed(reading: OptionReading) -> bool:
    return reading.available and reading.fits and reading.recovering and reading.cooling_until_s is not None


def _others_left(decision: Decision) -> bool:
    tried = {attempt.target for attempt in decision.trace.attempts}
    return any(target.name not in tried for target in decision.fallbacks)
