"""A second request beside one that was answered, of which its caller knows nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from governance.model.target import Target


@dataclass(frozen=True, slots=True)
class Mirror:
    """What a profile sends elsewhere too, when it was answered.

    Args:
        target: who gets it; its charges are those of the mirror alone.
        share: of the requests, from 0 to 1.
        drawn: this request is among them.
    """

    target: Target
    share: float
    drawn: bool

    @property
    def told(self) -> dict[str, Any]:
        """For the record."""
        reason = self.target.rejected.code if self.target.rejected else None
        return {"target": self.target.name, "share": self.share, "drawn": self.drawn, "reason": reason}
