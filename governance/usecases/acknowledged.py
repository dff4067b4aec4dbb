"""Which workers have followed a change, which would not, and which have not said so yet."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from governance.store import Pointer, Store, Worker
from governance.usecases.follow import GONE_AFTER

# The longest that anybody may wait.
MOST_WAIT_S: Final = 60.0
ASK_EVERY_S: Final = 0.1


@dataclass(frozen=True)
class Acknowledged:
    """Every worker that lives, as it has told.

    Args:
        done: those that serve by the change.
        refused: those that could not use it, and serve by what was in force before.
        missing: those that have not said anything of it.
    """

    done: tuple[Worker, ...]
    refused: tuple[Worker, ...]
    missing: tuple[Worker, ...]

    @property
    def by_all(self) -> bool:
        """Whether every worker serves by it."""
        return not (self.refused or self.missing)

    def report(self) -> dict[str, Any]:
        """All of it, ready for JSON."""
        return {
            "done": len(self.done),
            "refused": [{**_told(worker), "reason": worker.reason} for worker in self.refused],
            "missing": [_told(worker) for worker in self.missing],
        }


def acknowledged(store: Store, version: int, now: datetime) -> Acknowledged:
    """Who has followed the pointer to this version, or beyond. Raises StoreUnavailable."""
    with store.read() as work:
        pointer = work.pointer.get()
        workers = work.workers.seen_since(now - GONE_AFTER)
    done: list[Worker] = []
    refused: list[Worker] = []
    missing: list[Worker] = []
    for worker in workers:
        into = missing if not _followed(worker, version, pointer) else refused if worker.refused_id else done
        into.append(worker)
    return Acknowledged(tuple(done), tuple(refused), tuple(missing))


def wait_for_all(
    store: Store,
    version: int,
    wait_s: float,
    clock: Callable[[], datetime],
    sleep: Callable[[float], None] = time.sleep,
) -> Acknowledged:
    """The same, as soon as every worker has said something of it, or after so many seconds. Blocks."""
    began_s = time.monotonic()
    while True:
        found = acknowledged(store, version, clock())
        if not found.missing or time.monotonic() - began_s >= wait_s:
            return found
        sleep(ASK_EVERY_S)


def _followed(worker: Worker, version: int, pointer: Pointer | None) -> bool:
    if worker.seen_version is not None:
        return worker.seen_version >= version
    # One of the version before tells by which revision it serves, and tries none.
    if pointer is None or pointer.candidate_id is not None:
        return False
    return pointer.active_id in (worker.active_id, worker.refused_id)


def _told(worker: Worker) -> dict[str, Any]:
    serves = {"active_id": worker.active_id, "seen_at": worker.seen_at.isoformat()}
    return {"id": worker.id, "host": worker.host, **serves}
