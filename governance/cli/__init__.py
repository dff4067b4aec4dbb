"""The `governance` command.

Exit codes: 0 done, 1 the policy or the input has mistakes, 2 wrong usage, 3 cannot run here.
"""

from __future__ import annotations

import sys
from io import TextIOWrapper

import typer

from governance.cli import explain, policy, proxy

app = typer.Typer(
    name="governance",
    help="Governance for the LiteLLM proxy: routing, limits and failover from one YAML policy, all explained.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
PASS_THROUGH = {"allow_extra_args": True, "ignore_unknown_options": True}

app.command(context_settings=PASS_THROUGH)(proxy.serve)
app.command()(proxy.demo)
app.command()(policy.check)
app.command()(explain.explain)
app.command()(policy.plugins)
app.command()(policy.schema)


def main() -> None:
    """Entry point of the console script."""
    if isinstance(sys.stdout, TextIOWrapper):
        # What cannot be shown is shown as its number; it is no reason to fail.
        sys.stdout.reconfigure(errors="backslashreplace")
    app()
