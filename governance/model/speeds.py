"""How long targets keep callers waiting, as a policy asks for it."""

from __future__ import annotations

import math
from typing import NamedTuple, Protocol


class Wait(NamedTuple):
    """How long a target lets a request like this one wait.

    Args:
        wait_ms: until the first token of a stream, else of the whole answer; None while nobody has seen it.
        in_flight: requests that this process has under way at the target; while no wait is seen, those like it.
    """

    wait_ms: int | None
    in_flight: int

    @property
    def score_ms(self) -> float:
        """What decides, the least first: the wait for each request that would be under way.

        Who was never tried with requests of this kind goes first; while the first one is under way nobody knows, and it
        goes last.
        """
        if self.wait_ms is None:
            return math.inf if self.in_flight else 0.0
        return float(self.wait_ms * (self.in_flight + 1))


UNKNOWN = Wait(None, 0)


class Speeds(Protocol):
    """What was seen of targets lately; see `governance.engine.speeds`."""

    def wait(self, target: str, *, streaming: bool, prompt_tokens: int) -> Wait:
        """Of a target, for a request of this kind. Asks nobody, so it takes no time."""
