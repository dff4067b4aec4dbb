"""What discovery knows of models, kept in the store for all workers and machines."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from governance.discovery import Change, DiscoveryFailed, read_earlier
from governance.store import NOTHING, Known, Store

log = logging.getLogger("governance.usecases")


def learn(store: Store, known: Known = NOTHING) -> Known:
    """What is known by now; `known` itself if nothing is new. Raises StoreUnavailable."""
    with store.read() as work:
        return work.discovered.since(known)


def keep(store: Store, change: Change) -> Known:
    """Change what is known; nobody else does meanwhile. Raises StoreUnavailable."""
    with store.write() as work:
        return work.discovered.change(change)


def take_over(store: Store, file: Path, now: Callable[[], datetime]) -> str | None:
    """Add what a file of an earlier version knows, once for each content; the file stays as it is.

    Returns:
        Why the file cannot be taken over; None = it was, now or before, or there is none.

    Raises:
        StoreUnavailable: it is taken over another time.
    """
    try:
        earlier = read_earlier(file)
    except DiscoveryFailed as error:
        return str(error)
    if earlier is None:
        return None
    with store.read() as work:
        if work.discovered.has_taken_over(earlier.digest):
            return None
    with store.write() as work:
        if work.discovered.take_over(earlier, now()):
            log.info("%s: what discovery knew was taken over into the store (%s)", file, store.name)
    return None
