"""`governance backtest`: what another policy would have done to recorded traffic."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from governance.cli.backtest_asked import Asked, asked_of, assumptions_of, ppm, question_of, run
from governance.cli.kept import OfProxy, clear_outcome
from governance.cli.running_proxy import KEY_ENV, KeyEnvOption
from governance.cli.terminal import (
    CANNOT_RUN,
    FORBIDDEN,
    AsJson,
    ConfigOption,
    console,
    print_json,
)
from governance.model.errors import GovernanceError

if TYPE_CHECKING:
    from governance.backtest.assumptions import Assumptions
    from governance.backtest.report import Report
    from governance.usecases.judged import Judgement


Candidate = Annotated[str, typer.Option("--policy", "-p", help="the policy that is to be: a file, or a revision")]
Against = Annotated[
    str | None,
    typer.Option("--against", help="the policy that is, likewise, or `running`; default: that in use"),
]
Traces = Annotated[
    Path | None, typer.Option("--traces", help="a folder or file of recorded traffic; default: that of this machine")
]
Log = Annotated[Path | None, typer.Option("--log", help="a decision log in its place, compressed or not")]
Last = Annotated[str | None, typer.Option("--last", help="of the time up to now: 7d unless a file is given")]
From = Annotated[str | None, typer.Option("--from", help="from this time on, UTC unless it says so")]
To = Annotated[str | None, typer.Option("--to", help="before this time")]
Assume = Annotated[
    list[str], typer.Option("--assume", metavar="KEY=VALUE", help="another assumption, such as newly_refused=retries")
]

backtest = typer.Typer(
    help="Show what another policy would have done to recorded traffic; `suggest` finds the smallest limit.",
    no_args_is_help=False,
)


@backtest.callback(invoke_without_command=True)
def main(
    context: typer.Context,
    policy: Annotated[
        str | None, typer.Option("--policy", "-p", help="the policy that is to be: a file, or a revision")
    ] = None,
    against: Against = None,
    traces: Traces = None,
    log: Log = None,
    last: Last = None,
    since: From = None,
    until: To = None,
    assume: Assume = [],  # noqa: B006 - typer wants a list and changes none
    config: ConfigOption = None,
    max_new_refusals: Annotated[
        str | None, typer.Option("--max-new-refusals", help="end with 5 where more are newly refused, such as 0.1%")
    ] = None,
    max_cost: Annotated[
        str | None, typer.Option("--max-cost", help="end with 5 where all of it costs more than so, such as +5%")
    ] = None,
    subject: Annotated[str | None, typer.Option("--subject", help="one in detail, such as team:research")] = None,
    request: Annotated[str | None, typer.Option("--request", help="one request that changes, by its id")] = None,
    save_test: Annotated[
        Path | None, typer.Option("--save-test", help="write that request there as a policy test")
    ] = None,
    markdown: Annotated[bool, typer.Option("--markdown", help="print it as a comment for a pull request")] = False,
    url: OfProxy = None,
    key_env: KeyEnvOption = KEY_ENV,
    as_json: AsJson = False,
) -> None:
    """Show what another policy would have done to recorded traffic: each figure exact, or a range, or unknown.

    Exit code 5: it does more than --max-new-refusals or --max-cost allow; 3: there is no traffic to judge by.
    """
    if context.invoked_subcommand:
        return
    if policy is None:
        raise typer.BadParameter("which policy? name one by --policy")
    if save_test is not None and request is None:
        raise typer.BadParameter("--save-test needs --request: which one?")
    if save_test is not None and url is not None and traces is None and log is None:
        raise typer.BadParameter("--save-test needs --traces or --log: lines stay where they were recorded")
    most = (ppm(max_new_refusals), ppm(max_cost))
    with clear_outcome(as_json):
        assumptions = assumptions_of(assume, everything=request is not None)
        question = question_of(last, since, until, assumptions, given=bool(traces or log))
        asked = asked_of(policy, against, traces, log, question, config, url, key_env)
        report = run(asked)
        judgement = _judged(report, most)
        _tell(report, judgement, asked, subject, request, save_test, as_json=as_json, markdown=markdown)
    if judgement is not None and judgement.exceeded:
        raise typer.Exit(FORBIDDEN)
    if not report.coverage.replayed or (judgement is not None and judgement.why_not):
        raise typer.Exit(CANNOT_RUN)


@backtest.command()
def suggest(
    limit: Annotated[str, typer.Option("--limit", help="the name of the limit")],
    policy: Candidate,
    refusals: Annotated[
        str,
        typer.Option("--refusals", help="so many of each subject may be refused at most, or such a share: 10, 1%"),
    ] = "0",
    against: Against = None,
    traces: Traces = None,
    log: Log = None,
    last: Last = None,
    since: From = None,
    until: To = None,
    config: ConfigOption = None,
    url: OfProxy = None,
    key_env: KeyEnvOption = KEY_ENV,
    as_json: AsJson = False,
) -> None:
    """Suggest the smallest amount of a limit under which each subject is refused at most so often."""
    at_most = _at_most(refusals)
    with clear_outcome(as_json):
        question = question_of(last, since, until, at_most, given=bool(traces or log))
        report = run(asked_of(policy, against, traces, log, question, config, url, key_env))
        found = [each for each in report.suggestions if each.limit.lower() == limit.lower()]
        if not found:
            raise GovernanceError(f"of limit {limit} nothing can be suggested: the candidate refuses nobody by it")
    if as_json:
        from dataclasses import asdict

        print_json({"suggestions": [asdict(each) for each in found]})
        return
    for each in found:
        amount = "nobody can tell" if each.amount is None else f"{each.amount:,}"
        most = refusals if each.refusals_ppm else f"{each.refusals:,}"
        typer.echo(
            f"{each.limit}: {amount} {each.unit}/{each.period} (now {each.stated:,}): at most {most} "
            f"refusals of each of {each.subjects:,} subjects, bound by {each.bound_by}"
        )


def _at_most(refusals: str) -> Assumptions:
    """`10`, or `1%` of the requests of each subject."""
    if refusals.strip().endswith("%"):
        share = ppm(refusals)
        if share is None or not 0 <= share <= 1_000_000:
            raise typer.BadParameter("--refusals: a share is between 0% and 100%")
        return replace(assumptions_of([]), refusals_ppm_at_most=share)
    if not (refusals.strip().isascii() and refusals.strip().isdecimal()) or len(refusals) > 12:
        raise typer.BadParameter("--refusals: write a count such as 10, or a share such as 1%")
    return replace(assumptions_of([]), refusals_at_most=int(refusals))


def _judged(report: Report, most: tuple[int | None, int | None]) -> Judgement | None:
    from governance.usecases.judged import judge

    return None if most == (None, None) else judge(report, *most)


def _tell(
    report: Report,
    judgement: Judgement | None,
    asked: Asked,
    subject: str | None,
    request: str | None,
    save_test: Path | None,
    *,
    as_json: bool,
    markdown: bool,
) -> None:
    from governance.cli.backtest_drill import request_lines, request_of, subject_lines
    from governance.cli.backtest_markdown import report_markdown
    from governance.cli.backtest_text import report_lines

    changed = None if request is None else request_of(report, request)
    if save_test is not None and changed is not None:
        _save(save_test, changed.id, asked, report)
    heading = _heading(asked)
    if as_json:
        told = json.loads(report.to_json())
        print_json({**told, **({"guard": judgement.report()} if judgement else {})})
        return
    if markdown:
        typer.echo(report_markdown(report, judgement, heading), nl=False)
        return
    if changed is not None:
        lines = request_lines(changed)
    elif subject is not None:
        lines = subject_lines(report, subject)
    else:
        lines = report_lines(report, judgement, heading)
    out = console()
    for line in lines:
        out.print(line, soft_wrap=True)


def _save(file: Path, id: str, asked: Asked, report: Report) -> None:
    from governance.cli.backtest_drill import request_of
    from governance.traffic import TraceLine
    from governance.usecases.replayed import lines_of
    from governance.usecases.saved_test import saved_test

    lines = lines_of(asked.path, asked.question, asked.now_ms)
    line = next(line for line in lines if isinstance(line, TraceLine) and line.id == id)
    text = saved_test(line, request_of(report, id).candidate, asked.candidate, asked.catalog)
    try:
        with file.open("x", encoding="utf-8") as made:
            made.write(text)
    except OSError as error:
        raise GovernanceError(f"{file}: cannot be written: {error.strerror}") from None


def _heading(asked: Asked) -> str:
    from governance.usecases.compare import compare
    from governance.usecases.plan import headline

    return headline(compare(asked.active, asked.candidate))
