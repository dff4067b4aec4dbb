"""The revisions of a policy, in the store that the policy file of this machine names."""

from __future__ import annotations

import getpass
import os
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from governance.cli.keeping import How, NotDone
from governance.cli.terminal import CANNOT_RUN, FORBIDDEN
from governance.model.errors import StoreUnavailable

if TYPE_CHECKING:
    from governance.store import Store
    from governance.usecases.change_policy import Outcome


class InStore:
    """The store of this machine's policy file."""

    def __init__(self, file: Path, *, audit: bool = False) -> None:
        """`audit`: it is only the audit that is asked for, which has more than revisions."""
        from governance.engine.host import Host
        from governance.store import open_store

        self._file, policy = file, Host.load(file).policy
        if policy.core.policy.source == "file" and not audit:
            raise NotDone(
                f"{policy.source}: the policy is this file, and no revisions are kept; edit it, or let a store keep "
                "them with `policy: {source: database}`",
                CANNOT_RUN,
            )
        self._policy = policy
        self._store: Store = open_store(policy.core.store.url, os.environ)

    def history(self, most: int) -> list[dict[str, Any]]:
        from governance.usecases.revisions import history, rows

        return rows(history(self._store, most))

    def show(self, id: int | None) -> dict[str, Any]:
        from governance.usecases.revisions import show, whole

        return whole(show(self._store, id))

    def apply(self, text: str, name: str, base: str | None, how: How) -> dict[str, Any]:
        from governance.usecases.change_policy import apply

        more = {"source": name, "tests": how.tests, "force": how.force, "stage": _stage(how)}
        more |= {"override_guard": how.override_guard}
        return self._done(partial(apply, text=text, base=base, **more, **self._by()), how)

    def rollback(self, id: int, base: str | None, how: How) -> dict[str, Any]:
        from governance.usecases.change_policy import rollback

        return self._done(partial(rollback, id=id, base=base, force=how.force, **self._by()), how)

    def promote(self, id: int | None, how: How) -> dict[str, Any]:
        from governance.usecases.staging import promote

        more = {"stage": _stage(how), "override_guard": how.override_guard}
        return self._done(partial(promote, candidate_id=id, **more, **self._by()), how)

    def abort(self, id: int | None, how: How) -> dict[str, Any]:
        from governance.usecases.staging import abort

        by = self._by(frozen=True)
        return self._done(partial(abort, candidate_id=id, author=by["author"], now=by["now"]), how)

    def candidate(self) -> dict[str, Any]:
        from governance.usecases.revisions import row
        from governance.usecases.staging import tried

        found = tried(self._store)
        return {"candidate": found and {**row(found[0]), **found[1]._asdict()}}

    def events(self) -> list[dict[str, Any]]:
        from governance.usecases.audit import export_audit

        return list(export_audit(self._store))

    def verified(self) -> dict[str, Any]:
        from governance.usecases.audit import verify_audit

        return asdict(verify_audit(self._store))

    def _by(self, *, frozen: bool = False) -> dict[str, Any]:
        """`frozen`: it may be done while the policy is frozen."""
        from governance.cli.overlay_kept import OfPolicy
        from governance.usecases.change_policy import Author
        from governance.usecases.overlay import PolicyFrozen

        try:
            if not frozen:
                OfPolicy(self._file).check_not_frozen()
        except PolicyFrozen as error:
            raise NotDone(str(error), FORBIDDEN) from None
        author = Author(getpass.getuser(), "command")
        return {"file": self._policy.core, "environment": os.environ, "author": author, "now": _now()}

    def _done(self, change: Callable[..., Any], how: How) -> dict[str, Any]:
        from governance.testing import TestsTakeTooLong
        from governance.usecases.acknowledged import wait_for_all
        from governance.usecases.change_guard import GuardExceeded, NotJudged
        from governance.usecases.change_policy import CandidateStaged
        from governance.usecases.guard import ReasonRequired, TestsFailed
        from governance.usecases.staging import NoCandidate

        try:
            outcome = change(self._store, comment=how.comment)
        except (GuardExceeded, NotJudged) as error:
            raise NotDone(str(error).replace("`override_guard`", "--override-guard"), FORBIDDEN) from None
        except (TestsFailed, TestsTakeTooLong, ReasonRequired, CandidateStaged, NoCandidate) as error:
            raise NotDone(str(error), FORBIDDEN) from None
        told = _told(outcome)
        if how.wait_s > 0:
            try:
                told["workers"] = wait_for_all(self._store, outcome.version, how.wait_s, _now).report()
            except StoreUnavailable as error:
                told["workers"] = {"error": str(error)}
        return told


def _told(outcome: Outcome) -> dict[str, Any]:
    from governance.usecases.change_policy import Conflict, Staged, Unchanged
    from governance.usecases.revisions import row

    if isinstance(outcome, Conflict):
        active = outcome.active
        raise NotDone(
            f"the policy in force is revision {active.id} ({active.hash}) by {active.author}, not the one that yours "
            "was made from; put your change into that one, and apply it",
            FORBIDDEN,
        )
    return {
        "revision": row(outcome.revision),
        "changed": not isinstance(outcome, Unchanged),
        "candidate": outcome.staging._asdict() if isinstance(outcome, Staged) else None,
        "workers": None,
        "guard": None if isinstance(outcome, Unchanged) or not outcome.judgement else outcome.judgement.report(),
    }


def _stage(how: How) -> Any:
    from governance.store import Staging

    return None if how.stage is None else Staging(*how.stage)


def _now() -> datetime:
    return datetime.now(timezone.utc)
