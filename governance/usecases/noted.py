"""How a change of the policy is kept and noted in the audit, in the transaction that makes it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from governance.policy.diff import MISSING, Edit, diff
from governance.policy.nodes import dotted
from governance.store import Revision, Staging
from governance.store.unit_of_work import UnitOfWork
from governance.usecases.candidate import document_of

LONGEST_COMMENT: Final = 2_000
_LONGEST_NAME: Final = 200
# Of one change in the audit; the revisions have everything.
_MOST_ENTRIES: Final = 200
_LONGEST_VALUE: Final = 2_000


class Author(NamedTuple):
    """Who changes a policy.

    Args:
        kind: `user`, `key` or `admin` of a proxy, `command` on a machine, or `file`.
        request_id: what the proxy calls the request; "" where there is none.
    """

    name: str
    kind: str
    request_id: str = ""


def keep(
    work: UnitOfWork,
    text: str,
    hash: str,
    parent_id: int | None,
    author: Author,
    source: str,
    comment: str,
    now: datetime,
    *,
    tests: str = "",
    forced: bool = False,
) -> Revision:
    """Keep a policy as a revision, which is not yet in force."""
    return work.revisions.add(
        hash=hash,
        parent_id=parent_id,
        yaml=text,
        author=name_of(author),
        author_kind=author.kind,
        source=source,
        comment=plain(comment, LONGEST_COMMENT),
        created_at=now,
        tests=tests,
        forced=forced,
    )


def note(
    work: UnitOfWork,
    action: str,
    before: Revision | None,
    after: Revision,
    author: Author,
    now: datetime,
    *,
    comment: str,
    more: Sequence[Mapping[str, Any]] = (),
) -> None:
    """Seal that `after` is in force now, in place of `before`.

    Args:
        more: what else there is to say, beside what differs between both.
    """
    work.events.append(
        at=now,
        actor=name_of(author),
        actor_kind=author.kind,
        action=action,
        revision_id=after.id,
        before_hash=None if before is None else before.hash,
        after_hash=after.hash,
        entries=[*(() if before is None else changed(before, after)), *tested(after), *more],
        reason=plain(comment, LONGEST_COMMENT),
        request_id=plain(author.request_id, _LONGEST_NAME),
    )


def changed(before: Revision, after: Revision) -> list[dict[str, Any]]:
    """What differs between two revisions, as far as it is short."""
    # What was in force holds no secret (usable), unless somebody wrote it there by other means.
    try:
        edits = diff(document_of(before.yaml), document_of(after.yaml))
    except Exception:  # a damaged revision must not keep anybody from replacing it
        return [{"kind": "changed", "path": "", "before": "(damaged)", "after": after.hash}]
    told = [_told(edit) for edit in edits[:_MOST_ENTRIES]]
    if len(edits) > _MOST_ENTRIES:
        told.append({"kind": "changed", "path": "", "before": "", "after": f"{len(edits) - _MOST_ENTRIES} more"})
    return told


def tested(revision: Revision) -> list[dict[str, Any]]:
    """The seal of the tests that are kept with a revision; nothing where there are none."""
    return [{"kind": "tests", "path": "", "after": tests_hash(revision.tests)}] if revision.tests else []


def tests_hash(text: str) -> str:
    """Of the text of policy tests, comments and all."""
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def staged(candidate: Revision, staging: Staging) -> dict[str, Any]:
    """A revision that is tried, as the audit tells it."""
    told = {"revision_id": candidate.id, "hash": candidate.hash, **staging._asdict()}
    return {"kind": "staged", "path": "", "after": {**told, "tests": [entry["after"] for entry in tested(candidate)]}}


def _told(edit: Edit) -> dict[str, Any]:
    values = {name: value for name, value in (("before", edit.before), ("after", edit.after)) if value is not MISSING}
    short = {name: value if len(repr(value)) <= _LONGEST_VALUE else "(long)" for name, value in values.items()}
    return {"kind": edit.kind, "path": dotted(edit.path), **short}


def name_of(author: Author) -> str:
    """Who it is, as it is kept."""
    return plain(author.name, _LONGEST_NAME)


def plain(text: str, most: int) -> str:
    """Text that every database and terminal takes."""
    return "".join(c if c.isprintable() or c in "\n\t" else "\ufffd" for c in text)[:most]
