"""End users and tags are what callers say: whose they are is what the proxy verified."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Final

from governance.limits.ids import AND, spelled
from governance.model import Identity, Request

CLAIMED_KINDS: Final = ("end_user", "tag")
# A subject with one of these counts within it anyway.
OWNER_KINDS: Final = ("team", "virtual_key")

_CLAIMED: Final = ("end_user:", "tag:")
_NONE: Final[frozenset[str]] = frozenset()


class Claims:
    """What one request says of itself, and within whom it counts.

    A tag of the verified key, team or project is no claim: who has it counts together with everybody else who has it.
    """

    __slots__ = ("_verified", "_within", "owner")

    def __init__(self, request: Request) -> None:
        self.owner = owner_of(request.identity)
        self._within = f"{self.owner}{AND}" if self.owner else ""
        tags = request.identity.tags
        self._verified = frozenset([f"tag:{spelled(tag)}" for tag in tags]) if tags else _NONE

    def subjects(self, names: Sequence[Sequence[str]]) -> tuple[str, ...]:
        """Subjects of these names, one of each, within the caller where one of them is the caller's own word."""
        if len(names) == 1:
            return tuple([self._within + name if self._is_claim(name) else name for name in names[0]])
        return tuple(
            (self._within if any(map(self._is_claim, parts)) else "") + AND.join(parts) for parts in product(*names)
        )

    def _is_claim(self, name: str) -> bool:
        return name.startswith(_CLAIMED) and name not in self._verified


def owner_of(who: Identity) -> str:
    """Within whom the claims of a caller count: its team, else its key, else whoever else it is; "" for nobody."""
    if team := who.team_id or who.team_name:
        return f"team:{spelled(team)}"
    if who.virtual_key_id:
        return f"virtual_key:{spelled(who.virtual_key_id)}"
    if who.user_id:
        return f"user:{spelled(who.user_id)}"
    return f"customer:{spelled(who.customer_id)}" if who.customer_id else ""
