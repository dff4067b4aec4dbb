"""What an answer costs whose price nobody knows."""

from __future__ import annotations

from dataclasses import replace

from governance.model import Target, Usage


def with_assumed_prices(usage: Usage, target: Target) -> Usage:
    """Where nobody knows the price, the highest that a budget of the policy assumes.

    A budget in shadow mode has no say in what the others count.
    """
    assuming = [charge for charge in target.charges if charge.assumed]
    if usage.cost_usd_micros is not None or not assuming or usage.input_tokens is None or usage.output_tokens is None:
        return usage
    enforced = [charge for charge in assuming if charge.window.mode == "enforce"]
    costs = [
        charge.assumed.cost_usd_micros(usage.input_tokens, usage.output_tokens) or 0
        for charge in enforced or assuming
        if charge.assumed
    ]
    return replace(usage, cost_usd_micros=max(costs))
