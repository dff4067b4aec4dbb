"""One transaction: all of what is done in it is kept, or nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import sqlalchemy as sa

from governance.store.answers import Answers
from governance.store.audit import Events
from governance.store.backtests import Backtests
from governance.store.connection import WRITES
from governance.store.discovered import Discovered
from governance.store.drafts import Drafts
from governance.store.overlay import OverlayTexts
from governance.store.plans import Plans
from governance.store.pointer import Pointers
from governance.store.revisions import Revisions
from governance.store.sessions import Sessions
from governance.store.spend import Spending
from governance.store.workers import Workers

# Several gateways could share a database one day; each would have a pointer of its own.
_REALM: Final = "default"


class UnitOfWork:
    """The repositories of one transaction."""

    def __init__(self, connection: sa.Connection) -> None:
        self.revisions = Revisions(connection)
        self.pointer = Pointers(connection, _REALM)
        self.events = Events(connection)
        self.workers = Workers(connection)
        self.discovered = Discovered(connection, _REALM)
        self.plans = Plans(connection)
        self.drafts = Drafts(connection)
        self.answers = Answers(connection)
        self.overlay = OverlayTexts(connection)
        self.sessions = Sessions(connection)
        self.backtests = Backtests(connection)
        self.spend = Spending(connection)


@contextmanager
def transaction(engine: sa.Engine, *, writes: bool) -> Iterator[sa.Connection]:
    """Everything that is done on this connection, or nothing. One at a time where it writes."""
    with engine.connect().execution_options(**{WRITES: writes}) as connection:
        begun = connection.begin()
        try:
            yield connection
        except BaseException:  # also one that was interrupted leaves nothing behind
            begun.rollback()
            raise
        begun.commit()
