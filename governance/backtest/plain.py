"""Lines of which a class and a few numbers tell everything: most requests of most days."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from governance.backtest.arrivals import beforehand
from governance.traffic import Size, TraceLine, Used

NONE: Final = -1
LARGEST: Final = 2**31 - 1
_US_PER_MS: Final = 1000
_UUID: Final = re.compile("[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")


def is_plain(line: TraceLine) -> bool:
    """Whether the first choice answered, and everything that it used is known."""
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
        and not (size.audio_tokens or size.images or size.characters or told.passed_over or line.mirror_of)
        and all(number is not None and 0 <= number <= LARGEST for number in (*numbers, hop.start_us, hop.took_ms))
        and line.end_us // _US_PER_MS <= LARGEST
    )


def can_be_rebuilt(line: TraceLine) -> bool:
    """Whether a plain line can be made once more of its class and its numbers, as far as a backtest looks at it."""
    windows = line.told.windows
    return not (line.draws or line.late or line.counted) and all(spot.fits for spot in windows) and is_uuid(line.id)


def is_uuid(id: str) -> bool:
    """Whether its 16 bytes tell all of it."""
    return _UUID.fullmatch(id) is not None


def pattern_of(line: TraceLine) -> TraceLine:
    """What all lines of its class have: without the windows, which are different for each."""
    return replace(line, told=replace(line.told, windows=()))


def rebuilt(
    pattern: TraceLine,
    id: str,
    at_us: int,
    end_us: int,
    size: Size,
    used: Used,
    start_us: int,
    took_ms: int,
) -> TraceLine:
    """A line of a class again."""
    hop = replace(pattern.hops[0], start_us=start_us, took_ms=took_ms)
    return replace(pattern, id=id, at_us=at_us, end_us=end_us, size=size, used=used, hops=(hop,))
