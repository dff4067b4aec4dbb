"""What was spent, by the hour, and how far the traffic of each worker is counted: both in one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Literal, NamedTuple

import sqlalchemy as sa

from governance.store.tables import spend_hour, spend_name, spend_source
from governance.traffic.spent import SUMS, Cell, Names, Sums

DAY_S: Final = 86_400
_NAMES: Final = Cell._fields[1:]
_AT_ONCE: Final = 500


class Position(NamedTuple):
    """How far a worker's lines are counted.

    Args:
        number: of the last line. batch: of the last transaction. closed: nothing comes after it.
    """

    number: int
    batch: int
    closed: bool


class Batch(NamedTuple):
    """What a worker has to add.

    Args:
        batch: counts them, from 1: one that was added is not added again.
        after: number of the last line that was counted before it. number: of its own last line.
    """

    worker: str
    batch: int
    after: int
    number: int
    cells: Mapping[Cell, Sums]
    names: Names
    closed: bool = False


class Spending:
    """Sums by cell, and positions by worker."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        # Only now: a worker needs the dialect of its own database alone, and that of PostgreSQL is 2 MB of modules.
        if connection.dialect.name == "postgresql":
            from sqlalchemy.dialects.postgresql import insert
        else:
            from sqlalchemy.dialects.sqlite import insert  # type: ignore[assignment]
        self._insert: Any = insert

    def positions(self) -> dict[str, Position]:
        """Of every worker that has ever counted."""
        rows = self._connection.execute(sa.select(spend_source))
        return {row.worker: Position(row.number, row.batch, row.closed) for row in rows}

    def position(self, worker: str) -> Position | None:
        """Of one."""
        asked = sa.select(spend_source).where(spend_source.c.worker == worker)
        row = self._connection.execute(asked).one_or_none()
        return None if row is None else Position(row.number, row.batch, row.closed)

    def add(self, batch: Batch, now: datetime) -> Literal["added", "known", "elsewhere"]:
        """Add a batch once. `known`: it was before. `elsewhere`: somebody else has counted these lines."""
        known = self.position(batch.worker)
        if known and known.batch == batch.batch and known.number == batch.number:
            return "known"
        if known and (known.closed or known.batch >= batch.batch or known.number != batch.after):
            return "elsewhere"
        values = {
            "number": batch.number,
            "batch": batch.batch,
            "closed": batch.closed,
            "seen_at": now,
        }
        if known:
            mine = spend_source.c.worker == batch.worker
            self._connection.execute(sa.update(spend_source).where(mine).values(values))
        else:
            self._connection.execute(sa.insert(spend_source).values(worker=batch.worker, **values))
        self._put([{"cell": cell.digest, **cell._asdict(), **_plain(sums)} for cell, sums in batch.cells.items()])
        self._name(batch.names)
        return "added"

    def sums(
        self, by: Sequence[str], from_s: int, to_s: int, where: Mapping[str, str] | None = None
    ) -> list[tuple[tuple[Any, ...], Sums]]:
        """Sums of [from_s, to_s) for each combination of these names; `hour_s` may be one of them.

        Args:
            where: only cells with these values.
        """
        columns = [spend_hour.c[name] for name in by]
        asked = (
            sa.select(*columns, *[sa.func.sum(spend_hour.c[name]).label(name) for name in SUMS])
            .where(spend_hour.c.hour_s >= from_s, spend_hour.c.hour_s < to_s)
            .group_by(*columns)
        )
        for name, value in (where or {}).items():
            asked = asked.where(spend_hour.c[name] == value)
        found = []
        for row in self._connection.execute(asked):
            own = tuple(row[: len(columns)])
            found.append((own, Sums(*[int(value or 0) for value in row[len(columns) :]])))
        return found

    def names(self, kind: str) -> dict[str, str]:
        """Names for people, by id."""
        rows = self._connection.execute(sa.select(spend_name).where(spend_name.c.kind == kind))
        return {row.id: row.name for row in rows}

    def first_hour_s(self) -> int | None:
        """The oldest that is kept."""
        found: int | None = self._connection.execute(sa.select(sa.func.min(spend_hour.c.hour_s))).scalar()
        return found

    def fold(self, before_s: int) -> int:
        """Put the hours of days that ended before this together, of one day at a time. Returns how many days."""
        hours = sa.select(sa.func.min(spend_hour.c.hour_s)).where(
            spend_hour.c.hour_s < before_s - before_s % DAY_S, spend_hour.c.hour_s % DAY_S != 0
        )
        days = 0
        while (hour := self._connection.execute(hours).scalar()) is not None:
            day_s = hour - hour % DAY_S
            cells = self.sums(_NAMES, day_s, day_s + DAY_S)
            of_day = (spend_hour.c.hour_s >= day_s) & (spend_hour.c.hour_s < day_s + DAY_S)
            self._connection.execute(sa.delete(spend_hour).where(of_day))
            folded = [(Cell(day_s, *names), sums) for names, sums in cells]
            self._put([{"cell": cell.digest, **cell._asdict(), **_plain(sums)} for cell, sums in folded])
            days += 1
        return days

    def forget(self, before_s: int, before: datetime) -> None:
        """Remove what is older; of workers that are gone, too."""
        self._connection.execute(sa.delete(spend_hour).where(spend_hour.c.hour_s < before_s))
        gone = spend_source.c.closed & (spend_source.c.seen_at < before)
        self._connection.execute(sa.delete(spend_source).where(gone))

    def _put(self, rows: list[dict[str, Any]]) -> None:
        put = self._insert(spend_hour)
        more = {name: spend_hour.c[name] + put.excluded[name] for name in SUMS}
        put = put.on_conflict_do_update(index_elements=["hour_s", "cell"], set_=more)
        # In one order, so that two who write the same do not wait for each other.
        rows.sort(key=lambda row: (row["hour_s"], row["cell"]))
        for start in range(0, len(rows), _AT_ONCE):
            self._connection.execute(put, rows[start : start + _AT_ONCE])

    def _name(self, names: Names) -> None:
        if not names:
            return
        put = self._insert(spend_name)
        put = put.on_conflict_do_update(index_elements=["kind", "id"], set_={"name": put.excluded.name})
        rows = [{"kind": kind, "id": id, "name": name} for (kind, id), name in sorted(names.items())]
        self._connection.execute(put, rows)


def _plain(sums: Sums) -> dict[str, int]:
    return {name: getattr(sums, name) for name in SUMS}
