"""`governance trace`: recorded traffic, verified, exported and imported."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from governance.cli.terminal import AsJson, PolicyOption, clear_errors, policy_path, print_json, show, shown
from governance.model.errors import GovernanceError

if TYPE_CHECKING:
    from governance.usecases.traffic import Verified

trace = typer.Typer(help="Verify, export and import recorded traffic.", no_args_is_help=True)

At = Annotated[Path | None, typer.Option("--at", help="a folder or file; default: the folder that the policy names")]
From = Annotated[str | None, typer.Option("--from", help="a date or a moment, UTC")]
To = Annotated[str | None, typer.Option(help="the date or moment at which it ends")]


@trace.command()
def verify(
    at: Annotated[
        Path | None, typer.Argument(help="a folder or a file; default: the folder that the policy names")
    ] = None,
    policy: PolicyOption = None,
    as_json: AsJson = False,
) -> None:
    """Read recorded traffic and name every line that is not as it should be.

    Exit code 0 when all is well, 1 when something is wrong or there is nothing to read.
    """
    from governance.usecases.traffic import verify as read

    with clear_errors(as_json):
        place = at or _folder(policy)
        found = _read(lambda: read(place), place)
    _tell(found, as_json)
    if found.faults:
        raise typer.Exit(1)


@trace.command()
def export(
    out: Annotated[Path, typer.Argument(help="the file to write: JSON lines, compressed where it ends in .gz")],
    at: At = None,
    from_: From = None,
    to: To = None,
    team: Annotated[str | None, typer.Option(help="only of this team, by id or name")] = None,
    policy: PolicyOption = None,
    as_json: AsJson = False,
) -> None:
    """Write recorded traffic of a time to one file, each decision once.

    Lines that cannot be read are left out and told of. Exit code 1 when nothing could be written.
    """
    from governance.usecases.traffic import export as write

    with clear_errors(as_json):
        place = at or _folder(policy)
        found = _read(lambda: write(place, out, _us("from", from_), _us("to", to), team), place)
    _tell(found, as_json)


@trace.command("import")
def import_trace(
    file: Annotated[Path, typer.Argument(help="a file that `governance trace export` has written, or a decision log")],
    at: At = None,
    policy: PolicyOption = None,
    as_json: AsJson = False,
) -> None:
    """Put recorded traffic of elsewhere into the folder, to try policies on; it counts as nobody's spend.

    The same file twice is there once. Exit code 1 when nothing could be written.
    """
    from governance.usecases.traffic import import_file

    with clear_errors(as_json):
        place = at or _folder(policy)
        found = _read(lambda: import_file(file, place), file)
    _tell(found, as_json)


def _read(work: Callable[[], Verified], place: Path) -> Verified:
    try:
        return work()
    except OSError as error:
        raise GovernanceError(f"{error.filename or place}: {error.strerror}") from None


def _folder(policy: Path | None) -> Path:
    from governance.engine.host import Host
    from governance.telemetry.recorder import folder_of

    path = policy_path(policy)
    found = folder_of(Host.load(path).policy.core.telemetry.trace, os.environ)
    if found is None:
        raise GovernanceError(f"{path}: telemetry.trace.to is off, so nothing is recorded; name a file or folder")
    return found


def _us(name: str, text: str | None) -> int | None:
    from governance.usecases.spend import moment_s

    return None if text is None else moment_s(f"--{name}", text) * 1_000_000


def _tell(found: Verified, as_json: bool) -> None:
    if as_json:
        print_json(found.told)
        return
    told = found.told
    when = f", {told['from']} to {told['to']}" if told["from"] else ""
    lines = [f"{found.lines:,} decisions of {len(found.workers):,} workers in {found.files:,} files{when}"]
    lines += [f"{fault}: {count:,}" for fault, count in told["faults"].items()]
    show(*lines, *map(shown, found.first))
