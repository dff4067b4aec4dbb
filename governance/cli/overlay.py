"""Verbs about what is in force beside the policy: list, increase, stop, drain, freeze, withdraw."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from governance.cli.kept import OfProxy, clear_outcome
from governance.cli.overlay_kept import overlay_of
from governance.cli.running_proxy import KEY_ENV, KeyEnvOption
from governance.cli.table import Table
from governance.cli.terminal import AsJson, PolicyOption, print_json, show, shown

UntilOption = Annotated[
    str, typer.Option("--until", help="when it ends: how long from now, such as 2h, or a time with its zone (ISO 8601)")
]
ReasonOption = Annotated[str, typer.Option("--reason", "-m", help="why; the audit keeps it")]
SectionOption = Annotated[
    str | None, typer.Option("--section", help="`rate_limits` or `budgets`, where both have a limit of this name")
]
LimitName = Annotated[str, typer.Argument(metavar="LIMIT", help="the name of a limit or budget")]

overlay = typer.Typer(
    no_args_is_help=True,
    help="What is in force beside the policy for a while: higher limits, and switches for emergencies.",
)


@overlay.command("list")
def list_entries(
    policy: PolicyOption = None, url: OfProxy = None, key_env: KeyEnvOption = KEY_ENV, as_json: AsJson = False
) -> None:
    """List what is in force beside the policy: until when, by whom and why."""
    with clear_outcome(as_json):
        told = overlay_of(url, key_env, policy).listed()
    if as_json:
        print_json(told)
    elif told["entries"]:
        show(entries_table(told["entries"]))
    else:
        typer.echo("nothing is in force beside the policy")


@overlay.command()
def increase(
    limit: LimitName,
    until: UntilOption,
    reason: ReasonOption,
    to: Annotated[
        str | None, typer.Option("--to", help="the amount, as the policy writes it: 120/minute, 800 USD/month, 40")
    ] = None,
    factor: Annotated[str | None, typer.Option("--factor", help="so many times as much, such as 1.5")] = None,
    unit: Annotated[
        str | None, typer.Option("--unit", help="of a limit that counts several: requests, tokens, concurrent, …")
    ] = None,
    section: SectionOption = None,
    policy: PolicyOption = None,
    url: OfProxy = None,
    key_env: KeyEnvOption = KEY_ENV,
    as_json: AsJson = False,
) -> None:
    """Raise a limit or budget for a while; what it has counted stays counted."""
    if (to is None) == (factor is None):
        raise typer.BadParameter("say either --to or --factor")
    asked = {"kind": "increase", "limit": limit, "amount": to, "factor": factor, "unit": unit, "section": section}
    _set(asked, until, reason, (policy, url, key_env, as_json))


@overlay.command()
def stop(
    limit: LimitName,
    until: UntilOption,
    reason: ReasonOption,
    section: SectionOption = None,
    policy: PolicyOption = None,
    url: OfProxy = None,
    key_env: KeyEnvOption = KEY_ENV,
    as_json: AsJson = False,
) -> None:
    """Stop enforcing a limit or budget for a while: it counts on and refuses nobody."""
    _set({"kind": "stop", "limit": limit, "section": section}, until, reason, (policy, url, key_env, as_json))


@overlay.command()
def drain(
    target: Annotated[str, typer.Argument(metavar="TARGET", help="provider/model, provider/* or group:NAME")],
    until: UntilOption,
    reason: ReasonOption,
    policy: PolicyOption = None,
    url: OfProxy = None,
    key_env: KeyEnvOption = KEY_ENV,
    as_json: AsJson = False,
) -> None:
    """Send no new request to a target for a while."""
    _set({"kind": "drain", "target": target}, until, reason, (policy, url, key_env, as_json))


@overlay.command()
def freeze(
    until: UntilOption,
    reason: ReasonOption,
    policy: PolicyOption = None,
    url: OfProxy = None,
    key_env: KeyEnvOption = KEY_ENV,
    as_json: AsJson = False,
) -> None:
    """Let nobody change the policy for a while."""
    _set({"kind": "freeze"}, until, reason, (policy, url, key_env, as_json))


@overlay.command()
def withdraw(
    entry: Annotated[str, typer.Argument(metavar="ID", help="of an entry, as `list` shows it")],
    policy: PolicyOption = None,
    url: OfProxy = None,
    key_env: KeyEnvOption = KEY_ENV,
    as_json: AsJson = False,
) -> None:
    """End an entry before its time."""
    with clear_outcome(as_json):
        told = overlay_of(url, key_env, policy).withdraw(entry)
    tell(told, f"{entry}: withdrawn; {told['entry']['what']} no longer", as_json)


def tell(told: dict[str, Any], sentence: str, as_json: bool) -> None:
    """What was done, and that the audit does not have it where that is so."""
    if as_json:
        print_json(told)
        return
    typer.echo(shown(sentence))
    if not told["audited"]:
        typer.echo("the store does not answer, so the audit does not have it; the log of the proxy does", err=True)
    if told["entry"].get("problem"):
        typer.echo(shown(told["entry"]["problem"]), err=True)


def entries_table(entries: list[dict[str, Any]]) -> Table:
    """What is in force, one a row."""
    table = Table("id", "what", "until", "by", "why", "", names=("id",))
    for entry in entries:
        until = entry["until"][:16].replace("T", " ") + (" UTC" if entry["until"] != "never" else "")
        cells = (entry["what"], until, entry["author"], entry["reason"], entry.get("problem") or "")
        table.add(entry["id"], *map(shown, cells))
    return table


def _set(asked: dict[str, Any], until: str, reason: str, how: tuple[Any, str | None, str, bool]) -> None:
    policy, url, key_env, as_json = how
    given = {name: value for name, value in {**asked, "until": until, "reason": reason}.items() if value is not None}
    with clear_outcome(as_json):
        told = overlay_of(url, key_env, policy).set(given)
    entry = told["entry"]
    tell(told, f"{entry['id']}: {entry['what']}, until {entry['until']}", as_json)
