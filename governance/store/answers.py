"""What callers were answered who may ask the same again, by the keys that they gave."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from governance.store.records import Answer
from governance.store.tables import policy_answer


class Answers:
    """One for each key of each caller."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def get(self, caller: str, key: str) -> Answer | None:
        """What is known of this key."""
        found = self._connection.execute(sa.select(policy_answer).where(*_is(caller, key))).first()
        return None if found is None else Answer(**found._mapping)

    def begin(self, caller: str, key: str, asked: str, at: datetime) -> None:
        """Somebody works on it."""
        self.forget(caller, key)
        values = {"caller": caller, "key": key, "asked": asked, "begun_at": at}
        self._connection.execute(sa.insert(policy_answer).values(values))

    def finish(self, caller: str, key: str, asked: str, *, status: int, headers: str, body: str) -> None:
        """What was answered, unless somebody else has taken over."""
        self._connection.execute(
            sa.update(policy_answer)
            .where(*_is(caller, key), policy_answer.c.asked == asked)
            .values(status=status, headers=headers, body=body)
        )

    def forget(self, caller: str, key: str) -> None:
        """The key is free again."""
        self._connection.execute(sa.delete(policy_answer).where(*_is(caller, key)))

    def forget_before(self, at: datetime) -> None:
        """Those that were begun before."""
        self._connection.execute(sa.delete(policy_answer).where(policy_answer.c.begun_at < at))


def _is(caller: str, key: str) -> tuple[sa.ColumnElement[bool], ...]:
    return policy_answer.c.caller == caller, policy_answer.c.key == key
