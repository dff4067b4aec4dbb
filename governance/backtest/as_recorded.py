"""What came of a request where it was sent: no guess, it has happened."""

from __future__ import annotations

from typing import Literal

from governance.backtest.done import Done
from governance.backtest.fates import Fate, Spent
from governance.traffic import TraceLine


def recorded_fate(line: TraceLine, target: str, nth: int) -> tuple[int, Fate] | None:
    """The nth attempt of this target (from 0) as it was recorded, and its place; None where it was not made."""
    made = [(index, hop) for index, hop in enumerate(line.hops) if hop.target == target and hop.outcome != "skipped"]
    for index, hop in made[nth : nth + 1]:
        if hop.outcome == "started":
            return index, Fate("ok", None, None, served=hop.served)
        end_us = line.end_us if hop.outcome == "ok" and line.end_us is not None else None
        took_us = 1000 * hop.took_ms if end_us is None else max(0, end_us - hop.start_us)
        outcome: Literal["ok", "failed"] = "ok" if hop.outcome == "ok" else "failed"
        before_us = line.hops[index - 1].end_us if index else 0
        waited_us = max(0, hop.start_us - before_us)
        return index, Fate(outcome, hop.error, took_us, hop.status, hop.retry_after_s, hop.served, waited_us=waited_us)
    return None


def recorded_spent(line: TraceLine) -> Spent:
    """What the answer used, as it was recorded."""
    used = line.used
    if used is None:
        return Spent(None, None, None)
    cost = used.usd_micros
    return Spent(used.input_tokens, used.output_tokens, None if cost is None else (cost, cost, cost))


def recorded_done(line: TraceLine) -> Done:
    """What a lane that serves a plain line as it was served tells of it."""
    hop, told, spent = line.hops[0], line.told, recorded_spent(line)
    took_us = max(0, (line.end_us or 0) - hop.start_us)
    return Done(
        told.outcome,
        told.target,
        rule=told.rule,
        profile=told.profile,
        served=told.target,
        hops=[(hop.target, "ok", "", took_us // 1000)],
        cost=spent.usd_micros,
        end_us=line.at_us + hop.start_us + took_us,
    )
