"""Recorded traffic through another policy: a question, asked of files of traffic."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from governance.backtest.decision_log import of_file
from governance.backtest.files import Traffic
from governance.backtest.report import Report
from governance.backtest.run import backtest
from governance.catalog import Catalog
from governance.policy import Policy
from governance.telemetry.recorder import folder_of as recorded_in
from governance.traffic import Broken, TraceLine
from governance.traffic.files import given
from governance.usecases.questions import Question

_TOLD_EVERY: Final = 2_000

Progress = Callable[[int], None]


def folder_of(policy: Policy, environment: Mapping[str, str]) -> Path | None:
    """Where the traffic of a policy's proxy on this machine is recorded; None where it is not."""
    return recorded_in(policy.core.telemetry.trace, environment)


def replayed(
    active: Policy,
    candidate: Policy,
    path: Path | None,
    question: Question,
    catalog: Catalog,
    now_ms: int,
    read: Progress = lambda lines: None,
) -> Report:
    """What the candidate would have done.

    Args:
        path: a folder of traffic, or a file of traffic or of a decision log, compressed or not; None = no traffic.
        now_ms: Unix milliseconds, for a question about the time up to now.
        read: is told how many lines have been read so far.

    Raises:
        OSError: there is nothing, or it cannot be read. An empty or missing folder is no traffic, and no error.
        GovernanceError: a policy cannot be replayed.
    """
    lines = lines_of(path, question, now_ms)
    if isinstance(lines, Traffic):
        lines.read = read
    else:
        lines = _told(lines, read)
    return backtest(active, candidate, lines, question.assumptions, catalog=catalog)


def lines_of(path: Path | None, question: Question, now_ms: int) -> Iterable[TraceLine | Broken]:
    """The lines of the time that is asked about, and whatever could not be read; of a folder, `Traffic`.

    Raises OSError.
    """
    from_us, to_us = (None if moment is None else moment * 1000 for moment in question.times_ms(now_ms))
    if path is None or not path.exists():
        return ()
    return Traffic(given(path, from_us, to_us), from_us, to_us) if path.is_dir() else _of_file(path, from_us, to_us)


def _of_file(path: Path, from_us: int | None, to_us: int | None) -> Iterator[TraceLine | Broken]:
    for line in of_file(given(path), path.name):
        at_us = line.at_us if isinstance(line, TraceLine) else None
        if at_us is None or ((from_us is None or at_us >= from_us) and (to_us is None or at_us < to_us)):
            yield line


def _told(lines: Iterable[TraceLine | Broken], read: Progress) -> Iterator[TraceLine | Broken]:
    count = 0
    for count, line in enumerate(lines, 1):
        if count % _TOLD_EVERY == 0:
            read(count)
        yield line
    read(count)
