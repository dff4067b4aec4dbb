"""Recorded requests as columns of numbers: ten million of them fit into memory.

What is not a number is the same for many requests: who asks for what is a class, and is kept once.
"""

from __future__ import annotations

from array import array
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from governance.backtest.arrivals import beforehand
from governance.model import Failure
from governance.traffic import TraceLine

NONE: Final = -1
_LARGEST: Final = 2**31 - 1


class Class(NamedTuple):
    """Requests that are alike in everything but their size and time. `line`: one of them.

    Args:
        plain: the first target was asked, answered, and all is known of that.
    """

    line: TraceLine
    plain: bool


@dataclass(slots=True)
class Columns:
    """One row for each line, in the order in which they were read.

    Args:
        at_us: arrivals. kind: positions in `classes`. most: `max_output_tokens`, or `NONE`. end_ms, took_ms: of the
            whole request and of its attempt. failures: (target, arrival, end, failure) of attempts, Unix microseconds.
    """

    at_us: Any = field(default_factory=lambda: array("q"))
    kind: Any = field(default_factory=lambda: array("i"))
    prompt: Any = field(default_factory=lambda: array("i"))
    most: Any = field(default_factory=lambda: array("i"))
    used_in: Any = field(default_factory=lambda: array("i"))
    used_out: Any = field(default_factory=lambda: array("i"))
    usd_micros: Any = field(default_factory=lambda: array("i"))
    end_ms: Any = field(default_factory=lambda: array("i"))
    took_ms: Any = field(default_factory=lambda: array("i"))
    classes: list[Class] = field(default_factory=list)
    known: dict[Hashable, int] = field(default_factory=dict)
    failures: list[tuple[str, int, int, Failure]] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.at_us)

    def add(self, line: TraceLine) -> None:
        """A row for this line."""
        plain = is_plain(line)
        key = (plain, line.who, line.asked, *(getattr(line.told, name) for name in _TOLD), line.recorded, line.hashed)
        kind = self.known.get(key)
        if kind is None:
            kind = self._new(key, line, plain)
        used, size = line.used, line.size
        self.at_us.append(line.at_us)
        self.kind.append(kind)
        self.prompt.append(min(size.prompt_tokens, _LARGEST))
        self.most.append(NONE if size.max_output_tokens is None else min(size.max_output_tokens, _LARGEST))
        self.used_in.append(_known(used.input_tokens if used else 0))
        self.used_out.append(_known(used.output_tokens if used else 0))
        self.usd_micros.append(_known(used.usd_micros if used else 0))
        self.end_ms.append(min((line.end_us or 0) // 1000, _LARGEST))
        self.took_ms.append(line.hops[0].took_ms if plain else 0)
        for hop in () if plain else line.hops:
            if hop.outcome == "failed":
                failure = Failure(hop.error or "unknown", hop.status, hop.retry_after_s)
                self.failures.append((hop.target, line.at_us, line.at_us + hop.end_us, failure))

    def _new(self, key: Hashable, line: TraceLine, plain: bool) -> int:
        kind = self.known[key] = len(self.classes)
        self.classes.append(Class(line, plain))
        return kind


_TOLD: Final = ("revision", "outcome", "target", "profile", "rule", "task")


def is_plain(line: TraceLine) -> bool:
    """Whether the first choice answered, and everything that it used is known: most requests of most days."""
    used, size = line.used, line.size
    if len(line.hops) != 1 or used is None or line.end_us is None or line.weight != 1 or beforehand(line):
        return False
    hop, told = line.hops[0], line.told
    numbers = (used.input_tokens, used.output_tokens, used.usd_micros, size.prompt_tokens, size.max_output_tokens or 0)
    return (
        hop.outcome == "ok"
        and hop.reached
        and told.outcome in ("route", "pass")
        and hop.target == told.target
        and not (told.degraded_by or told.overlay or told.arm or line.asked.refers_to or line.asked.conversation)
        and not (size.audio_tokens or size.images or size.characters or told.passed_over)
        and all(number is not None and 0 <= number <= _LARGEST for number in numbers)
        and line.end_us // 1000 <= _LARGEST
    )


def _known(value: int | None) -> int:
    return 0 if value is None else min(value, _LARGEST)
