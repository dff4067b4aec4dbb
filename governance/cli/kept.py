"""Where verbs find the revisions of a policy: in the store that the policy file names, or at a running proxy."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from governance.cli.keeping import How, Kept, NotDone
from governance.cli.running_proxy import NotAnswered, proxy_address, running_proxy
from governance.cli.terminal import CANNOT_RUN, clear_errors, policy_path, print_json
from governance.model.errors import LedgerUnavailable, StoreUnavailable

__all__ = ["How", "Kept", "NotDone", "OfProxy", "clear_outcome", "kept"]

OfProxy = Annotated[
    str | None,
    typer.Option(
        "--url",
        help="the running proxy; without it, the store that the policy file names",
        envvar="GOVERNANCE_URL",
        callback=lambda url: None if url is None else proxy_address(url),
    ),
]


def kept(url: str | None, key_env: str, policy: Path | None, *, audit: bool = False) -> Kept:
    """What keeps the revisions, or the audit alone, by the options of a verb. Raises GovernanceError."""
    if url is not None:
        from governance.cli.kept_at_proxy import AtProxy

        return AtProxy(running_proxy(url, key_env))
    from governance.cli.kept_in_store import InStore

    return InStore(policy_path(policy), audit=audit)


@contextmanager
def clear_outcome(as_json: bool = False) -> Iterator[None]:
    """Whatever keeps a verb from being done is a line on stderr (or JSON on stdout) and an exit code."""
    with clear_errors(as_json):
        try:
            yield
        except (NotDone, NotAnswered, StoreUnavailable, LedgerUnavailable) as error:
            if as_json:
                print_json({"error": {"message": str(error)}})
            else:
                typer.echo(str(error), err=True)
            raise typer.Exit(getattr(error, "exit_code", CANNOT_RUN)) from None
