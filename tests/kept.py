"""How many bytes of Python's objects are kept after something was done, whatever the machine does."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager


class Kept:
    """`bytes`: what was allocated meanwhile and is still held."""

    bytes = 0


@contextmanager
def kept() -> Iterator[Kept]:
    """What is still held at the end of it."""
    found = Kept()
    gc.collect()
    tracemalloc.start()
    try:
        yield found
        gc.collect()
        found.bytes = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
