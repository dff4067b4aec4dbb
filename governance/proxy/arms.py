"""Which engine decides for whom: the one in force, or that of a policy which is tried on some callers."""

from __future__ import annotations

import logging

from governance.engine.admission import MayCall
from governance.engine.cooling import Tell
from governance.engine.decision import Decision
from governance.engine.engine import Engine
from governance.engine.host import Host
from governance.engine.keyring import Keyring, Served, denying
from governance.engine.overlay import Overlay
from governance.engine.trial import IN_FORCE, Trial, compared, replayed
from governance.ledger import Ledger
from governance.model import Identity, Request
from governance.usecases.follow import Tried

log = logging.getLogger("governance.proxy")


class Arms:
    """The engines of one worker, all on one ledger.

    Args:
        served: what the proxy serves, for the lists of keys.
        tell: gets every alert.
        overlay: what is in force beside each of the policies.
    """

    def __init__(
        self, host: Host, keyring: Keyring, served: Served, ledger: Ledger, tell: Tell, overlay: Overlay | None = None
    ) -> None:
        self._served, self._tell, self._overlay = served, tell, overlay
        self.in_force = Engine(denying(host, keyring, served), ledger, tell=tell, overlay=overlay)
        self.trial: Trial | None = None

    def use(self, host: Host, keyring: Keyring) -> None:
        """Begin requests on this policy from here on."""
        self.in_force = self._beside(host, keyring)

    def try_out(self, tried: Tried | None, keyring: Keyring) -> bool:
        """Begin requests of some callers on this one; None = those of all on the one in force.

        Returns:
            Whether it is another one than before.
        """
        before = self.trial
        if tried is None:
            self.trial = None
        else:
            known = before.engine if before is not None and before.id == tried.id else None
            self.trial = Trial(tried.id, known or self._beside(tried.host, keyring), *tried.staging)
        self.in_force.arm = IN_FORCE if tried else ""
        another = (before and before.id) != (tried and tried.id)
        if another:
            log.info("revision %s is tried", tried.id) if tried else log.info("no revision is tried any more")
        return another

    def of(self, who: Identity) -> Engine:
        """The engine that decides for this caller."""
        trial = self.trial
        return trial.engine if trial is not None and trial.takes(who) else self.in_force

    async def decide(self, engine: Engine, request: Request, may_call: MayCall) -> Decision:
        """What this engine decides; with what the candidate would have done, where it looks on."""
        trial = self.trial
        if trial is None or engine is trial.engine or not trial.looks_on():
            return await engine.admit(request, may_call=may_call)
        # Before the request is counted: what it takes itself would be missing for it.
        first, request = replayed(request)
        would = await trial.would(first, may_call)
        decision = await engine.admit(request, may_call=may_call)
        decision.trace.would = compared(decision, would)
        return decision

    def _beside(self, host: Host, keyring: Keyring) -> Engine:
        known = self.in_force
        engine = Engine(denying(host, keyring, self._served), known.ledger, tell=self._tell, overlay=self._overlay)
        engine.levels, engine.habits, engine.deadline_s = known.levels, known.habits, known.deadline_s
        if type(engine.speeds) is type(known.speeds):
            engine.speeds = known.speeds
        return engine
