"""What runs in the background of a live engine, without a background: nothing waits, nobody is told."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, NamedTuple, TypeVar

from governance.engine.levels import LastSeen
from governance.ledger import Ledger
from governance.limits.alerts import Alerts
from governance.model.errors import GovernanceError

T = TypeVar("T")


class Habit(NamedTuple):
    """What an answer teaches that was not played: how long answers of these models are. See `governance.engine.habits`.

    Args:
        end_us: Unix microseconds. models: under which names. prompt: as estimated.
    """

    end_us: int
    models: tuple[str, ...]
    request_type: str
    prompt: int
    input_tokens: int
    output_tokens: int
    choices: int
    most: int | None


class NotReplayable(GovernanceError):
    """A plugin waits for something outside, which a replay cannot give it."""


def played(call: Coroutine[Any, Any, T]) -> T:
    """What a call answers that waits for nothing. Raises NotReplayable for one that does wait."""
    try:
        call.send(None)
    except StopIteration as answer:
        result: T = answer.value
        return result
    call.close()
    raise NotReplayable("a plugin or ledger waits for something outside; recorded traffic cannot be replayed with it")


class Silent(Alerts):
    """Nobody is told of what did not happen now."""

    def look(self, readings: Any) -> None:
        """Nothing to tell."""

    def look_again(self, windows: Any) -> None:
        """Nothing to tell."""


class ByEvent(LastSeen):
    """Levels that are read when an arrival asks, at most once a second, instead of in the background."""

    def keep_fresh(self, ledger: Ledger) -> None:
        """An arrival does it."""
