"""A policy that is tried beside the one in force: whom it decides for, and what it would have done for others."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import random
from collections.abc import Callable
from typing import Any, Final

from governance.engine.admission import MayCall
from governance.engine.decision import Decision
from governance.engine.engine import Engine
from governance.model import Identity, Request

log = logging.getLogger("governance.engine")

IN_FORCE: Final = "in_force"
CANDIDATE: Final = "candidate"
# A ledger that does not answer has cost the request enough when it is asked the second time.
_WITHIN_S: Final = 0.5
_WHOLE: Final = 100


class Trial:
    """The engine of the candidate, on the ledger of the one in force: windows of one name are counted together.

    Args:
        id: of the revision; other revisions are tried on other subjects.
        percent: of the subjects.
        shadow_percent: of the requests of the others.
    """

    def __init__(self, id: int, engine: Engine, percent: int, shadow_percent: int) -> None:
        self.id, self.engine = id, engine
        self.percent, self.shadow_percent = percent, shadow_percent
        engine.arm = CANDIDATE

    def takes(self, identity: Identity) -> bool:
        """Whether the candidate decides for this caller; the same in every process, and for a greater share, too."""
        return share_of(self.id, subject_of(identity)) < self.percent

    def looks_on(self) -> bool:
        """Whether it is noted what the candidate would do with a request; drawn anew for each."""
        return random.random() * _WHOLE < self.shadow_percent  # noqa: S311 - a sample is no secret

    async def would(self, request: Request, may_call: MayCall | None) -> Decision | None:
        """What the candidate would do, counting nothing; None where it cannot be told."""
        try:
            asked = self.engine.admit(request, may_call=may_call, mode="simulated")
            return await asyncio.wait_for(asked, _WITHIN_S)
        except Exception as error:  # what is only tried must not cost the caller its request
            log.warning("revision %s, which is tried, could not be asked: %s", self.id, type(error).__name__)
            return None


def subject_of(identity: Identity) -> str:
    """Whom limits count, so that none is counted by two policies: the team, else the key."""
    if identity.team_id:
        return f"team:{identity.team_id}"
    return f"virtual_key:{identity.virtual_key_id}" if identity.virtual_key_id else "everyone"


def share_of(id: int, subject: str) -> float:
    """Where a subject stands among all, in [0, 100), drawn once for each candidate."""
    drawn = hashlib.sha256(f"{id}\n{subject}".encode()).digest()
    return int.from_bytes(drawn[:8], "big") / 2**64 * _WHOLE


def replayed(request: Request) -> tuple[Request, Request]:
    """The same request twice, with the same random numbers in the same order."""
    drawn: list[float] = []

    def again() -> Callable[[], float]:
        position = 0

        def draw() -> float:
            nonlocal position
            if position == len(drawn):
                drawn.append(request.draw())
            position += 1
            return drawn[position - 1]

        return draw

    return request.but(draw=again()), request.but(draw=again())


def compared(did: Decision, would: Decision | None) -> dict[str, Any]:
    """What the candidate would have done, and in which way that differs from what was done, as the record tells it.

    `difference`: `none`, `would_refuse`, `would_admit`, `other_refusal`, `other_target`, `other_fallbacks`; `unknown`
    where the candidate could not be asked.
    """
    if would is None:
        return {"difference": "unknown"}
    trace, refusal = would.trace, would.refusal
    told: dict[str, Any] = {"policy_revision": trace.policy_revision, "outcome": would.outcome}
    if refusal is not None:
        told |= {"code": refusal.code, "limit": refusal.limit}
    else:
        told |= {"model": _first(would)}
    return {**told, "difference": _difference(did, would)}


def _difference(did: Decision, would: Decision) -> str:
    if would.refusal is not None:
        if did.refusal is None:
            return "would_refuse"
        return "none" if would.refusal.code == did.refusal.code else "other_refusal"
    if did.refusal is not None:
        return "would_admit"
    if _first(would) != _first(did):
        return "other_target"
    return "none" if _names(would) == _names(did) else "other_fallbacks"


def _first(decision: Decision) -> str:
    return decision.target.name if decision.target else decision.request.model


def _names(decision: Decision) -> list[str]:
    return [target.name for target in decision.fallbacks]
