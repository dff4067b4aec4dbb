"""The `governance` command.

Exit codes: 0 done, 1 the policy or the input has mistakes, 2 wrong usage, 3 cannot run here.
For `test`: 1 a test fails, 2 the tests or the policy have mistakes.
For `policy`: 4 there are changes (with --exit-code), 5 a guard says no.
"""

from __future__ import annotations

import sys
from importlib.metadata import PackageNotFoundError, version
from io import TextIOWrapper
from typing import Annotated

import typer
from typer.main import get_command_name
from typer.models import CommandInfo

from governance.cli import (
    backtest,
    classifiers,
    discovery,
    doctor,
    explain,
    keys,
    models,
    overlay,
    policy,
    policy_apply,
    policy_diff,
    policy_history,
    policy_import,
    policy_merge,
    proxy,
    residency,
    spend,
    status,
    tasks,
    test,
    trace,
    usage,
    why,
)

# Frames are for terminals; in a pipe they would cut and fold what they frame.
_PEOPLE = sys.stdout.isatty() and sys.stderr.isatty()
_PIPE_WIDTH = 160

app = typer.Typer(
    name="governance",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"], "terminal_width": None if _PEOPLE else _PIPE_WIDTH},
    pretty_exceptions_enable=False,
    rich_markup_mode="rich" if _PEOPLE else None,
)
PASS_THROUGH = {"allow_extra_args": True, "ignore_unknown_options": True}

app.command(context_settings=PASS_THROUGH)(proxy.serve)
app.command()(proxy.demo)
app.command()(policy.check)
app.command()(explain.explain)
app.command()(why.why)
app.command("test")(test.run_tests)
app.command()(usage.usage)
app.command()(why.overview)
app.command()(residency.residency)
app.add_typer(spend.spend, name="spend")
app.add_typer(trace.trace, name="trace")
app.command()(models.models)
app.command()(discovery.discover)
app.add_typer(discovery.urls, name="urls")
app.command()(status.status)
app.command()(doctor.doctor)
app.add_typer(tasks.profile, name="profile")
app.command()(tasks.task)
app.command("test-route")(tasks.route)
app.command("eval-classifier")(classifiers.eval_classifier)
app.add_typer(policy.policy, name="policy")
app.add_typer(backtest.backtest, name="backtest")
policy.policy.command()(policy_diff.diff)
policy.policy.command()(policy_diff.plan)
policy.policy.command()(policy_history.history)
policy.policy.command("show")(policy_history.show_revision)
policy.policy.command()(policy_apply.apply)
policy.policy.command()(policy_apply.rollback)
policy.policy.command()(policy_apply.candidate)
policy.policy.command()(policy_apply.promote)
policy.policy.command()(policy_apply.abort)
policy.policy.command()(policy_history.drift)
policy.policy.add_typer(policy_history.audit, name="audit")
policy.policy.command()(policy_merge.merge)
policy.policy.command("import")(policy_import.import_policy)
policy.policy.command()(policy_import.export)
app.add_typer(overlay.overlay, name="overlay")
app.command()(policy.plugins)
app.add_typer(keys.keys, name="keys")
app.command()(policy.schema)


def _show_version(wanted: bool) -> None:
    if not wanted:
        return
    try:
        litellm = version("litellm")
    except PackageNotFoundError:
        litellm = "not installed"
    python = ".".join(map(str, sys.version_info[:3]))
    typer.echo(f"governance {version('litellm-governance')} (LiteLLM {litellm}, Python {python})")
    raise typer.Exit


@app.callback()
def governance(
    _: Annotated[
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, help="Show what is installed in which version."
        ),
    ] = False,
) -> None:
    """Governance for the LiteLLM proxy: routing, limits and failover from one YAML policy, all explained."""


def _leave(verb: str) -> None:
    """Have Typer work out one verb, where it is one of ours: all the others took longer than most of them run."""
    commands = [each for each in app.registered_commands if (each.name or get_command_name(_named(each))) == verb]
    groups = [each for each in app.registered_groups if each.name == verb]
    if commands or groups:
        app.registered_commands[:], app.registered_groups[:] = commands, groups


def _named(command: CommandInfo) -> str:
    return command.callback.__name__ if command.callback else ""


def main() -> None:
    """Entry point of the console script."""
    _leave(sys.argv[1] if len(sys.argv) > 1 else "")
    if isinstance(sys.stdout, TextIOWrapper):
        # What cannot be shown is shown as its number; it is no reason to fail.
        sys.stdout.reconfigure(errors="backslashreplace")
    app()
