"""The requests that are on their way through LiteLLM, and how a hook finds the one it belongs to."""

from __future__ import annotations

import asyncio
import math
import time
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from governance.engine.admission import MayCall
from governance.engine.decision import Decision
from governance.engine.engine import Engine
from governance.proxy.delivered import Delivered
from governance.proxy.parts import Parts
from governance.proxy.translate import MARKER, buckets
from governance.proxy.usage.told import Told

PASS_THROUGH: Final = "pass_through_endpoint"  # noqa: S105 - a call type

# Whose streams all pass our hook, chunk by chunk.
_STREAMS: Final = frozenset({"acompletion", "atext_completion", "aresponses", "anthropic_messages"})
# A success may still follow a failure (a guardrail after the answer), but not later than this.
_LATE_S: Final = 60.0
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


@dataclass(slots=True, eq=False)
class Place:
    """What a context holds of its request. Contexts are copied, and connections to providers keep theirs for hours."""

    live: Live | None


class LiveRequests:
    """Found by the context that LiteLLM runs every hook of a request in, and by the id that travels in its metadata,
    which tells the request itself from calls that guardrails make on its way.

    Nothing leads to a request any more when it has ended, is served, and nothing may be told of it.

    Args:
        late_s: for so long a success may follow the end without an answer.
    """

    def __init__(self, late_s: float = _LATE_S) -> None:
        self.late_s = late_s
        self._open: dict[str, Live] = {}
        self._released: dict[str, Live] = {}
        self._places: dict[str, Place] = {}
        self._current: ContextVar[Place | None] = ContextVar("governance_live", default=None)

    def __iter__(self) -> Iterator[Live]:
        return iter(list(self._open.values()))

    def __contains__(self, live: Live) -> bool:
        return live.decision.id in self._open

    def __len__(self) -> int:
        return len(self._open)

    @property
    def current(self) -> Live | None:
        """The request that this very task has begun to serve before; None for the first one."""
        live = self.serving()
        return live if live is not None and live.task is not None and live.task() is _task() else None

    def of(self, decision_id: str) -> Live | None:
        """The one with this id, while it is on its way."""
        return self._open.get(decision_id)

    def add(self, live: Live) -> None:
        self._open[live.decision.id] = live
        place = self._places[live.decision.id] = Place(live)
        self._current.set(place)

    def settled(self, live: Live) -> None:
        """It was answered; nothing later changes that."""
        live.body = None
        self._open.pop(live.decision.id, None)
        self._released.pop(live.decision.id, None)
        self._leave(live)

    def released(self, live: Live) -> None:
        """It ended without an answer; one may still be reported for a while."""
        live.body = None
        now = live.released_s = time.monotonic()
        self._open.pop(live.decision.id, None)
        self._released[live.decision.id] = live
        self.forget(now)

    def served(self, live: Live) -> None:
        """Its HTTP request is done: LiteLLM can only report the past."""
        live.served = True
        self._leave(live)

    def forget(self, now_s: float) -> None:
        """Let go of those that ended without an answer so long ago that none is told any more.

        Args:
            now_s: monotonic seconds.
        """
        while self._released:
            oldest = next(iter(self._released.values()))
            if now_s - (oldest.released_s or now_s) < self.late_s:
                break
            del self._released[oldest.decision.id]
            self._leave(oldest)

    def listener(self) -> Callable[[Any], None] | None:
        """Who notes the usage in a stream that is read in this context; None where no attempt is under way."""
        live = self.serving()
        if live is None or not live.trying:
            return None
        return partial(live.usages.note, len(live.decision.trace.attempts))

    def heard(self) -> None:
        """An answer is read in this context."""
        live = self.serving()
        if live is not None:
            live.heard = True

    def find(self, kwargs: Any) -> Live | None:
        """The request that a hook's arguments belong to; None for those we have not seen and for shadow traffic."""
        if not isinstance(kwargs, Mapping):
            return None
        live = self.serving()
        if live is None or not (live in self or live.decision.id in self._released):
            return None
        found, parameters = buckets(kwargs), kwargs.get("litellm_params")
        if isinstance(parameters, Mapping):
            found += buckets(parameters)
        for marks in found:
            if marks.get("is_silent_experiment"):
                return None
            # Clients may write anything there: an id means something only where it is that of this very context.
            if live.call_type != PASS_THROUGH and marks.get(MARKER) == live.decision.id:
                return live
        # Google's streams lose their metadata on the way. Calls that a guardrail makes meanwhile have other ids.
        same_call = live.call_id is not None and kwargs.get("litellm_call_id") == live.call_id
        return live if same_call and live.call_type != PASS_THROUGH else None

    def find_served(self, data: Any) -> Live | None:
        """The same while the answer is being sent, when it may have been settled already (from a cache, say)."""
        live = self.serving()
        for marks in buckets(data) if live and isinstance(data, Mapping) else ():
            if live and marks.get(MARKER) == live.decision.id:
                return live
        return self.find(data)

    def serving(self) -> Live | None:
        """The request of this context, whatever has become of it; None for one that no policy is about."""
        place = self._current.get()
        return place.live if place is not None else None

    def cut(self, error: Exception) -> None:
        """A stream that is read in this context has broken, and LiteLLM may go on at the next target."""
        live = self.serving()
        if live is not None and live.trying:
            live.cut = error

    def find_passed_through(self) -> Live | None:
        """The request of this context, where it is one that LiteLLM passes through without metadata."""
        live = self.serving()
        return live if live and live.call_type == PASS_THROUGH else None

    def _leave(self, live: Live) -> None:
        decision_id = live.decision.id
        if not live.served or decision_id in self._open or decision_id in self._released:
            return
        place = self._places.pop(decision_id, None)
        if place is not None:
            place.live = None
        # Their tracebacks lead to whoever raised them on our behalf, and from there back to the request.
        live.cut = live.stopped = live.answer = None


def _task() -> asyncio.Task[Any] | None:
    try:
        return asyncio.current_task()
    except RuntimeError:
        return None
