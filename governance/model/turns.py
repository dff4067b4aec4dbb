"""Long work beside an event loop, done in turns: whoever serves requests on another thread has its own in between.

Python runs one thread at a time. A thread that works on is interrupted every 5 ms, and a loop that lets go of its turn
for each write to a socket waits 5 ms to get it back, each time. So long work rests by itself, often and shortly.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Final, TypeVar

EACH: Final = 64
_REST_S: Final = 0.001

T = TypeVar("T")


def aside() -> bool:
    """Whether this runs beside the main thread, which is where a process serves."""
    return threading.current_thread() is not threading.main_thread()


def rest() -> None:
    """Let the others have their turn."""
    time.sleep(_REST_S)


def in_turns(items: Iterable[T], each: int = EACH, rest: Callable[[], None] = rest) -> Iterator[T]:
    """The same items. Beside the main thread it rests after each so many of them; on it, where nobody waits, never."""
    if not aside():
        yield from items
        return
    for number, item in enumerate(items, 1):
        yield item
        if number % each == 0:
            rest()
