"""Files of recorded traffic, to be read as often as it takes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from governance.traffic import Broken, TraceLine
from governance.traffic.files import TrafficFile
from governance.traffic.reading import by_arrival


class Traffic:
    """What arrived in [from_us, to_us), Unix microseconds, of these files; None: whenever.

    They are read anew each time they are asked for, so that not all of them need be held.
    """

    def __init__(self, files: Sequence[TrafficFile], from_us: int | None = None, to_us: int | None = None) -> None:
        self.files = tuple(files)
        self.from_us, self.to_us = from_us, to_us

    def __iter__(self) -> Iterator[TraceLine | Broken]:
        return by_arrival(self.files, self.from_us, self.to_us)
