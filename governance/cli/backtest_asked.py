"""What a backtest is asked: two policies, files of traffic, a time, assumptions."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import fields
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import typer

from governance.cli.running_proxy import RunningProxy, running_proxy
from governance.cli.terminal import policy_path
from governance.model.errors import GovernanceError

if TYPE_CHECKING:
    from governance.backtest.assumptions import Assumptions
    from governance.backtest.report import Report
    from governance.catalog import Catalog
    from governance.engine.host import Host
    from governance.usecases.questions import Question

WEEK_S: Final = 7 * 86_400


class Asked(NamedTuple):
    """Everything that a backtest needs.

    Args:
        path: of a folder or a file. proxy: whose traffic it is, where it is not of this machine.
    """

    active: Host
    candidate: Host
    catalog: Catalog
    path: Path | None
    question: Question
    now_ms: int
    proxy: RunningProxy | None = None


def _period_s(value: str | None) -> int | None:
    from governance.model.amounts import parse_period_s

    try:
        return None if value is None else parse_period_s(value)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def ppm(value: str | None) -> int | None:
    """`0.1%` or `+5%`, in parts of a million."""
    from governance.policy.change_guard import parse_ppm

    try:
        return None if value is None else parse_ppm(value)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def _moment_ms(value: str | None) -> int | None:
    if value is None:
        return None
    try:
        moment = datetime.fromisoformat(value.replace("Z", "+00:00"))
    except ValueError:
        raise typer.BadParameter("must be a time such as 2026-11-21 or 2026-11-21T09:00:00Z") from None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).timestamp() * 1000)


def asked_of(
    policy: str,
    against: str | None,
    traces: Path | None,
    log: Path | None,
    question: Question,
    config: Path | None,
    url: str | None,
    key_env: str,
) -> Asked:
    """What the options of a verb say. Raises GovernanceError."""
    from governance.cli.policy_opened import RUNNING, opened
    from governance.testing import catalog_of
    from governance.usecases.replayed import folder_of

    if traces is not None and log is not None:
        raise typer.BadParameter("--traces and --log name one source each; give one of them")
    in_use = str(policy_path(None)) if url is None else RUNNING
    there = url is not None and traces is None and log is None
    if there and against not in (None, RUNNING):
        raise typer.BadParameter("a proxy compares with the policy in force; --against needs --traces or --log besides")
    active, candidate = (opened(name, None, url, key_env).host for name in (against or in_use, policy))
    path = traces or log or folder_of(active.policy, os.environ)
    if path is not None and (traces or log) and not path.exists():
        raise GovernanceError(f"{path}: there is no such file or folder")
    proxy = running_proxy(url, key_env) if there and url is not None else None
    return Asked(active, candidate, catalog_of(candidate, config), path, question, _now_ms(), proxy)


def question_of(
    last: str | None, since: str | None, until: str | None, assumptions: Assumptions, *, given: bool
) -> Question:
    """The same of its times. `given`: a file of traffic is named, of which all is meant unless somebody says."""
    from governance.usecases.questions import Question

    last_s, from_ms, to_ms = _period_s(last), _moment_ms(since), _moment_ms(until)
    if last_s is not None and (from_ms is not None or to_ms is not None):
        raise typer.BadParameter("--last stands beside --from or --to; it is the time up to now")
    if last_s is None and from_ms is None and to_ms is None and not given:
        last_s = WEEK_S
    return Question(last_s, from_ms, to_ms, assumptions)


def assumptions_of(given: list[str], *, everything: bool = False) -> Assumptions:
    """`KEY=VALUE`, …; `everything`: every request that changes is listed."""
    from pydantic import TypeAdapter, ValidationError

    from governance.backtest.assumptions import Assumptions

    known = {field.name for field in fields(Assumptions)}
    said: dict[str, Any] = {"changed_at_most": 1_000_000} if everything else {}
    for each in given:
        key, equals, value = each.partition("=")
        if not equals or key not in known:
            raise typer.BadParameter(f"`{each}` is no KEY=VALUE of {', '.join(sorted(known))}")
        said[key] = json.loads(value) if value[:1] in "[0123456789tf" else value
    try:
        return TypeAdapter(Assumptions).validate_python(said)
    except ValidationError as error:
        first = error.errors()[0]
        raise typer.BadParameter(f"{first['loc'][0]}: {first['msg']}") from None


def run(asked: Asked) -> Report:
    """The backtest; tells people how far it has read. Raises GovernanceError."""
    if asked.proxy is not None:
        from governance.cli.backtest_at_proxy import at_proxy

        return at_proxy(asked.proxy, asked.candidate.policy.text, asked.question)
    from governance.usecases.replayed import replayed

    people = sys.stderr.isatty()

    def read(lines: int) -> None:
        if people:
            sys.stderr.write(f"\rread {lines:,} lines ")
            sys.stderr.flush()

    active, candidate = asked.active.policy, asked.candidate.policy
    try:
        report = replayed(active, candidate, asked.path, asked.question, asked.catalog, asked.now_ms, read)
    except OSError as error:
        raise GovernanceError(f"{asked.path}: cannot be read: {error.strerror}") from None
    if people:
        sys.stderr.write("\r\x1b[K")
    return report


def _now_ms() -> int:
    return int(datetime.now(timezone.utc).timestamp() * 1000)
