"""Verbs that change the policy in force: another one, an old one again, one that is tried on a share first."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from governance.cli.kept import How, NotDone, OfProxy, clear_outcome, kept
from governance.cli.running_proxy import KEY_ENV, KeyEnvOption
from governance.cli.terminal import CANNOT_RUN, FORBIDDEN, AsJson, PolicyOption, print_json, shown

Base = Annotated[
    str | None, typer.Option("--from", help="the hash of the policy it was made from; default: the one in force")
]
Comment = Annotated[str, typer.Option("--comment", "-m", help="why, for the history")]
Number = Annotated[int, typer.Argument(min=1, metavar="REVISION", help="its number, as `history` shows it")]
Wait = Annotated[
    float, typer.Option("--wait", min=0, max=60, help="seconds for all workers to serve by it; 0: ask none")
]
Force = Annotated[bool, typer.Option("--force", help="also where its policy tests fail; needs --comment")]
Percent = Annotated[
    int | None, typer.Option("--percent", min=0, max=100, help="try it on so many of the teams and keys first")
]
Shadow = Annotated[
    int | None,
    typer.Option("--shadow", min=0, max=100, help="note what it would do with so many of the others' requests"),
]
Override = Annotated[
    str,
    typer.Option("--override-guard", metavar="REASON", help="also against the change guard, and why"),
]
_MOST_TEAMS: Final = 10
Tried = Annotated[int | None, typer.Argument(min=1, metavar="REVISION", help="which one is meant")]


def apply(
    file: Annotated[Path, typer.Argument(help="the policy to put in force")],
    base: Base = None,
    comment: Comment = "",
    tests: Annotated[
        Path | None, typer.Option("--tests", "-t", help="policy tests to keep with it, which it must pass")
    ] = None,
    force: Force = False,
    plan: Annotated[
        str | None, typer.Option("--plan", help="the plan_id of `plan --json`: apply just what was planned")
    ] = None,
    percent: Percent = None,
    shadow: Shadow = None,
    override_guard: Override = "",
    wait: Wait = 10,
    policy: PolicyOption = None,
    url: OfProxy = None,
    key_env: KeyEnvOption = KEY_ENV,
    as_json: AsJson = False,
) -> None:
    """Put a policy in force, as a new revision. Exit code 5: another one is in force than it was made from, its tests
    fail, or the change guard does not allow it; 3: not all workers serve by it.
    """
    from governance.policy.load import read_text

    with clear_outcome(as_json):
        text = read_text(file)
        kept_tests = None if tests is None else read_text(tests)
        how = How(comment, kept_tests, force, _stage(percent, shadow), wait, override_guard)
        found = kept(url, key_env, policy)
        base = base or found.show(None)["hash"]
        if plan is not None:
            _check_planned(plan, base, text, file.name)
        told = found.apply(text, file.name, base, how)
    _tell(told, as_json, wait)


def rollback(
    revision: Number,
    base: Base = None,
    comment: Comment = "",
    force: Force = False,
    wait: Wait = 10,
    policy: PolicyOption = None,
    url: OfProxy = None,
    key_env: KeyEnvOption = KEY_ENV,
    as_json: AsJson = False,
) -> None:
    """Put an old revision in force again, as a new one. Exit code 5: another one is in force than --from says, or the
    tests that are kept with it fail; 3: not all workers serve by it.
    """
    with clear_outcome(as_json):
        told = kept(url, key_env, policy).rollback(revision, base, How(comment, force=force, wait_s=wait))
    _tell(told, as_json, wait)


def promote(
    revision: Tried = None,
    percent: Percent = None,
    shadow: Shadow = None,
    override_guard: Override = "",
    comment: Comment = "",
    wait: Wait = 10,
    policy: PolicyOption = None,
    url: OfProxy = None,
    key_env: KeyEnvOption = KEY_ENV,
    as_json: AsJson = False,
) -> None:
    """Put the revision that is tried in force for all, or with --percent try it on another share. Exit code 5: none is
    tried, or another one, or the change guard does not allow it.
    """
    with clear_outcome(as_json):
        how = How(comment, stage=_stage(percent, shadow), wait_s=wait, override_guard=override_guard)
        told = kept(url, key_env, policy).promote(revision, how)
    _tell(told, as_json, wait)


def abort(
    revision: Tried = None,
    comment: Comment = "",
    wait: Wait = 10,
    policy: PolicyOption = None,
    url: OfProxy = None,
    key_env: KeyEnvOption = KEY_ENV,
    as_json: AsJson = False,
) -> None:
    """Try a revision no longer: the one in force is so for all again. Exit code 5: none is tried, or another one."""
    with clear_outcome(as_json):
        told = kept(url, key_env, policy).abort(revision, How(comment, wait_s=wait))
    _tell(told, as_json, wait)


def candidate(
    policy: PolicyOption = None, url: OfProxy = None, key_env: KeyEnvOption = KEY_ENV, as_json: AsJson = False
) -> None:
    """Show the revision that is tried, and at a running proxy what came of it: refusals, failures, differences."""
    with clear_outcome(as_json):
        told = kept(url, key_env, policy).candidate()
    if as_json:
        print_json(told)
        return
    tried = told["candidate"]
    if tried is None:
        typer.echo("no revision is being tried")
        return
    typer.echo(
        f"revision {tried['id']} by {shown(tried['author'])} is tried on {tried['percent']} % of teams and keys, and "
        f"looks on at {tried['shadow_percent']} % of the others' requests"
    )
    if "arms" not in told:
        typer.echo("ask a running proxy what came of it, with --url")
        return
    for name, arm in told["arms"].items():
        counted = f"{arm['requests']:,} requests, {arm['refused']:,} refused, {arm['failed']:,} failed"
        typer.echo(f"{name.replace('_', ' ')}: {counted}, {arm['cost_usd_micros'] / 1_000_000:.6f} USD")
    shadow = told["shadow"]
    differences = ", ".join(f"{count} {name}" for name, count in shadow["by_difference"].items() if name != "none")
    typer.echo(
        f"looked on at {shadow['seen']:,}: {shadow['would_differ']:,} would differ ({differences or 'in nothing'})"
    )
    figures = told.get("figures") or {}
    for line in figure_words(figures):
        typer.echo(line)
    verdicts = {
        "not_enough_data": f"not enough data to compare them: fewer than {told['enough']} requests on one side",
        "worse": f"the candidate does worse: more are {' and '.join(told['worse'])}",
        "not_worse": "nothing shows that the candidate does worse",
    }
    typer.echo(verdicts[told["verdict"]])


def figure_words(figures: dict[str, Any]) -> Iterator[str]:
    """What a candidate that looks on would have done, beside what was done; nothing where it looked at nothing."""
    from governance.backtest.figures import Figure
    from governance.usecases.backtest_words import counted, money

    totals = figures.get("totals")
    if totals is None:
        return
    refused, cost = totals["refused"], totals["cost"]
    did, would = ({part: Figure(**lanes[part]) for part in ("active", "candidate")} for lanes in (refused, cost))
    newly, other = (counted(Figure(**totals[name]), sign=False) for name in ("newly_refused", "other_target"))
    yield f"of {totals['requests']:,} requests that it looked on at:"
    arrow = f"{counted(did['active'], sign=False)} refused, and by it {counted(did['candidate'], sign=False)}"
    yield f"  {arrow}; newly refused {newly}, another target {other}"
    label = cost["candidate"]["label"]
    yield f"  cost {money(would['active'], sign=False)}, and by it {money(would['candidate'], sign=False)} ({label})"
    for row in figures["teams"][:_MOST_TEAMS]:
        of = row["totals"]
        newly, other = (counted(Figure(**of[name]), sign=False) for name in ("newly_refused", "other_target"))
        yield f"  team {shown(row['name'])}: {of['requests']:,} requests, newly refused {newly}, another target {other}"


def _stage(percent: int | None, shadow: int | None) -> tuple[int, int] | None:
    return None if percent is None and shadow is None else (percent or 0, shadow or 0)


def _check_planned(plan: str, base: str, text: str, name: str) -> None:
    from governance.policy.revision import document_hash
    from governance.usecases.candidate import document_of
    from governance.usecases.plan import plan_id

    if plan_id(base, document_hash(document_of(text, name))) != plan:
        raise NotDone(
            f"plan {plan[:64]} was made of another policy than {name}, or another one was in force; plan it again",
            FORBIDDEN,
        )


def _tell(told: dict[str, Any], as_json: bool, wait_s: float) -> None:
    workers = told["workers"] or {}
    if as_json:
        print_json(told)
    else:
        typer.echo(f"{_sentence(told)}{_workers(workers)}")
        if told.get("guard"):
            typer.echo(told["guard"]["message"])
        for refused in workers.get("refused", ()):
            stays = f"revision {refused['active_id']} stays in force there"
            typer.echo(f"worker {refused['id']} cannot use it, {stays}: {shown(refused['reason'] or '')}", err=True)
        for missing in workers.get("missing", ()):
            serves = f"it serves by revision {missing['active_id']} and was seen at {missing['seen_at'][:19]}"
            typer.echo(f"worker {missing['id']} has not taken it up within {wait_s:g} s; {serves}", err=True)
        if "error" in workers:
            typer.echo(f"which workers serve by it is not known: {workers['error']}", err=True)
    if workers.get("refused") or workers.get("missing") or "error" in workers:
        raise typer.Exit(CANNOT_RUN)


def _sentence(told: dict[str, Any]) -> str:
    revision, tried = told["revision"], told["candidate"]
    if not told["changed"]:
        return f"revision {revision['id']} says this already; nothing was changed"
    if tried:
        share = f"{tried['percent']} % of teams and keys"
        looks = (
            f", and looks on at {tried['shadow_percent']} % of the others' requests" if tried["shadow_percent"] else ""
        )
        return f"revision {revision['id']} is tried on {share}{looks} ({revision['hash']})"
    return f"revision {revision['id']} is in force ({revision['hash']})"


def _workers(workers: dict[str, Any]) -> str:
    done = workers.get("done", 0)
    return f" in {done} {'worker' if done == 1 else 'workers'}" if done else ""
