"""What discovery knows, without a store."""

from __future__ import annotations

from governance.discovery import Change, State


class InMemory:
    """Kept for as long as this object is."""

    def __init__(self) -> None:
        self.state = State()

    async def keep(self, change: Change) -> State:
        self.state = change(self.state)
        return self.state
