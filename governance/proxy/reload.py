"""Hot reload: the policy file is watched, and a new policy that is valid takes over between two requests."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Protocol

from governance.apart import LARGE, full_collections_wait
from governance.engine.host import Host
from governance.engine.retired import let_go_slowly
from governance.limits.changes import begins_anew
from governance.model.errors import GovernanceError
from governance.policy import Policy
from governance.proxy.collector import set_apart
from governance.usecases.follow import Tried

log = logging.getLogger("governance.proxy")

# An editor's or a volume's several steps are one change: what is half written may be a valid policy without its limits.
_SETTLED_MS: Final = 400
# A look is one `stat`. To be told by the system sees nothing on some network file systems nor behind links, and wakes a
# proxy for each line of whatever log stands in the same folder.
_LOOK_EVERY_MS: Final = 500

Signature = tuple[int, ...]


@dataclass(frozen=True)
class ReloadState:
    """Which policy is in use, and what is wrong with the file now.

    Args:
        policy: the one in use.
        loaded_at_s: Unix seconds at which it was read.
        error: every mistake of the last one that was read, one per line; None when it is the one in use.
    """

    policy: Policy
    loaded_at_s: float
    error: str | None = None

    @property
    def revision(self) -> str:
        """Of the policy in use."""
        return self.policy.revision


class Reloadable(Protocol):
    """What runs a policy."""

    reload: ReloadState

    @property
    def frozen(self) -> str | None:
        """Who lets nobody change the policy, until when and why; None while it may be changed."""

    def use(self, host: Host) -> None:
        """Begin requests on this policy from here on."""

    def try_out(self, tried: Tried | None) -> None:
        """Begin requests of some callers on this one; None = those of all on the one in force."""


class PolicyWatch:
    """Looks at the file twice a second, and reads it when it is another one than before."""

    def __init__(self, file: Path) -> None:
        # Taken before the policy is read for the first time, so that no change in between is missed.
        self._file = file
        self._seen = _signature(file)

    async def run(self, running: Reloadable) -> None:
        """Watch until cancelled."""
        hung_up = asyncio.Event()
        _on_hangup(hung_up.set)
        while True:
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(hung_up.wait(), _LOOK_EVERY_MS / 1000)
            try:
                await self.look(running, anyway=hung_up.is_set())
            except Exception as error:  # whatever it is, the next change is to be seen too
                log.exception("policy %s cannot be used", self._file)
                running.reload = replace(running.reload, error=f"{type(error).__name__}: {error}")
            hung_up.clear()

    async def look(self, running: Reloadable, *, anyway: bool = False) -> None:
        """Read the file if it changed, and use it if it is valid. A broken one never replaces a working one."""
        signature = await asyncio.to_thread(_signature, self._file)
        if signature == self._seen and not anyway:
            return
        if running.frozen:
            # Not seen yet: when it may be changed again, this is looked at again.
            if running.reload.error != running.frozen:
                log.error("the new policy waits, %s stays: %s", running.reload.revision, running.frozen)
                running.reload = replace(running.reload, error=running.frozen)
            return
        while signature != self._seen:
            self._seen = signature
            await asyncio.sleep(_SETTLED_MS / 1000)
            signature = await asyncio.to_thread(_signature, self._file)
        try:
            with full_collections_wait():
                self._take_over(running, await asyncio.to_thread(Host.load, self._file))
        except GovernanceError as error:
            running.reload = replace(running.reload, error=str(error))
            for line in str(error).splitlines():
                log.error("the new policy is not used, %s stays: %s", running.reload.revision, line)

    def _take_over(self, running: Reloadable, host: Host) -> None:
        if host.policy.text == running.reload.policy.text:
            running.reload = replace(running.reload, error=None)
        else:
            running.use(host)


def taken_over(before: Host, policy: Policy) -> None:
    """Let go of what decided before this policy, and have the collector leave a large one alone."""
    let_go_slowly(before)
    if len(policy.text) >= LARGE:
        set_apart(os.environ)


def tell_unused(before: Policy, after: Policy, *, truth_differs: bool) -> None:
    """Log which changed settings wait for a restart."""
    if after.core.ledger != before.core.ledger:
        log.warning("changed `ledger` settings of policy %s are used after a restart", after.source)
    if truth_differs:
        log.warning("changed `policy` and `store` settings of %s are used after a restart", after.source)


async def tell_begun_anew(before: Policy, after: Policy) -> None:
    """Log which limits count anew. Of many that takes a while, and nobody waits for it."""
    for change in await asyncio.to_thread(lambda: list(begins_anew(before.sections, after.sections))):
        log.warning("policy %s: %s", after.source, change)


def _signature(file: Path) -> Signature | None:
    try:
        found = os.stat(file)
    except OSError:
        return None
    # The last one tells also of permissions, and of who writes and then sets the time back.
    return found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size, found.st_ctime_ns


def _on_hangup(act: Callable[[], object]) -> None:
    # On a terminal the signal says that the terminal was closed, and ends the proxy as it always did.
    if not hasattr(signal, "SIGHUP") or (sys.stdin is not None and sys.stdin.isatty()):
        return
    if signal.getsignal(signal.SIGHUP) == signal.SIG_DFL:
        with suppress(ValueError, RuntimeError, NotImplementedError):  # not the main thread, or a loop without signals
            asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, act)
