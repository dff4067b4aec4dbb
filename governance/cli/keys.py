"""Verbs about keys: new, hash. A key is shown once, on stdout; a policy only ever holds its digest."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any, Final

import typer

from governance.cli.terminal import AsJson, clear_errors, print_json
from governance.model.errors import GovernanceError

# Fewer can be guessed: a digest says whether a guess was right, to anybody who reads the policy.
_SHORTEST: Final = 20

keys = typer.Typer(help="Make keys for the policy's section `keys`.", no_args_is_help=True)

Name = Annotated[str, typer.Option("--name", "-n", help="what the key is called, unique in the policy")]
Models = Annotated[list[str] | None, typer.Option("--model", "-m", help="a model it may ask for; may be repeated")]


@keys.command()
def new(
    name: Name = "new key",
    team: Annotated[str, typer.Option(help="id of the team that its requests count for")] = "",
    user: Annotated[str, typer.Option(help="id of the user that its requests count for")] = "",
    customer: Annotated[str, typer.Option(help="id of the customer that its requests count for")] = "",
    model: Models = None,
    expires: Annotated[str, typer.Option(help="when it ends, e.g. 2026-12-31 or 2026-12-31T18:00:00Z")] = "",
    as_json: AsJson = False,
) -> None:
    """Make a key: shown once, with the entry for the policy, which does not hold the key itself."""
    from governance.usecases.keyring import made

    with _bad_parameters():
        key, entry = made(name=name, team=team, user=user, customer=customer, models=model, expires=expires)
    if as_json:
        print_json({"key": key, "entry": entry})
        return
    typer.echo(f"{key}\n")
    typer.echo("# The key above is shown only now. In the policy, under `keys:`")
    typer.echo(_yaml(entry), nl=False)


@keys.command(name="hash")
def digest(
    name: Name = "",
    key: Annotated[str | None, typer.Argument(help="better left out: other programs see it here", hidden=True)] = None,
    as_json: AsJson = False,
) -> None:
    """Print the digest of a key that is typed in or piped to stdin; with --name, an entry for the policy."""
    if key is not None:
        typer.secho(
            "warning: on the command line a key is seen by other programs and kept in the shell's history; pipe it in",
            fg=typer.colors.YELLOW,
            err=True,
        )
    with clear_errors(as_json):
        secret = _asked_for() if key is None else key.strip()
        if len(secret) < _SHORTEST:
            raise GovernanceError(f"a key has at least {_SHORTEST} characters; `governance keys new` makes one")
        from governance.usecases.keyring import entry_of

        with _bad_parameters():
            entry = entry_of(secret, name=name or "unnamed")
    if as_json:
        print_json({"entry": entry} if name else {"sha256": entry["sha256"]})
    else:
        typer.echo(_yaml(entry) if name else entry["sha256"], nl=not name)


def _asked_for() -> str:
    if sys.stdin.isatty():
        return str(typer.prompt("Key", hide_input=True)).strip()
    return sys.stdin.readline().strip()


@contextmanager
def _bad_parameters() -> Iterator[None]:
    from governance.usecases.keyring import NoKey

    try:
        yield
    except NoKey as error:
        raise typer.BadParameter(str(error)) from None


def _yaml(entry: dict[str, Any]) -> str:
    import yaml

    text: str = yaml.safe_dump([entry], sort_keys=False, allow_unicode=True, width=1000)
    return text
