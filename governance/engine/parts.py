"""An answer of which one target delivered the beginning and another one the rest."""

from __future__ import annotations

from dataclasses import replace

from governance.engine.decision import Decision
from governance.ledger import Ledger, Option
from governance.model import Target, Usage
from governance.model.ids import uuid7
from governance.model.sizes import LARGEST_USE
from governance.trace import Trace

_DELIVERED = ("tokens", "input_tokens", "output_tokens", "usd_micros")


async def charge_part(ledger: Ledger, decision: Decision, target: Target, part: Usage) -> None:
    """Count what was delivered where the reservation has moved on from; its request stayed counted there."""
    charges = [
        replace(charge, amount=0) for charge in (*target.charges, *decision.shared) if charge.window.unit in _DELIVERED
    ]
    if charges:
        part_id = uuid7()
        await ledger.move(part_id, 1, Option("", charges), force=True)
        await ledger.settle(part_id, {unit: min(amount, LARGEST_USE) for unit, amount in part.amounts.items()})


def kept_usd_micros(decision: Decision, target: Target, usage: Usage) -> int:
    """What was reserved of money and stays counted, where nobody knows what the answer cost; of windows that count
    differently, the largest."""
    if usage.cost_usd_micros is not None:
        return 0
    charges = (*decision.shared, *target.charges)
    return max((charge.amount for charge in charges if charge.window.unit == "usd_micros"), default=0)


def with_part(trace: Trace, name: str, part: Usage) -> Usage:
    """Note what a target delivered beside the answer, and say what all of them used."""
    answer = trace.usage or Usage()
    if not trace.parts:
        trace.parts.append((trace.served or "", answer))
    trace.parts.append((name, part))
    return both(answer, part)


def both(one: Usage, other: Usage) -> Usage:
    """What the whole answer used; what is not known of one part is not known of the whole."""
    return Usage(
        _sum(one.input_tokens, other.input_tokens),
        _sum(one.output_tokens, other.output_tokens),
        _sum(one.cost_usd_micros, other.cost_usd_micros),
        (*one.implausible, *other.implausible),
        (*one.remarks, *other.remarks),
        one.cached_tokens + other.cached_tokens,
        one.saved_usd_micros + other.saved_usd_micros,
    )


def _sum(one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else one + other
