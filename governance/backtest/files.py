"""Files of recorded traffic, to be read as often as it takes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from governance.traffic import Broken, TraceLine
from governance.traffic.files import TrafficFile
from governance.traffic.reading import by_arrival

_TOLD_EVERY: Final = 2_000


class Traffic:
    """What arrived in [from_us, to_us), Unix microseconds, of these files; None: whenever.

    They are read anew each time they are asked for, so that not all of them need be held.

    Args:
        files: by hour and worker, as `governance.traffic.files.files_in` finds them.
        read: is told how many lines have been read so far.
    """

    def __init__(
        self,
        files: Sequence[TrafficFile],
        from_us: int | None = None,
        to_us: int | None = None,
        read: Callable[[int], None] = lambda lines: None,
    ) -> None:
        self.files = tuple(files)
        self.from_us, self.to_us = from_us, to_us
        self.read = read

    def __iter__(self) -> Iterator[TraceLine | Broken]:
        count = 0
        for count, line in enumerate(by_arrival(self.files, self.from_us, self.to_us), 1):
            if count % _TOLD_EVERY == 0:
                self.read(count)
            yield line
        self.read(count)
