"""Keeps new requests away from the targets that an admin drains."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from governance.hookspecs import hookimpl
from governance.model import Request, Target
from governance.model.overlay import Drains


class DrainedTargets:
    """Asked like a plugin, after all others: also for what callers and LiteLLM itself bring as fallbacks, and for each
    of those that may serve a target together.
    """

    on_error = "refuse"

    def __init__(self, drains: Drains) -> None:
        self._drains = drains

    @hookimpl
    def charge_targets(self, request: Request, targets: Sequence[Target]) -> Sequence[Target] | None:
        found = [None if target.rejected else self._drains.rejection(request, target.name) for target in targets]
        if not any(found):
            return None
        return [replace(t, rejected=why) if why else t for t, why in zip(targets, found, strict=True)]
