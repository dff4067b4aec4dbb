"""What is asked of recorded traffic: which time, whose, and what is taken to be so where nobody can know."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any, Final

from governance.backtest.assumptions import Assumptions

USUAL: Final = Assumptions()


@dataclass(frozen=True)
class Question:
    """Args:
    last_s: seconds up to the moment at which it is asked; None = from `from_ms` to `to_ms`, Unix milliseconds, each
        None where it is open.
    """

    last_s: int | None = None
    from_ms: int | None = None
    to_ms: int | None = None
    assumptions: Assumptions = USUAL

    @property
    def text(self) -> str:
        """The same for the same question."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_text(cls, text: str) -> Question:
        """What `text` has said."""
        told: dict[str, Any] = json.loads(text)
        assumptions = told.pop("assumptions")
        return cls(**told, assumptions=Assumptions(**{**assumptions, "spread": tuple(assumptions["spread"])}))

    def times_ms(self, now_ms: int) -> tuple[int | None, int | None]:
        """From when to when, Unix milliseconds; None: open."""
        return (self.from_ms, self.to_ms) if self.last_s is None else (now_ms - self.last_s * 1000, now_ms)
