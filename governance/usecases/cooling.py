"""Which targets are left alone for a while, and until when."""

from __future__ import annotations

from collections.abc import Sequence

from governance.ledger import Ledger, Option


async def cooling(ledger: Ledger, targets: Sequence[str]) -> dict[str, float]:
    """Of those that cool down, the Unix seconds until which they do; counts nothing."""
    options = [Option(target) for target in targets]
    if not options:
        return {}
    asked = await ledger.reserve((), options, reservation_id="", deadline_s=1, dry_run=True)
    told = zip(targets, asked.options, strict=False)
    return {target: option.cooling_until_s for target, option in told if option.cooling_until_s is not None}
