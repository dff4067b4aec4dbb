"""Records the traffic of one worker: a line for each decision, written by a thread that no request waits for."""

from __future__ import annotations

import logging
import os
import re
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from governance.policy.telemetry import TelemetrySettings
from governance.policy.trace import OFF, TraceSettings
from governance.policy.truth import state_folder
from governance.telemetry.replay import share_of_subject
from governance.telemetry.scribe import Scribe
from governance.telemetry.traced import Tracing
from governance.trace import Trace
from governance.traffic.line import encoded_told
from governance.traffic.writer import TrafficWriter

log = logging.getLogger("governance.telemetry")

FOLDER: Final = "trace"
# About ten seconds of a busy worker.
_MOST_WAITING: Final = 16_384
_TRY_AGAIN_AFTER_S: Final = 5.0
_US: Final = 1_000_000

Heard = Callable[[dict[str, Any]], None]


class Recorder:
    """Takes each request once when it is over; what cannot be written is counted, and leaves a gap in the numbers.

    Args:
        hear: gets every line, also of those that are not in the sample.
        clock: Unix seconds.
    """

    def __init__(
        self,
        settings: TelemetrySettings,
        environment: Mapping[str, str],
        hear: Heard | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.use(settings)
        self.hear = hear
        self.error: str | None = None
        self._clock = clock
        self._lost = 0
        self._number = self._gap = 0
        self._worker = ""
        self._again_s = 0.0
        self._settings = settings.trace
        self.folder = folder_of(settings.trace, environment)
        self._writer: TrafficWriter | None = None
        self._scribe: Scribe[bytes] = Scribe(self._write, _MOST_WAITING)

    @property
    def lost(self) -> int:
        """Decisions that are missing in the files."""
        return self._lost + self._scribe.dropped

    @property
    def worker(self) -> str:
        """What this process is called in lines and names of files; no other one has it, or had."""
        if not self._worker:
            # Not before: a server may fork after it has imported us.
            host = re.sub(r"[^A-Za-z0-9-]", "-", socket.gethostname())[:40]
            self._worker = f"{host}-{os.getpid()}-{os.urandom(3).hex()}"
        return self._worker

    @property
    def health(self) -> dict[str, Any]:
        """For health pages."""
        return {"to": OFF if self.folder is None else str(self.folder), "dropped": self.lost, "error": self.error}

    def use(self, settings: TelemetrySettings) -> None:
        """Write from now on what this policy allows; where to and for how long stays as it was at the start."""
        self._tracing = Tracing(settings.trace, settings.decision_log)
        self._share = settings.trace.sample
        self._weight = round(1 / self._share, 6) if self._share else 0.0

    def take(self, trace: Trace, end_s: float, *, late: bool = False) -> None:
        """A request is over; microseconds. Call it before the trace lets go of what was asked.

        Args:
            end_s: when it ended, Unix seconds. late: it was told as ended before, and an answer came after all.
        """
        written = self.folder is not None and (self._share >= 1.0 or share_of_subject(trace) < self._share)
        number = 0
        if written:
            number = self._number = self._number + 1
            self._number, self._gap = number + self._gap, 0
        worker = self._worker or self.worker
        line = self._tracing.line(trace, end_s, worker, number, self._weight, late=late)
        if self.hear is not None:
            self.hear(line)
        if written:
            self._scribe.take(encoded_told(line))

    def missed(self) -> None:
        """A request is over of which nothing will be known."""
        if self.folder is not None:
            self._gap += 1
            self._lost += 1

    def look(self) -> None:
        """Let files that are over be compressed, also while nobody asks for anything."""
        if self._writer is not None:
            self._writer.look()

    def close(self) -> None:
        """Write what waits."""
        self._scribe.close()
        if self._writer is not None:
            self._writer.close()

    def counted(self) -> None:
        """All that is in the files is counted, and nothing comes any more: nobody need take over from this worker."""
        if self._writer is not None:
            self._writer.end()

    def _write(self, lines: Sequence[bytes]) -> None:
        if self._clock() < self._again_s:
            self._lost += len(lines)
            return
        try:
            self._opened().append(lines)
        except OSError as error:
            self._lost += len(lines)
            self._again_s = self._clock() + _TRY_AGAIN_AFTER_S
            if self.error is None:
                log.error("traffic is not recorded: %s: %s", self.folder, error.strerror)
            self.error = f"{self.folder} cannot be written: {error.strerror}"
        else:
            if self.error is not None:
                log.info("traffic is recorded again in %s; %d decisions are missing", self.folder, self._lost)
            self.error = None

    def _opened(self) -> TrafficWriter:
        if self._writer is None and self.folder is not None:
            self._writer = TrafficWriter(
                self.folder,
                self.worker,
                keep_us=self._settings.keep * _US,
                most_bytes=self._settings.most,
                clock=lambda: round(self._clock() * _US),
            )
        assert self._writer is not None  # noqa: S101 - nothing is taken where there is no folder
        return self._writer


def folder_of(settings: TraceSettings, environment: Mapping[str, str]) -> Path | None:
    """Where recorded traffic is; None = nowhere."""
    if settings.to == OFF:
        return None
    return Path(settings.to) if settings.to else state_folder(environment) / FOLDER
