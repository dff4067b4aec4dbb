"""Options that are left alone for a while, and probed by one request at a time afterwards. See lua/cool_down.lua."""

from __future__ import annotations

from itertools import islice
from typing import Final, NamedTuple

PROBE_MS: Final = 60_000
"""A probe of which nothing is heard for so long is taken for none."""
PROBATION_MS: Final = 3_600_000
"""What nobody has asked for so long after its cool-down is like any other."""
_FORGOTTEN_PER_CALL: Final = 2


class _Cool(NamedTuple):
    until_ms: int
    probed: bool


class Cooling:
    """The cool-downs of one process."""

    def __init__(self) -> None:
        self._of: dict[str, _Cool] = {}
        self._most = 64

    def begin(self, name: str, length_ms: int, now_ms: int) -> None:
        """Leave it alone for so long; a longer cool-down that runs already stays."""
        if length_ms <= 0:
            return
        before = self._of.pop(name, None)
        until_ms = max(now_ms + length_ms, before.until_ms if before and not before.probed else 0)
        self._of[name] = _Cool(until_ms, probed=False)
        for oldest in list(islice(self._of, _FORGOTTEN_PER_CALL)):
            if self._of[oldest].until_ms + PROBATION_MS <= now_ms:
                del self._of[oldest]
        if len(self._of) > self._most:
            self._of = {name: cool for name, cool in self._of.items() if cool.until_ms + PROBATION_MS > now_ms}
            self._most = 64 + 2 * len(self._of)

    def state(self, name: str, now_ms: int) -> tuple[int, bool]:
        """Until when it is left alone (0 = it is not), and whether it still has to be found well."""
        cool = self._of.get(name) if self._of else None
        if cool is None or cool.until_ms + PROBATION_MS <= now_ms:
            return 0, False
        return (cool.until_ms, cool.probed) if cool.until_ms > now_ms else (0, True)

    def charged(self, name: str, now_ms: int) -> None:
        """A request is sent to it: where it has to be found well, that one probes it."""
        if self._of and self.state(name, now_ms) == (0, True):
            self._of[name] = _Cool(now_ms + PROBE_MS, probed=True)

    def recovered(self, name: str, well: bool, now_ms: int) -> None:
        """Its probe is over; not `well`: without a result."""
        cool = self._of.get(name)
        if cool is None or not cool.probed:
            return
        if well:
            del self._of[name]
        else:
            self._of[name] = _Cool(now_ms, probed=False)
