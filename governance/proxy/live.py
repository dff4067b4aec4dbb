"""A request that is on its way through LiteLLM: the engine it began on, and how far it has come."""

from __future__ import annotations

import asyncio
import math
import weakref
from dataclasses import dataclass, field
from typing import Any, Final

from governance.catalog import Catalog
from governance.engine.admission import MayCall
from governance.engine.decision import Decision
from governance.engine.engine import Engine
from governance.proxy.delivered import Delivered
from governance.proxy.parts import Parts
from governance.proxy.usage.told import Told

PASS_THROUGH: Final = "pass_through_endpoint"  # noqa: S105 - a call type

# Whose streams all pass our hook, chunk by chunk.
_STREAMS: Final = frozenset({"acompletion", "atext_completion", "aresponses", "anthropic_messages"})
# LiteLLM tells of an answer some time after the HTTP request is served; what it has not told by then, it never will.
_TOLD_WITHIN_S: Final = 10.0
# LiteLLM makes some background responses itself, behind a request that has long been served (`polling_via_cache`).
_MADE_WITHIN_S: Final = 24 * 3600.0


@dataclass(slots=True, eq=False)
class Live:
    """One request, the engine it began on, and how far it has come.

    Args:
        call_type: LiteLLM's name for what is asked.
        call_id: LiteLLM's id of the call. A client may choose it, so it says nothing alone.
        task: what serves the HTTP request, held weakly: its context leads to this request.
        own_credentials: the caller brought the provider's key, so a failure may be the caller's.
        coming: the name of the hop that LiteLLM announced last.
        answer: of the provider, not streamed; what comes after it may still keep it from the caller.
        cut: what the stream of the attempt under way broke with.
        own_timeout: the caller said how long to wait, so that a wait that was too long may be its doing.
        sent: LiteLLM has said that the attempt under way is on its way to the provider.
        heard: something has answered since the attempt under way began.
        malformed: LiteLLM could not make a request of the body.
        delivered: what the caller was sent of a stream so far.
        stopped: the failure after which no other target may be tried.
        told: its record was told; that happens once.
        released_s: monotonic seconds at which it was released.
        usages: what the provider's stream reported.
        parts: what targets delivered before others went on.
        body: what the caller has sent, until its request is over.
        served: its HTTP request is done.
        mirrored: what its provider was sent, where a mirror gets it too.
        catalog: what the router served when it was asked for the attempt under way.
    """

    engine: Engine
    decision: Decision
    may_call: MayCall
    call_type: str
    call_id: str | None
    task: weakref.ref[asyncio.Task[Any]] | None
    own_credentials: bool = False
    coming: str | None = None
    answer: Any = None
    cut: Exception | None = None
    own_timeout: bool = False
    sent: bool = False
    heard: bool = False
    malformed: bool = False
    delivered: Delivered = field(default_factory=Delivered)
    stopped: Exception | None = None
    told: bool = False
    released_s: float | None = None
    usages: Told = field(default_factory=Told)
    parts: Parts = field(default_factory=Parts)
    body: Any = None
    served: bool = False
    mirrored: dict[str, Any] | None = None
    catalog: Catalog | None = None

    @property
    def retry_after_s(self) -> int | None:
        """Whole seconds until the first of the targets that failed wants to be asked again; None where none says."""
        attempts = (attempt.retry_after_s for attempt in self.decision.trace.attempts if attempt.outcome == "failed")
        said = [seconds for seconds in attempts if seconds is not None]
        return max(1, math.ceil(min(said))) if said else None

    def asked(self) -> str:
        """All that the caller has sent, as one text."""
        return str(self.body)

    @property
    def name(self) -> str:
        """What LiteLLM calls the model that is being tried, or was tried last."""
        for attempt in reversed(self.decision.trace.attempts):
            if attempt.outcome == "skipped":
                continue
            for name, target in self.decision.by_call_name.items():
                if target.name == attempt.target:
                    return name
            return attempt.target
        return self.decision.call_name(self.decision.target) if self.decision.target else ""

    @property
    def trying(self) -> bool:
        """Whether an attempt is under way."""
        attempts = self.decision.trace.attempts
        return bool(attempts) and attempts[-1].outcome == "started"

    @property
    def reached(self) -> bool:
        """Whether an attempt is under way at its provider."""
        return self.trying and self.decision.trace.attempts[-1].reached

    @property
    def failed_whole(self) -> bool:
        """Whether all of a stream was an error, which LiteLLM hands on and tells nothing of."""
        return self.trying and self.cut is not None and not (self.delivered.output_tokens or self.usages.usages)

    @property
    def told_within_s(self) -> float:
        """Seconds after its HTTP request is done in which LiteLLM tells what it used, if ever."""
        later = self.call_type == "aresponses" and self.decision.request.params.get("background") == "true"
        return _MADE_WITHIN_S if later else _TOLD_WITHIN_S

    @property
    def left_early(self) -> bool:
        """Whether nothing of a stream was sent to the caller, once its HTTP request is done: it did not wait for it."""
        later = self.decision.request.params.get("background") == "true"
        return (
            self.reached
            and self.call_type in _STREAMS
            and self.decision.request.streaming
            and not (self.delivered.began or later)
        )
