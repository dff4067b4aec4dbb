"""How a hook finds the request that it belongs to, among those that are on their way through LiteLLM."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from governance.proxy.live import PASS_THROUGH, Live
from governance.proxy.translate import BUCKETS, MARKER, buckets

# A success may still follow a failure (a guardrail after the answer), but not later than this.
_LATE_S: Final = 60.0


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
        place = self._current.get()
        live = None if place is None else place.live
        if live is None:
            return None
        decision_id = live.decision.id
        if decision_id not in self._open and decision_id not in self._released:
            return None
        passes = live.call_type == PASS_THROUGH
        for holder in (kwargs, kwargs.get("litellm_params")):
            if not isinstance(holder, Mapping):
                continue
            for key in BUCKETS:
                marks = holder.get(key)
                if not isinstance(marks, Mapping):
                    continue
                if marks.get("is_silent_experiment"):
                    return None
                # Clients may write anything there: an id means something only where it is that of this very context.
                if not passes and marks.get(MARKER) == decision_id:
                    return live
        # Google's streams lose their metadata on the way. Calls that a guardrail makes meanwhile have other ids.
        same_call = live.call_id is not None and kwargs.get("litellm_call_id") == live.call_id
        return live if same_call and not passes else None

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
