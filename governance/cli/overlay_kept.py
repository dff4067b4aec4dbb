"""Where verbs find what is in force beside a policy: where its ledger keeps it, or at a running proxy."""

from __future__ import annotations

import asyncio
import getpass
import os
import time
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Protocol, TypeVar
from urllib.parse import quote

from governance.cli.running_proxy import NotAnswered, RunningProxy, running_proxy
from governance.cli.terminal import policy_path
from governance.model.errors import GovernanceError, StoreUnavailable

if TYPE_CHECKING:
    from governance.engine.host import Host
    from governance.store import Store
    from governance.usecases.change_policy import Author
    from governance.usecases.overlay import Kept

T = TypeVar("T")

_MISTAKES: Final = frozenset({"invalid_entry", "invalid_request", "no_such_entry", "too_many_entries"})


class OverlayOf(Protocol):
    """The overlay, as plain values like those of the API. Everything raises GovernanceError."""

    def listed(self) -> dict[str, Any]:
        """`entries` that have not ended, and where they are `kept_in`."""

    def set(self, asked: dict[str, Any]) -> dict[str, Any]:
        """The `entry` that is in force now, and whether it was `audited`."""

    def withdraw(self, id: str) -> dict[str, Any]:
        """The `entry` that is in force no longer."""


class AtProxy:
    """That of a running proxy."""

    def __init__(self, proxy: RunningProxy) -> None:
        self._proxy = proxy

    def listed(self) -> dict[str, Any]:
        return self._told(lambda: self._proxy.get("/api/overlay"))

    def set(self, asked: dict[str, Any]) -> dict[str, Any]:
        return self._told(lambda: self._proxy.post("/api/overlay", asked))

    def withdraw(self, id: str) -> dict[str, Any]:
        return self._told(lambda: self._proxy.delete(f"/api/overlay/{quote(id, safe='')}"))

    def _told(self, ask: Callable[[], Any]) -> dict[str, Any]:
        try:
            told: dict[str, Any] = ask()
        except NotAnswered as error:
            if error.told.get("code") in _MISTAKES:
                raise GovernanceError(str(error.told.get("message"))) from None
            raise
        return told


class OfPolicy:
    """That of the policy file's ledger, or of its store where that ledger is memory."""

    def __init__(self, file: Path) -> None:
        from governance.engine.host import Host
        from governance.store import open_store

        self._of_file = Host.load(file)
        core = self._of_file.policy.core

        def opened() -> Store:
            return open_store(core.store.url, os.environ)

        self._open = opened

    def listed(self) -> dict[str, Any]:
        from governance.trace import iso
        from governance.usecases.overlay import entries, row

        async def listed(kept: Kept) -> dict[str, Any]:
            now_s, stated = time.time(), self._stated()
            found = [row(entry, stated) for entry in await entries(kept) if entry.in_force(now_s)]
            return {"at": iso(now_s), "kept_in": kept.name, "entries": found}

        return self._run(listed)

    def set(self, asked: dict[str, Any]) -> dict[str, Any]:
        from pydantic import Field, TypeAdapter, ValidationError

        from governance.usecases.overlay import row, set_entry
        from governance.usecases.overlay_asked import AnyAsked, entry_of

        try:
            given: AnyAsked = TypeAdapter(Annotated[AnyAsked, Field(discriminator="kind")]).validate_python(asked)
        except ValidationError as error:
            first = error.errors()[0]
            raise GovernanceError(f"{first['loc'][-1]}: {first['msg']}") from None
        author, stated = _author(), self._stated()

        async def set_one(kept: Kept) -> dict[str, Any]:
            done = await set_entry(kept, entry_of(given, stated, None, author, time.time()), author)
            return {"entry": row(done.entry, stated), "audited": done.audited}

        return self._run(set_one)

    def withdraw(self, id: str) -> dict[str, Any]:
        from governance.usecases.overlay import row, withdraw

        async def withdraw_one(kept: Kept) -> dict[str, Any]:
            done = await withdraw(kept, id, _author(), time.time())
            return {"entry": row(done.entry), "audited": done.audited}

        return self._run(withdraw_one)

    def check_not_frozen(self) -> None:
        """Raises PolicyFrozen."""
        from governance.usecases.overlay import check_not_frozen

        self._run(lambda kept: check_not_frozen(kept, time.time()))

    def _stated(self) -> Host:
        """The policy in force: the revision that the store says, else the file; a kill switch waits for no database."""
        from governance.usecases.candidate import usable_revision
        from governance.usecases.overlay import is_there
        from governance.usecases.revisions import NoSuchRevision, show

        core = self._of_file.policy.core
        if core.policy.source == "file" or not is_there(core.store.url, os.environ):
            return self._of_file
        try:
            store = self._open()
            try:
                return usable_revision(show(store), core, os.environ)
            finally:
                store.close()
        except (StoreUnavailable, NoSuchRevision):
            return self._of_file

    def _run(self, use: Callable[[Kept], Coroutine[Any, Any, T]]) -> T:
        from governance.usecases.overlay import kept_by

        core = self._of_file.policy.core

        async def run() -> T:
            kept = kept_by(core.ledger.url, core.store.url, self._ask, os.environ)
            try:
                return await use(kept)
            finally:
                await kept.close()

        return asyncio.run(run())

    def _ask(self, use: Callable[[Store], T]) -> Awaitable[T]:
        async def asked() -> T:
            store = self._open()
            try:
                return use(store)
            finally:
                store.close()

        return asked()


def overlay_of(url: str | None, key_env: str, policy: Path | None) -> OverlayOf:
    """What keeps the overlay, by the options of a verb. Raises GovernanceError."""
    return AtProxy(running_proxy(url, key_env)) if url is not None else OfPolicy(policy_path(policy))


def _author() -> Author:
    from governance.usecases.change_policy import Author

    return Author(getpass.getuser(), "command")
