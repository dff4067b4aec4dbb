"""A page that cannot be shown, or cannot do what was asked; people read why, and no program asks for a code."""

from __future__ import annotations

from governance.admin.answered import NotDone


class NotShown(NotDone):
    """Args:
    message: what is wrong and what would be right. No secrets.
    """

    def __init__(self, status: int, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(status, "refused", message, headers)
