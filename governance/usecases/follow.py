"""How one worker follows the store: which revision it serves by, and what becomes of those that it cannot use."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from governance.engine.host import Host
from governance.model.errors import GovernanceError, StoreUnavailable
from governance.policy import Policy
from governance.store import Pointer, Revision, Staging, Store, Worker, open_store
from governance.store.last_good import LastGood
from governance.usecases.candidate import usable, usable_revision
from governance.usecases.noted import Author

log = logging.getLogger("governance.usecases")

# A worker that has not told of itself for so long is no more.
GONE_AFTER: Final = timedelta(seconds=45)
_TELL_EVERY: Final = timedelta(seconds=15)


def seen_workers(store: Store, since: datetime) -> list[Worker]:
    """The workers that follow a store, as they told since then. Raises StoreUnavailable."""
    with store.read() as work:
        return work.workers.seen_since(since)


class Tried(NamedTuple):
    """A revision that is tried beside the one in force, with its plugins started."""

    id: int
    host: Host
    staging: Staging


# Who serves: by this policy, where it is another one than before, and tries that one beside it.
Serve = Callable[[Host | None, Tried | None], None]


def _nobody(host: Host | None, tried: Tried | None) -> None:
    """Whoever asks serves by the answer later."""


class Follower:
    """Asked again and again, in a thread: is there another policy to serve by?

    Attributes:
        store: None until it has answered once.
        active_id: the revision that this worker serves by; None = the file's, which the store does not know yet.
        refusal: why the revision in force, or the one that is tried, is not used here; None = it is.
        tried: the revision to try beside it; None = there is none, or it cannot be used here.
        reading: the revision that the store has given and that is being read now; None = there is no such.
    """

    def __init__(
        self, file: Policy, environment: Mapping[str, str], worker: Worker, clock: Callable[[], datetime]
    ) -> None:
        self._file = file
        self._environment = environment
        self._clock = clock
        self._last_good = LastGood(file.core.store.url, environment)
        self._seen: Pointer | None = None
        self._worker = worker
        self._told_at: datetime | None = None
        self.store: Store | None = None
        self.active_id: int | None = None
        self.refusal: str | None = None
        self.refused_id: int | None = None
        self.tried: Tried | None = None
        self.reading: int | None = None

    def begin(self) -> tuple[Host, str | None]:
        """The policy to start with, and why the store did not give it; None = it did.

        Raises:
            GovernanceError: there is none; the proxy must not start by a policy that nobody put in force.
        """
        trouble: GovernanceError
        try:
            host = self.look()
            if host is not None:
                return host, None
            trouble = GovernanceError(self.refusal or "")
        except StoreUnavailable as error:
            trouble = error
        kept = self._last_good.read()
        if kept is None:
            raise GovernanceError(
                f"{trouble}\nand there is no copy of an earlier revision at {self._last_good.path}"
            ) from None
        host = usable(kept.yaml, f"revision {kept.id}", self._file.core, self._environment)
        self.active_id = kept.id
        return host, str(trouble)

    def look(self, serve: Serve = _nobody) -> Host | None:
        """The policy that is in force now, where it is another one than before and can be used; else None.

        Args:
            serve: called before the store is told that this worker serves by what the pointer says.

        Raises StoreUnavailable; what was in force stays.
        """
        now = self._clock()
        if self.store is None:
            self.store = self._opened(now)
        due = self._told_at is None or now - self._told_at >= _TELL_EVERY
        with self.store.read() as work:
            pointer = work.pointer.get()
            # What was refused may be mended meanwhile: a row, or what this machine lacked.
            anew = pointer is not None and (pointer != self._seen or (due and self.refusal is not None))
            revision = work.revisions.get(pointer.active_id) if pointer is not None and anew else None
            tried_id = pointer.candidate_id if pointer is not None and anew else None
            candidate = None if tried_id is None else work.revisions.get(tried_id)
        host = None
        if pointer is not None and revision is not None:
            before, self._seen = self._seen, pointer
            refused = self.refusal
            if before is None or before.active_id != revision.id or self.refused_id == revision.id:
                host = self._take(revision)
            else:
                self._refuse(None, None)
            self._try(candidate, pointer)
            self._tell_refusal(refused)
            serve(host, self.tried)
        if anew or due:
            self._tell(now)
        return host

    def end(self) -> None:
        """This worker ends. Raises StoreUnavailable."""
        if self.store is not None:
            with self.store.write() as work:
                work.workers.forget(self._worker.id)
            self.store.close()

    def _opened(self, now: datetime) -> Store:
        store = open_store(self._file.core.store.url, self._environment)
        try:
            with store.read() as work:
                seeded = work.pointer.get() is not None
            if not seeded:
                # Only now: it judges changes, with tests and backtests, and only the first worker of a store has one.
                from governance.usecases.change_policy import seed

                usable(self._file.text, self._file.source, self._file.core, self._environment)
                seed(store, self._file, Author(self._file.source, "file"), now)
        except BaseException:  # whatever it was, it is opened anew the next time
            store.close()
            raise
        return store

    def _take(self, revision: Revision) -> Host | None:
        try:
            host = self._read(revision)
        except GovernanceError as error:
            self._refuse(revision.id, str(error))
            return None
        self.active_id = revision.id
        self._refuse(None, None)
        try:
            self._last_good.keep(revision)
        except OSError as error:  # the copy is for worse times; today's policy is in force without it
            log.error("%s: cannot be written: %s", self._last_good.path, error.strerror)
        return host

    def _try(self, candidate: Revision | None, pointer: Pointer) -> None:
        if candidate is None:
            self.tried = None
        elif self.tried is not None and self.tried.id == candidate.id:
            self.tried = self.tried._replace(staging=pointer.staging)
        elif self.refusal is not None:
            self.tried = None  # what is in force here is not what it is to be compared with
        else:
            try:
                host = self._read(candidate)
                self.tried = Tried(candidate.id, host, pointer.staging)
            except GovernanceError as error:
                self.tried = None
                self._refuse(candidate.id, str(error))

    def _read(self, revision: Revision) -> Host:
        self.reading = revision.id
        try:
            return usable_revision(revision, self._file.core, self._environment)
        finally:
            self.reading = None

    def _refuse(self, id: int | None, why: str | None) -> None:
        self.refused_id, self.refusal = id, why

    def _tell_refusal(self, before: str | None) -> None:
        for line in (self.refusal or "").splitlines() if self.refusal != before else ():
            log.error("revision %s is not used here, what was in force stays: %s", self.refused_id, line)

    def _tell(self, now: datetime) -> None:
        if self.store is None or self._seen is None:
            return
        worker = replace(
            self._worker,
            active_id=self.active_id,
            refused_id=self.refused_id,
            reason=self.refusal,
            seen_at=now,
            seen_version=self._seen.version,
            candidate_id=None if self.tried is None else self.tried.id,
        )
        with self.store.write() as work:
            work.workers.tell(worker)
            work.workers.forget_unseen(now - GONE_AFTER)
        self._told_at = now
