"""The last errors that governance has logged, for its health page."""

from __future__ import annotations

import logging
import time
from collections import deque
from typing import Any, Final

from governance.trace import iso

_KEPT: Final = 20
_LONGEST: Final = 500


class Troubles(logging.Handler):
    """Listens to the logs of governance, warnings and above. Messages only: what they hold is meant to be read."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._kept: deque[tuple[float, str, str, str]] = deque(maxlen=_KEPT)

    def emit(self, record: logging.LogRecord) -> None:
        try:
            message = record.getMessage()[:_LONGEST]
        except Exception:  # a broken log call must not break what it was about
            message = str(record.msg)[:_LONGEST]
        self._kept.append((time.time(), record.levelname.lower(), record.name, message))
        # Where nobody has set up logging, Python prints warnings to stderr only as long as nobody listens at all.
        if logging.lastResort is not None and not logging.getLogger().hasHandlers():
            logging.lastResort.handle(record)

    def listen(self) -> None:
        """Begin."""
        logging.getLogger("governance").addHandler(self)

    def stop(self) -> None:
        """Hear nothing more."""
        logging.getLogger("governance").removeHandler(self)

    @property
    def last(self) -> list[dict[str, Any]]:
        """Newest first."""
        return [
            {"at": iso(at_s), "level": level, "logger": logger, "message": message}
            for at_s, level, logger, message in reversed(self._kept)
        ]
