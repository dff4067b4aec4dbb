"""Where verbs find the revisions of a policy: in the store that the policy file names, or at a running proxy."""

from __future__ import annotations

import getpass
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Protocol

import typer

from governance.cli.running_proxy import NotAnswered, RunningProxy, proxy_address, running_proxy
from governance.cli.terminal import CANNOT_RUN, FORBIDDEN, clear_errors, policy_path, print_json
from governance.model.errors import GovernanceError, PolicyError, Problem, StoreUnavailable

if TYPE_CHECKING:
    from governance.policy import Policy
    from governance.store import Store
    from governance.usecases.change_policy import Outcome

_PAGE: Final = 200

OfProxy = Annotated[
    str | None,
    typer.Option(
        "--url",
        help="the running proxy; without it, the store that the policy file names",
        envvar="GOVERNANCE_URL",
        callback=lambda url: None if url is None else proxy_address(url),
    ),
]


class NotDone(GovernanceError):
    """Nothing was changed, and the command ends with this code."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class Kept(Protocol):
    """The revisions, as plain values like those of the API. Everything raises GovernanceError."""

    def history(self, most: int) -> list[dict[str, Any]]: ...

    def show(self, id: int | None) -> dict[str, Any]:
        """A revision with its `yaml`; without a number, the one in force."""

    def apply(self, text: str, name: str, base: str | None, comment: str) -> dict[str, Any]:
        """`revision`, and whether anything `changed`. The `name` is what messages call the text."""

    def rollback(self, id: int, base: str | None, comment: str) -> dict[str, Any]: ...

    def events(self) -> list[dict[str, Any]]:
        """The whole audit, the oldest first."""

    def verified(self) -> dict[str, Any]: ...


class InStore:
    """The store of this machine's policy file."""

    def __init__(self, policy: Policy) -> None:
        from governance.store import open_store

        if policy.core.policy.source == "file":
            raise NotDone(
                f"{policy.source}: the policy is this file, and no revisions are kept; edit it, or let a store keep "
                "them with `policy: {source: database}`",
                CANNOT_RUN,
            )
        self._policy = policy
        self._store: Store = open_store(policy.core.store.url, os.environ)

    def history(self, most: int) -> list[dict[str, Any]]:
        from governance.usecases.revisions import history, row

        page = history(self._store, most)
        active_id = None if page.pointer is None else page.pointer.active_id
        return [{**row(each), "active": each.id == active_id} for each in page.revisions]

    def show(self, id: int | None) -> dict[str, Any]:
        from governance.usecases.revisions import row, show

        found = show(self._store, id)
        return {**row(found), "yaml": found.yaml}

    def apply(self, text: str, name: str, base: str | None, comment: str) -> dict[str, Any]:
        from governance.usecases.change_policy import apply

        return _told(apply(self._store, text, base=base, comment=comment, source=name, **self._by()))

    def rollback(self, id: int, base: str | None, comment: str) -> dict[str, Any]:
        from governance.usecases.change_policy import rollback

        return _told(rollback(self._store, id, base=base, comment=comment, **self._by()))

    def events(self) -> list[dict[str, Any]]:
        from governance.usecases.audit import export_audit

        return list(export_audit(self._store))

    def verified(self) -> dict[str, Any]:
        from governance.usecases.audit import verify_audit

        return asdict(verify_audit(self._store))

    def _by(self) -> dict[str, Any]:
        from governance.usecases.change_policy import Author

        author = Author(getpass.getuser(), "command")
        now = datetime.now(timezone.utc)
        return {"file": self._policy.core, "environment": os.environ, "author": author, "now": now}


class AtProxy:
    """What a running proxy keeps."""

    def __init__(self, proxy: RunningProxy) -> None:
        self._proxy = proxy

    def history(self, most: int) -> list[dict[str, Any]]:
        return self._pages("/api/policy/revisions", "revisions", most)

    def show(self, id: int | None) -> dict[str, Any]:
        if id is None:
            told: dict[str, Any] = self._proxy.get("/api/policy")
            if told["yaml"] is None:
                what = ", ".join(told["withheld"])
                raise NotDone(f"{told['file']}: is not shown, because of secrets that stand in it: {what}", FORBIDDEN)
            return {**(told["active"] or {"id": None, "hash": told["revision"]}), "yaml": told["yaml"]}
        try:
            found: dict[str, Any] = self._proxy.get(f"/api/policy/revisions/{id}")
        except NotAnswered as error:
            if error.told.get("code") == "no_such_revision":
                raise GovernanceError(str(error.told.get("message"))) from None
            raise
        return found

    def apply(self, text: str, name: str, base: str | None, comment: str) -> dict[str, Any]:
        return self._change("/api/policy/apply", {"policy": text, "comment": comment}, base, name)

    def rollback(self, id: int, base: str | None, comment: str) -> dict[str, Any]:
        return self._change(f"/api/policy/rollback/{id}", {"comment": comment}, base, f"revision {id}")

    def events(self) -> list[dict[str, Any]]:
        return self._pages("/api/policy/audit", "events", None)[::-1]

    def verified(self) -> dict[str, Any]:
        told = self._proxy.get("/api/policy/audit", limit="1", verify="true")
        verified: dict[str, Any] = told.get("verified") or {"events": 0, "head": "", "faults": []}
        return verified

    def _pages(self, path: str, name: str, most: int | None) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        cursor = None
        while most is None or len(rows) < most:
            page = self._proxy.get(
                path, limit=str(_PAGE if most is None else min(_PAGE, most - len(rows))), cursor=cursor
            )
            rows += page[name]
            cursor = page["cursor"]
            if cursor is None:
                break
        return rows

    def _change(self, path: str, body: dict[str, Any], base: str | None, name: str) -> dict[str, Any]:
        tag = "*" if base is None else f'"{base}"'
        try:
            told: dict[str, Any] = self._proxy.post(path, body, {"if-match": tag})
        except NotAnswered as error:
            code = error.told.get("code")
            if code == "invalid_policy" and error.told.get("problems"):
                problems = [Problem(**{**problem, "source": name}) for problem in error.told["problems"]]
                raise PolicyError(problems) from None
            if code in ("invalid_policy", "no_such_revision"):
                raise GovernanceError(str(error.told.get("message"))) from None
            raise NotDone(str(error), FORBIDDEN if code == "stale_base" else CANNOT_RUN) from None
        return told


def kept(url: str | None, key_env: str, policy: Path | None) -> Kept:
    """What keeps the revisions, by the options of a verb. Raises GovernanceError."""
    if url is not None:
        return AtProxy(running_proxy(url, key_env))
    from governance.engine.host import Host

    return InStore(Host.load(policy_path(policy)).policy)


@contextmanager
def clear_outcome(as_json: bool = False) -> Iterator[None]:
    """Whatever keeps a verb from being done is a line on stderr (or JSON on stdout) and an exit code."""
    with clear_errors(as_json):
        try:
            yield
        except (NotDone, NotAnswered, StoreUnavailable) as error:
            if as_json:
                print_json({"error": {"message": str(error)}})
            else:
                typer.echo(str(error), err=True)
            raise typer.Exit(getattr(error, "exit_code", CANNOT_RUN)) from None


def _told(outcome: Outcome) -> dict[str, Any]:
    from governance.usecases.change_policy import Applied, Conflict
    from governance.usecases.revisions import row

    if isinstance(outcome, Conflict):
        active = outcome.active
        raise NotDone(
            f"the policy in force is revision {active.id} ({active.hash}) by {active.author}, not the one that yours "
            "was made from; put your change into that one, and apply it",
            FORBIDDEN,
        )
    return {"revision": row(outcome.revision), "changed": isinstance(outcome, Applied)}
