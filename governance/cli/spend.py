"""`governance spend`: who spent what, the statement of a team, and a provider's invoice beside it."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from governance.cli.kept import OfProxy, clear_outcome
from governance.cli.running_proxy import KEY_ENV, KeyEnvOption, NotAnswered, running_proxy
from governance.cli.spend_text import print_reconciled, print_spend, print_statement
from governance.cli.terminal import AsJson, PolicyOption, policy_path, print_json
from governance.model.errors import GovernanceError, PolicyError, Problem

if TYPE_CHECKING:
    from governance.usecases.spend import Asked

spend = typer.Typer(
    help="Show who spent what, by whatever is asked for; `statement` and `reconcile` say more.",
    invoke_without_command=True,
)

Where = Annotated[str | None, typer.Option(help="only of this one, by its id")]
AsCsv = Annotated[bool, typer.Option("--csv", help="print CSV, with every row")]
_OF: Final = ("team", "key", "user", "model", "target", "profile")


@spend.callback()
def show_spend(
    context: typer.Context,
    by: Annotated[
        str,
        typer.Option(
            help="team, key, user, model, target, provider, profile, tag, code, hour, day or month; several with commas"
        ),
    ] = "team",
    last: Annotated[str | None, typer.Option(help="a time such as 30d, up to now; default: 30d")] = None,
    from_: Annotated[str | None, typer.Option("--from", help="a date or a moment, UTC")] = None,
    to: Annotated[str | None, typer.Option(help="the date or moment at which it ends")] = None,
    team: Where = None,
    key: Where = None,
    user: Where = None,
    model: Where = None,
    target: Where = None,
    profile: Where = None,
    as_csv: AsCsv = False,
    as_json: AsJson = False,
    policy: PolicyOption = None,
    url: OfProxy = None,
    key_env: KeyEnvOption = KEY_ENV,
) -> None:
    """Show who spent what: requests, tokens and money as the ledger has settled them, the dearest first.

    From the store that the policy file names, or from a running proxy with --url. Exit code 0 when it was shown, 1 for
    what cannot be asked, 3 when the store or the proxy does not answer.
    """
    if context.invoked_subcommand:
        return
    where = dict(zip(_OF, (team, key, user, model, target, profile), strict=True))
    with clear_outcome(as_json):
        told = _asked(policy, url, key_env, by=by, last=last, from_=from_, to=to, where=where, csv=as_csv)
    if as_csv:
        typer.echo(told["csv"], nl=False)
    elif as_json:
        print_json(told)
    else:
        print_spend(told)


@spend.command()
def statement(
    team: Annotated[str, typer.Option(help="the team, by id or name")],
    month: Annotated[str, typer.Option(help="a month such as 2026-11, UTC")],
    as_csv: AsCsv = False,
    as_json: AsJson = False,
    policy: PolicyOption = None,
    url: OfProxy = None,
    key_env: KeyEnvOption = KEY_ENV,
) -> None:
    """Print what a team has spent in a month, by model, target, key and day.

    Exit code 1 when it has spent nothing then, 3 when the store or the proxy does not answer.
    """
    from governance.usecases.spend_csv import statement_csv

    with clear_outcome(as_json):
        if url is None:
            from governance.usecases import statement as statements

            store = _store(policy)
            try:
                told = statements.statement(store, team, month, time.time())
            finally:
                store.close()
        else:
            told = _page(url, key_env, "/api/spend/statement", team=team, month=month)
    if as_csv:
        typer.echo(statement_csv(told), nl=False)
    elif as_json:
        print_json(told)
    else:
        print_statement(told)


@spend.command()
def reconcile(
    invoice: Annotated[Path, typer.Option(help="the provider's invoice or cost export, as CSV")],
    provider: Annotated[str, typer.Option(help="whose it is, as in provider/model: openai")],
    columns: Annotated[
        list[str] | None, typer.Option(help="which column is the amount, model, date: amount=COLUMN")
    ] = None,
    from_: Annotated[str | None, typer.Option("--from", help="the first day; default: of the invoice")] = None,
    to: Annotated[str | None, typer.Option(help="the day after the last; default: of the invoice")] = None,
    tolerance: Annotated[float, typer.Option(min=0, help="percent by which a sum may differ")] = 1.0,
    as_json: AsJson = False,
    policy: PolicyOption = None,
    url: OfProxy = None,
    key_env: KeyEnvOption = KEY_ENV,
) -> None:
    """Compare a provider's invoice with what was counted, model by model, and day by day where it says days.

    Exit code 0 when all is within the tolerance, 1 when something differs more or the file cannot be read.
    """
    from governance.usecases.reconcile import days_of
    from governance.usecases.reconcile import reconcile as compare

    with clear_outcome(as_json):
        lines = _invoice(invoice, columns or [])
        first, after = days_of(lines)
        from_, to = from_ or first, to or after
        last = None if from_ or to else "30d"
        told = _asked(policy, url, key_env, by="target,day", last=last, from_=from_, to=to, where={}, csv=False)
        found = {"from": told["from"], "to": told["to"], **compare(lines, told["rows"], provider)}
    if as_json:
        print_json(found)
    else:
        print_reconciled(found)
    if _differs(found, tolerance):
        raise typer.Exit(1)


def _asked(
    policy: Path | None,
    url: str | None,
    key_env: str,
    *,
    by: str,
    last: str | None,
    from_: str | None,
    to: str | None,
    where: dict[str, str | None],
    csv: bool,
) -> dict[str, Any]:
    from governance.usecases.spend import asked, told
    from governance.usecases.spend import spend as spent
    from governance.usecases.spend_csv import as_csv

    what: Asked = asked(by, last, from_, to, where, time.time())
    if url is not None:
        given = {"by": by, "last": last, "from": from_, "to": to, **where}
        found = _page(url, key_env, "/api/spend", **given)
        return {"csv": _csv_of(what, found)} if csv else found
    store = _store(policy)
    try:
        report = spent(store, what)
    finally:
        store.close()
    return {"csv": as_csv(report)} if csv else told(report)


def _csv_of(what: Asked, found: dict[str, Any]) -> str:
    from governance.traffic.spent import SUMS, Sums
    from governance.usecases.spend import Report, Row
    from governance.usecases.spend_csv import as_csv

    rows = [
        Row(
            tuple(row[name] for name in what.by),
            tuple(row.get(f"{name}_name", row[name]) for name in what.by),
            Sums(*[row[name] for name in SUMS]),
        )
        for row in found["rows"]
    ]
    return as_csv(Report(what, rows, Sums(), []))


def _page(url: str, key_env: str, path: str, **asked: str | None) -> dict[str, Any]:
    try:
        told = running_proxy(url, key_env).get(path, **asked)
        if not isinstance(told, dict) or "total" not in told:
            raise NotAnswered(
                f"the proxy at {url} answers with something else than what was spent; is it of another version?"
            )
        return told
    except NotAnswered as error:
        if error.told.get("code") == "invalid_request":
            raise GovernanceError(str(error.told.get("message"))) from None
        raise


def _store(policy: Path | None) -> Any:
    from governance.engine.host import Host
    from governance.store import open_store

    return open_store(Host.load(policy_path(policy)).policy.core.store.url, os.environ)


def _invoice(path: Path, columns: list[str]) -> Any:
    from governance.usecases.reconcile import COLUMNS, NoInvoice, read_invoice

    named = dict(column.partition("=")[::2] for column in columns)
    unknown = [name for name in named if name not in COLUMNS]
    if unknown:
        raise GovernanceError(f"--columns: `{unknown[0]}` is none of {', '.join(COLUMNS)}")
    try:
        with path.open(encoding="utf-8-sig", newline="") as text:
            return read_invoice(str(path), text, named)
    except NoInvoice as error:
        raise PolicyError([error.problem]) from None
    except OSError as error:
        raise PolicyError([Problem(str(path), 0, 0, "", f"cannot be read: {error.strerror}")]) from None
    except UnicodeDecodeError:
        raise PolicyError([Problem(str(path), 0, 0, "", "is no text; a CSV file is wanted")]) from None


def _differs(found: dict[str, Any], tolerance: float) -> bool:
    rows = [*found["models"], found]
    return any(
        row["difference_usd_micros"]
        and (row["difference_percent"] is None or abs(row["difference_percent"]) > tolerance)
        for row in rows
    )
