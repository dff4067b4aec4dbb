"""Requests that are answered long after they were accepted: what was reserved waits for whoever hears of the end."""

from __future__ import annotations

import hashlib
from typing import Final

from governance.engine.decision import Decision
from governance.ledger import Ledger, Option
from governance.ledger.windows import LONGEST_S
from governance.model import Charge, Target

# As long as the ledger keeps any reservation: then what nobody has settled is given back.
KEPT_S: Final = float(LONGEST_S)
_COUNTED_ALREADY: Final = frozenset({"requests", "concurrent"})
# What the reservation of the accepting request still counts of these when another one has taken them over.
NOTHING: Final = {"tokens": 0, "input_tokens": 0, "output_tokens": 0, "usd_micros": 0}


def deferred_id(deployment_id: str, response_id: str) -> str:
    """The id of the reservation that waits for a response, which everybody can tell who knows the response.

    Args:
        deployment_id: LiteLLM's, so that providers cannot take each other's.
        response_id: the provider's own.
    """
    return "later-" + hashlib.sha256(f"{deployment_id}\0{response_id}".encode()).hexdigest()


async def defer(ledger: Ledger, decision: Decision, target: Target, later_id: str) -> bool:
    """Count what was reserved once more, under an id that others know; False when the store is away.

    The reservation of the request itself can then be settled to nothing: its requests stay counted, and it is no longer
    in flight.

    Raises:
        LedgerUnavailable: the store does not answer.
    """
    option = Option(target.name, _amounts(target.charges))
    reading = await ledger.move(later_id, 1, option, _amounts(decision.shared), force=True)
    if reading.available:
        await ledger.renew(later_id, KEPT_S, attempted=True)
    return reading.available


def _amounts(charges: tuple[Charge, ...]) -> tuple[Charge, ...]:
    return tuple(charge for charge in charges if charge.window.unit not in _COUNTED_ALREADY)
