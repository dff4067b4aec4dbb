"""Who has logged in, and what that lets them do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from fastapi import Request

from governance.model import Identity
from governance.usecases.change_policy import Author

Role = Literal["admin", "viewer", "holder"]


@dataclass(frozen=True)
class Holder:
    """Who a key is, as the proxy verified it.

    Args:
        role: `admin` may change everything, `viewer` sees everything, `holder` sees what is its own.
        author: whom the audit names.
        models: the names that the key may ask for, among those that the proxy lists.
    """

    role: Role
    author: Author
    identity: Identity
    models: Callable[[], Awaitable[Sequence[str]]]

    @property
    def sees_all(self) -> bool:
        """Whether the pages about everybody are open."""
        return self.role != "holder"

    @property
    def called(self) -> str:
        """A name for people."""
        own = self.identity
        return own.virtual_key_name or own.user_id or own.team_name or own.team_id or self.author.name


# Who a key is. Raises NotDone for one that lets nobody in.
Identify = Callable[[Request, str], Awaitable[Holder]]
