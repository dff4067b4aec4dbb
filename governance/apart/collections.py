"""Python's garbage collector while much is built at once: it would look through all of that, and find nothing."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

# After how many new objects the young are collected, after how many of these collections those of the middle age, and
# after how many of these all. What is built is looked through once or twice, ten thousand objects at a time, and never
# as a whole: ten thousand take a few milliseconds.
_WHILE_BUILDING: Final = (5_000, 1, 1_000_000)

_lock = threading.Lock()
_building = 0
_before: tuple[int, int, int] = (0, 0, 0)


@contextmanager
def full_collections_wait() -> Iterator[None]:
    """No collection looks through more than some ten thousand objects meanwhile. May be entered by several at once."""
    global _building, _before
    with _lock:
        if not _building:
            _before = gc.get_threshold()
            # 0 is how a collector is switched off.
            gc.set_threshold(min(_before[0], _WHILE_BUILDING[0]), *_WHILE_BUILDING[1:])
        _building += 1
    try:
        yield
    finally:
        with _lock:
            _building -= 1
            if not _building:
                gc.set_threshold(*_before)
