"""All that is told about the decisions of one worker: counted, logged and kept a moment later."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, NamedTuple

from governance.engine.engine import Engine
from governance.limits.alerts import Alert
from governance.model.target_alert import TargetAlert
from governance.policy.document import Core
from governance.policy.telemetry import TelemetrySettings
from governance.telemetry.alerting import Alerting
from governance.telemetry.decisions import DecisionLog, Told
from governance.telemetry.metrics import Metrics, shared_metrics
from governance.telemetry.packed import Packed
from governance.telemetry.recent import Recent, RecentHere
from governance.telemetry.recorder import Recorder
from governance.telemetry.redaction import Redaction, encoded
from governance.telemetry.scribe import Scribe
from governance.telemetry.troubles import Troubles
from governance.trace import Trace

log = logging.getLogger("governance.telemetry")

LOOK_S: Final = 5.0
# To make many records one after the other costs half of what each would cost in the middle of its request.
LINGER_S: Final = 0.1
# While so many are made, no request is served: about a quarter of a millisecond.
_AT_ONCE: Final = 8
_MOST_ENDED: Final = 4096
_STORE_TIMEOUT_S: Final = 2.0


class _Ended(NamedTuple):
    """A request that is over. `logged`: in the decision log. `at_s`: when it ended, Unix seconds."""

    trace: Trace
    logged: bool
    at_s: float
    late: bool = False


class Telemetry:
    """Told once about every request; nothing in it makes a request wait or fails it.

    What ends while 4,096 still wait to be told is counted, and neither logged nor kept.
    Raises GovernanceError where the decision log cannot be written at the start.

    Args:
        environment: may name another decision log than the policy; see `DecisionLog`.
        clock: Unix seconds, the engine's.
    """

    def __init__(
        self,
        core: Core,
        environment: Mapping[str, str],
        metrics: Metrics | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.settings = core.telemetry
        self.metrics = metrics or shared_metrics()
        self.metrics.subjects = self.settings.metrics.subjects
        self.log = DecisionLog.open(self.settings.decision_log, environment)
        self.recent = _recent(core)
        self.recorder = Recorder(self.settings, environment, clock=clock)
        self.alerting = Alerting(self.settings.alerts, self.metrics.delivered)
        self.troubles = Troubles()
        self._redaction = Redaction(self.settings.decision_log)
        self._scribe: Scribe[Told] = Scribe(self.log.write)
        self._clock = clock
        self._ended: deque[_Ended] = deque()
        self._telling: asyncio.Handle | None = None
        self._untold = 0
        self._looking: asyncio.Task[None] | None = None

    def watch(self, engine: Callable[[], Engine], under_way: Callable[[], Iterable[Trace]]) -> None:
        """What to look at: the engine in force, and the traces of the requests that are being served."""
        self._engine, self._under_way = engine, under_way

    def start(self) -> None:
        """Begin what runs beside the requests. Needs a running event loop."""
        self.troubles.listen()
        self._looking = asyncio.get_running_loop().create_task(self._look_again_and_again())

    def tell(self, trace: Trace) -> None:
        """A request is over. Needs a running event loop; takes microseconds and never fails."""
        self._soon(_Ended(trace, self.log.wants(trace), self._clock()))

    def answered_late(self, trace: Trace) -> None:
        """A request that was told as ended without an answer has had one after all, and it was settled."""
        self._soon(_Ended(trace, False, self._clock(), late=True))

    def _soon(self, ended: _Ended) -> None:
        if len(self._ended) >= _MOST_ENDED:
            if not ended.late:
                self._count(ended.trace)
                self._untold += 1
            self.recorder.missed()
            return
        self._ended.append(ended)
        if self._telling is None:
            self._telling = asyncio.get_running_loop().call_later(LINGER_S, self._tell_some)

    def alert(self, alert: Alert | TargetAlert) -> None:
        """A limit has reached a threshold, or an account is used up."""
        if isinstance(alert, TargetAlert):
            self.metrics.alerted(alert.kind)
        else:
            self.metrics.alerted(alert.limit, alert.threshold_percent)
        self.alerting.tell(alert)

    def use(self, settings: TelemetrySettings) -> None:
        """Follow a policy that was read anew, as far as that needs no restart; says what does."""
        self.log.use(settings.decision_log)
        self._redaction = Redaction(settings.decision_log)
        self.recorder.use(settings)
        self.metrics.subjects = settings.metrics.subjects
        fixed = {"sample", "sample_by", "redact", "headers"}
        before, after = (s.decision_log.model_dump(exclude=fixed) for s in (self.settings, settings))
        for what, changed in (
            ("decision_log (to, rotate_bytes, keep_files)", before != after),
            ("url", self.settings.url != settings.url),
            ("decisions", self.settings.decisions != settings.decisions),
            ("alerts", self.settings.alerts != settings.alerts),
            ("trace (to, keep, most)", _place(self.settings) != _place(settings)),
        ):
            if changed:
                log.warning("telemetry.%s has changed; that needs a restart, and until then the old one holds", what)
        self.settings = settings

    async def look(self) -> None:
        """Bring the metrics up to date."""
        engine = self._engine()
        health = await engine.ledger.health()
        lost = (self.log_lost, self.recent_lost, self.recorder.lost)
        self.metrics.look(self._under_way(), health, engine.host.policy.revision, lost)
        self.recorder.look()

    @property
    def log_lost(self) -> int:
        """Decisions that are missing in the log."""
        return 0 if self.log.where == "off" else self.log.lost + self._scribe.dropped + self._untold

    @property
    def recent_lost(self) -> int:
        """Decisions that cannot be looked up, though they should."""
        return 0 if self.recent is None else self.recent.dropped + self._untold

    @property
    def health(self) -> dict[str, Any]:
        """For health pages."""
        recent = self.recent
        return {
            "decision_log": {"to": self.log.where, "dropped": self.log_lost, "error": self.log.error},
            "decisions": {
                "kept_in": recent.kind if recent else None,
                "dropped": self.recent_lost,
                "error": recent.error if recent else None,
            },
            "alerts": self.alerting.health,
            "trace": self.recorder.health,
        }

    async def drain(self) -> None:
        """Tell all that has ended; nothing more is recorded afterwards."""
        self._tell_some(len(self._ended))
        await asyncio.get_running_loop().run_in_executor(None, self.recorder.close)

    async def close(self) -> None:
        """Write and send what waits, and end."""
        if self._looking is not None:
            self._looking.cancel()
        await self.drain()
        self.metrics.flush()
        await asyncio.get_running_loop().run_in_executor(None, self._scribe.close)
        if self.recent is not None:
            await self.recent.close()
        await self.alerting.close()
        self.log.close()
        self.troubles.stop()

    def _tell_some(self, most: int = _AT_ONCE) -> None:
        for _ in range(min(most, len(self._ended))):
            self._tell_one(self._ended.popleft())
        # Requests that are ready have their turn in between.
        self._telling = asyncio.get_running_loop().call_soon(self._tell_some) if self._ended else None

    def _tell_one(self, ended: _Ended) -> None:
        trace, logged = ended.trace, ended.logged
        if not ended.late:
            self._count(trace)
        try:
            self.recorder.take(trace, ended.at_s, late=ended.late)
        except Exception:  # what cannot be recorded has been served all the same
            self.recorder.missed()
            log.exception("decision %s is not recorded", trace.id)
        # Who still has it for a while must not keep the text that plugins may read and no record may hold.
        request = trace.request
        if request.conversation is not None:
            request.conversation.forget()
        here = self.recent if isinstance(self.recent, RecentHere) else None
        elsewhere = None if here is not None else self.recent
        try:
            if here is not None:
                here.put(trace.id, Packed(trace, self._redaction))
            if ended.late or not (logged or elsewhere is not None):
                return
            record = self._redaction.record(trace)
            line = encoded(record)
        except Exception:  # the next one may have a record again
            self._untold += 1
            log.exception("decision %s has no record", trace.id)
            return
        if elsewhere is not None:
            elsewhere.put(trace.id, line)
        if logged:
            self._scribe.take(Told(record, line))

    def _count(self, trace: Trace) -> None:
        try:
            self.metrics.observe(trace)
        except Exception:  # what cannot be counted has been served all the same
            log.exception("decision %s could not be counted", trace.id)

    async def _look_again_and_again(self) -> None:
        while True:
            try:
                await self.look()
            except Exception:  # the next look may succeed
                log.exception("metrics are not up to date")
            await asyncio.sleep(LOOK_S)


def _place(settings: TelemetrySettings) -> tuple[object, ...]:
    trace = settings.trace
    return trace.to, trace.keep, trace.most


def _recent(core: Core) -> Recent | None:
    keep, url = core.telemetry.decisions.keep, core.telemetry.url or core.ledger.url
    if not keep:
        return None
    if url.startswith("memory:"):
        return RecentHere(keep)
    # Who has no Redis need not wait for the import of its client.
    from governance.ledger.address import directory
    from governance.ledger.link import Wire
    from governance.ledger.redis import prefix
    from governance.telemetry.shared import RecentOfAll

    key = prefix("default") + "decisions"
    wire = Wire(directory(url), key, _STORE_TIMEOUT_S, told="telemetry store")
    return RecentOfAll(wire, key, keep, core.telemetry.decisions.most)
