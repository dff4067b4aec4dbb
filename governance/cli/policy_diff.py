"""Verbs about changes of a policy: `policy diff` and `policy plan`. They change nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from governance.cli.terminal import AsJson, ConfigOption, clear_errors, console, policy_path, print_json
from governance.model.changes import EFFECTS

if TYPE_CHECKING:
    from governance.engine.host import Host
    from governance.usecases.plan import Plan

CHANGES: Final = 4
FORBIDDEN: Final = 5


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
    before: Annotated[Path, typer.Argument(help="a policy; alone: what the one in use would become")],
    after: Annotated[Path | None, typer.Argument(help="another one")] = None,
    as_patch: Annotated[bool, typer.Option("--patch", help="print a patch of the texts, for git apply")] = False,
    format: FormatOption = Format.text,
    as_json: AsJson = False,
    exit_code: ExitCode = False,
) -> None:
    """Show what differs between two policies, and what each difference does to callers."""
    told = Format.json if as_json else format
    with clear_errors(told is Format.json):
        old, new = (policy_path(None), before) if after is None else (before, after)
        hosts = _opened(old), _opened(new)
        made = _planned(*hosts)
    if as_patch:
        from governance.policy.patch import patch

        typer.echo(patch(hosts[0].policy.text, hosts[1].policy.text, old.name), nl=False)
    else:
        _print(made, told)
    if exit_code and made.changes:
        raise typer.Exit(CHANGES)


def plan(
    file: Annotated[Path, typer.Argument(help="the policy that is to be")],
    base: Annotated[
        Path | None, typer.Option("--base", help="the policy that is; default: $GOVERNANCE_POLICY or governance.yaml")
    ] = None,
    config: ConfigOption = None,
    tests: Annotated[
        list[Path] | None, typer.Option("--tests", "-t", help="policy tests that must pass; may be repeated")
    ] = None,
    made_from: Annotated[
        str | None,
        typer.Option("--from", help="the revision FILE was written from; end with 5 when it is another"),
    ] = None,
    forbid: Forbid = [],  # noqa: B006 - typer wants a list and changes none
    format: FormatOption = Format.text,
    as_json: AsJson = False,
    exit_code: ExitCode = False,
) -> None:
    """Plan a change of the policy: its mistakes, its tests, every difference and what it does to callers."""
    from governance.usecases.plan import StalePlan

    told = Format.json if as_json else format
    with clear_errors(told is Format.json):
        try:
            made = _planned(_opened(policy_path(base)), _opened(file), config, tests or [], made_from)
        except StalePlan as error:
            typer.echo(str(error), err=True)
            raise typer.Exit(FORBIDDEN) from None
    _print(made, told)
    forbidden = [effect for effect in made.effects if effect in forbid]
    for effect in forbidden:
        typer.echo(f"a change {effect}, which --forbid {effect} does not allow", err=True)
    if forbidden or made.failed:
        raise typer.Exit(FORBIDDEN)
    if exit_code and made.changes:
        raise typer.Exit(CHANGES)


def _opened(file: Path) -> Host:
    from governance.engine.host import Host

    return Host.load(file)


def _planned(
    base: Host, candidate: Host, config: Path | None = None, tests: Sequence[Path] = (), made_from: str | None = None
) -> Plan:
    from governance.testing import catalog_of, read_suite
    from governance.usecases import plan as usecase

    suites = [read_suite(file) for file in tests]
    catalog = catalog_of(candidate, config)
    return asyncio.run(usecase.plan(base, candidate, catalog, suites, made_from=made_from))


def _print(made: Plan, told: Format) -> None:
    if told is Format.json:
        print_json(made.report())
    elif told is Format.markdown:
        from governance.cli.plan_markdown import plan_markdown

        typer.echo(plan_markdown(made), nl=False)
    else:
        from governance.cli.plan_text import plan_lines

        out = console()
        for line in plan_lines(made):
            out.print(line, soft_wrap=True)
