"""What of the overlay a host has applied."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from governance.model import Window
from governance.model.overlay import AnyEntry, Drains, Over


@dataclass(frozen=True)
class InForce:
    """The entries of the overlay that a policy is under.

    Args:
        limits: by the name of a limit, in lower case, what it counts and what is in force for it.
        drains: the targets that get no new request.
    """

    entries: tuple[AnyEntry, ...] = ()
    limits: Mapping[str, tuple[tuple[frozenset[str], Over], ...]] = field(default_factory=dict)
    drains: Drains = field(default_factory=lambda: Drains(()))

    def window(self, stated: Window) -> Window:
        """A window that the policy states, as it counts now."""
        for units, over in self.limits.get(stated.limit.lower(), ()):
            if stated.unit in units:
                return over.window(stated)
        return stated


NOTHING = InForce()
