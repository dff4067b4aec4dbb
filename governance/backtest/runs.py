"""How long a subject is refused at a time."""

from __future__ import annotations

from dataclasses import dataclass

from governance.traffic import Who


def subject_of(who: Who) -> str:
    """Whose run it is: `team:ID`, `virtual_key:ID` of who has no team, "" of who has neither."""
    if who.team:
        return f"team:{who.team}"
    return f"virtual_key:{who.key}" if who.key else ""


@dataclass(slots=True)
class Run:
    """When a subject was newly refused first, and for how long without a break."""

    name: str = ""
    requests: float = 0.0
    first_us: int | None = None
    run_us: int | None = None
    longest_us: int = 0

    def note(self, at_us: int, *, refused: bool) -> None:
        """Its next request."""
        if not refused:
            self.run_us = None
            return
        self.first_us = at_us if self.first_us is None else self.first_us
        self.run_us = at_us if self.run_us is None else self.run_us
        self.longest_us = max(self.longest_us, at_us - self.run_us)
