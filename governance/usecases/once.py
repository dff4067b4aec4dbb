"""What is asked for under a key is done once, whichever worker is asked again, and answered alike."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from governance.store import Store

KEPT: Final = timedelta(hours=24)
# Whoever works on something for longer has ended on the way; a page answers long before.
_ABANDONED: Final = timedelta(minutes=1)


@dataclass(frozen=True)
class Asked:
    """Args:
    caller: whose key it is; others may use the same text.
    digest: of the method, the address and the body.
    """

    caller: str
    key: str
    digest: str


@dataclass(frozen=True)
class Answered:
    """What was answered the first time."""

    status: int
    headers: dict[str, str]
    body: str


@dataclass(frozen=True)
class Begun:
    """Nobody has asked for this yet: it is to be done now."""


@dataclass(frozen=True)
class InProgress:
    """Somebody works on it."""


@dataclass(frozen=True)
class Another:
    """Something else was asked for under this key."""


def begin(store: Store, asked: Asked, now: datetime) -> Begun | Answered | InProgress | Another:
    """Whether it is to be done. Raises StoreUnavailable."""
    with store.write() as work:
        work.answers.forget_before(now - KEPT)
        found = work.answers.get(asked.caller, asked.key)
        if found is not None and found.asked != asked.digest:
            return Another()
        if found is not None and found.status is not None:
            return Answered(found.status, json.loads(found.headers or "{}"), found.body or "")
        if found is not None and now - found.begun_at < _ABANDONED:
            return InProgress()
        work.answers.begin(asked.caller, asked.key, asked.digest, now)
        return Begun()


def finish(store: Store, asked: Asked, answer: Answered) -> None:
    """It is done. Raises StoreUnavailable."""
    with store.write() as work:
        work.answers.finish(
            asked.caller,
            asked.key,
            asked.digest,
            status=answer.status,
            headers=json.dumps(answer.headers),
            body=answer.body,
        )


def forget(store: Store, asked: Asked) -> None:
    """It could not be done, and may be tried again. Raises StoreUnavailable."""
    with store.write() as work:
        work.answers.forget(asked.caller, asked.key)
