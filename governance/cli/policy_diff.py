"""Verbs about changes of a policy: `policy diff` and `policy plan`. They change nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from governance.cli.kept import OfProxy, clear_outcome
from governance.cli.policy_opened import RUNNING, Opened, opened
from governance.cli.running_proxy import KEY_ENV, KeyEnvOption
from governance.cli.terminal import (
    CHANGES,
    FORBIDDEN,
    AsJson,
    ConfigOption,
    PolicyOption,
    console,
    policy_path,
    print_json,
)
from governance.model.changes import EFFECTS

if TYPE_CHECKING:
    from governance.engine.host import Host
    from governance.usecases.plan import Plan

_A_POLICY: Final = f"a file, the number of a revision, or `{RUNNING}`"


class Format(str, Enum):
    """How a plan is told."""

    text = "text"
    markdown = "markdown"
    json = "json"


def _effect(given: list[str]) -> list[str]:
    for effect in given:
        if effect not in EFFECTS:
            raise typer.BadParameter(f"`{effect}` is no effect; known: {', '.join(EFFECTS)}")
    return given


FormatOption = Annotated[Format, typer.Option("--format", help="for a terminal, a pull request or programs")]
ExitCode = Annotated[bool, typer.Option("--exit-code", help="end with 4 when there are changes")]
Forbid = Annotated[
    list[str],
    typer.Option("--forbid", help="end with 5 when a change has this effect; may be repeated", callback=_effect),
]


def diff(
    before: Annotated[str, typer.Argument(help=f"{_A_POLICY}; alone: what the policy in use would become")],
    after: Annotated[str | None, typer.Argument(help="another one")] = None,
    as_patch: Annotated[bool, typer.Option("--patch", help="print a patch of the texts, for git apply")] = False,
    format: FormatOption = Format.text,
    as_json: AsJson = False,
    exit_code: ExitCode = False,
    policy: PolicyOption = None,
    url: OfProxy = None,
    key_env: KeyEnvOption = KEY_ENV,
) -> None:
    """Show what differs between two policies, and what each difference does to callers."""
    told = Format.json if as_json else format
    with clear_outcome(told is Format.json):
        names = (_in_use(policy, url), before) if after is None else (before, after)
        old, new = (opened(name, policy, url, key_env) for name in names)
        made = _planned(old.host, new.host)
    if as_patch:
        typer.echo(_patch(old, new), nl=False)
    else:
        _print(made, told)
    if exit_code and made.changes:
        raise typer.Exit(CHANGES)


def plan(
    file: Annotated[str, typer.Argument(help=f"the policy that is to be: {_A_POLICY}")],
    base: Annotated[
        str | None, typer.Option("--base", help="the policy that is, likewise; default: the one in use")
    ] = None,
    config: ConfigOption = None,
    tests: Annotated[
        list[Path] | None, typer.Option("--tests", "-t", help="policy tests that must pass; may be repeated")
    ] = None,
    made_from: Annotated[
        str | None, typer.Option("--from", help="the revision FILE was written from; end with 5 when it is another")
    ] = None,
    forbid: Forbid = [],  # noqa: B006 - typer wants a list and changes none
    format: FormatOption = Format.text,
    as_json: AsJson = False,
    exit_code: ExitCode = False,
    policy: PolicyOption = None,
    url: OfProxy = None,
    key_env: KeyEnvOption = KEY_ENV,
) -> None:
    """Plan a change of the policy: its mistakes, its tests, every difference and what it does to callers."""
    from governance.usecases.plan import StalePlan

    told = Format.json if as_json else format
    with clear_outcome(told is Format.json):
        names = (base or _in_use(policy, url), file)
        old, new = (opened(name, policy, url, key_env).host for name in names)
        try:
            made = _planned(old, new, config, tests or [], made_from)
        except StalePlan as error:
            typer.echo(str(error), err=True)
            raise typer.Exit(FORBIDDEN) from None
    _print(made, told, radius=True)
    forbidden = [effect for effect in made.effects if effect in forbid]
    for effect in forbidden:
        typer.echo(f"a change {effect}, which --forbid {effect} does not allow", err=True)
    if forbidden or made.failed:
        raise typer.Exit(FORBIDDEN)
    if exit_code and made.changes:
        raise typer.Exit(CHANGES)


def _in_use(policy: Path | None, url: str | None) -> str:
    return str(policy_path(policy)) if url is None else RUNNING


def _patch(old: Opened, new: Opened) -> str:
    from governance.policy.patch import patch

    return patch(old.host.policy.text, new.host.policy.text, old.name)


def _planned(
    base: Host, candidate: Host, config: Path | None = None, tests: Sequence[Path] = (), made_from: str | None = None
) -> Plan:
    from governance.testing import catalog_of, read_suite
    from governance.usecases import plan as usecase

    suites = [read_suite(file) for file in tests]
    catalog = catalog_of(candidate, config)
    return asyncio.run(usecase.plan(base, candidate, catalog, suites, made_from=made_from))


def _print(made: Plan, told: Format, *, radius: bool = False) -> None:
    if told is Format.json:
        print_json(made.report())
    elif told is Format.markdown:
        from governance.cli.plan_markdown import plan_markdown

        typer.echo(plan_markdown(made), nl=False)
    else:
        from governance.cli.plan_text import plan_lines

        out = console()
        for line in plan_lines(made, radius=radius):
            out.print(line, soft_wrap=True)
