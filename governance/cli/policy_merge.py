"""`governance policy merge`: a change that was made from another policy than the one in force, put into that one."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from governance.cli.kept import OfProxy, clear_outcome
from governance.cli.policy_opened import RUNNING, opened
from governance.cli.running_proxy import KEY_ENV, KeyEnvOption
from governance.cli.terminal import FORBIDDEN, PolicyOption, shown

if TYPE_CHECKING:
    from governance.policy.merge import Conflict


def merge(
    base: Annotated[str, typer.Argument(help="what both were made from: a file or the number of a revision")],
    yours: Annotated[str, typer.Argument(help="your change of it")],
    theirs: Annotated[str, typer.Argument(help="the policy to put it into; default: the one in force")] = RUNNING,
    policy: PolicyOption = None,
    url: OfProxy = None,
    key_env: KeyEnvOption = KEY_ENV,
) -> None:
    """Print a policy with your change and theirs, comments kept. Exit code 5: both changed the same, each otherwise."""
    from governance.usecases.merge_change import merge_change

    with clear_outcome():
        texts = (opened(name, policy, url, key_env).host.policy.text for name in (base, yours, theirs))
        made = merge_change(*texts)
    if made.text is None:
        for conflict in made.conflicts:
            typer.echo(_told(conflict), err=True)
        why = (
            "both changed the same" if made.conflicts else "it cannot be changed in place, because of how it is written"
        )
        typer.echo(f"{why}; put your change into {theirs} by hand", err=True)
        raise typer.Exit(FORBIDDEN)
    sys.stdout.write(made.text)


def _told(conflict: Conflict) -> str:
    from governance.cli.plan_text import inline
    from governance.policy.diff import MISSING
    from governance.policy.diff_secrets import shown as without_secrets
    from governance.usecases.plan import place

    def side(value: object) -> str:
        return "nothing" if value is MISSING else inline(without_secrets(value, key=str(conflict.path[-1])))

    base, yours, theirs = map(side, (conflict.base, conflict.mine, conflict.theirs))
    return shown(f"{place(conflict.path)}: was {base}, yours {yours}, theirs {theirs}")
