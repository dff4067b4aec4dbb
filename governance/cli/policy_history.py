"""Verbs about the revisions of a policy: which there were, another one in force, and who changed it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from governance.cli.kept import Kept, OfProxy, clear_outcome, kept
from governance.cli.running_proxy import KEY_ENV, KeyEnvOption
from governance.cli.table import Table
from governance.cli.terminal import CHANGES, INVALID, AsJson, PolicyOption, policy_path, print_json, show


def history(
    most: Annotated[int, typer.Option("--limit", min=1, max=10_000, help="so many, the newest")] = 20,
    policy: PolicyOption = None,
    url: OfProxy = None,
    key_env: KeyEnvOption = KEY_ENV,
    as_json: AsJson = False,
) -> None:
    """List the revisions of the policy, the newest first: who put it in force, when and why."""
    with clear_outcome(as_json):
        rows = kept(url, key_env, policy).history(most)
    if as_json:
        print_json({"revisions": rows})
        return
    table = Table("", "revision", "at", "by", "hash", "why", names=("revision", "hash"), numbers=("revision",))
    for row in rows:
        tried = row.get("candidate")
        mark = "in force" if row["active"] else f"tried, {tried['percent']} %" if tried else ""
        at, hash = row["created_at"][:19].replace("T", " "), row["hash"][:19]
        why = f"{row['comment'] or row['source']}{' (tests overruled)' if row['forced'] else ''}"
        table.add(mark, str(row["id"]), at, row["author"], hash, why)
    show(table)


def show_revision(
    revision: Annotated[int | None, typer.Argument(min=1, help="its number; default: the one in force")] = None,
    policy: PolicyOption = None,
    url: OfProxy = None,
    key_env: KeyEnvOption = KEY_ENV,
    as_json: AsJson = False,
) -> None:
    """Print a revision as it was written."""
    with clear_outcome(as_json):
        found = kept(url, key_env, policy).show(revision)
    if as_json:
        print_json(found)
    else:
        sys.stdout.write(found["yaml"])


def drift(
    file: Annotated[Path | None, typer.Argument(help="default: the policy file")] = None,
    exit_code: Annotated[bool, typer.Option("--exit-code", help="end with 4 when they differ")] = False,
    policy: PolicyOption = None,
    url: OfProxy = None,
    key_env: KeyEnvOption = KEY_ENV,
    as_json: AsJson = False,
) -> None:
    """Compare a policy file with the revision in force, by what they say."""
    from governance.policy.load import read_text
    from governance.policy.revision import document_hash
    from governance.usecases.candidate import document_of

    path = file or policy_path(policy)
    with clear_outcome(as_json):
        hash = document_hash(document_of(read_text(path), path.name))
        active = kept(url, key_env, policy).show(None)
    in_sync = hash == active["hash"]
    if as_json:
        del active["yaml"]
        print_json({"in_sync": in_sync, "file": str(path), "file_hash": hash, "active": active})
    elif in_sync:
        typer.echo(f"{path}: in sync with revision {active['id']}, which is in force")
    else:
        typer.echo(
            f"{path}: out of sync; revision {active['id']} by {active['author']} is in force and says something else "
            "(`governance policy show` prints it)"
        )
    if exit_code and not in_sync:
        raise typer.Exit(CHANGES)


audit = typer.Typer(no_args_is_help=True, help="Read and verify who changed the policy.")


@audit.command("verify")
def verify_audit(
    seal: Annotated[
        str | None, typer.Option("--seal", help="of an earlier `verify`: the chain must contain it")
    ] = None,
    policy: PolicyOption = None,
    url: OfProxy = None,
    key_env: KeyEnvOption = KEY_ENV,
    as_json: AsJson = False,
) -> None:
    """Verify every event and revision against its seal. Exit code 1: something is not as it was written."""
    with clear_outcome(as_json):
        found = kept(url, key_env, policy, audit=True)
        told = found.verified()
        faults = [*told["faults"], *_missing(found, seal)]
    if as_json:
        print_json({"valid": not faults, "events": told["events"], "seal": told["head"], "faults": faults})
    else:
        for fault in faults:
            typer.echo(fault, err=True)
        typer.echo(f"{told['events']} events, {len(faults)} faults; the last seal is {told['head'] or 'none'}")
    if faults:
        raise typer.Exit(INVALID)


@audit.command("export")
def export_audit(policy: PolicyOption = None, url: OfProxy = None, key_env: KeyEnvOption = KEY_ENV) -> None:
    """Print every event as a line of JSON, the oldest first, with all that its seal is over."""
    with clear_outcome():
        events = kept(url, key_env, policy, audit=True).events()
    for event in events:
        sys.stdout.write(json.dumps(event) + "\n")


def _missing(found: Kept, seal: str | None) -> list[str]:
    if seal is None or any(event["hash"] == seal for event in found.events()):
        return []
    return [f"no event has the seal {seal}: the chain was cut, or is another one"]
