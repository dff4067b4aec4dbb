"""How this process talks to the database: timeouts, what a transaction begins with, and what may be told of it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.exc import SQLAlchemyError

from governance.model.errors import StoreUnavailable
from governance.policy.truth import shown, sqlite_path
from governance.store.reasons import reason

# LiteLLM's own migrations drop what they do not know in the schema they work in, so ours is another.
SCHEMA: Final = "governance"
WRITES: Final = "governance_writes"
_CONNECT_WITHIN_S: Final = 3
_WAIT_FOR_OTHERS_S: Final = 10
# Writers of policies are few; one at a time is fast enough, and simple.
_LOCK: Final = 0x676F7665726E
# Where several machines may write, and locks and shared memory of one are not those of the other.
_NETWORK: Final = frozenset(
    {"afs", "beegfs", "ceph", "cifs", "coda", "gfs2", "glusterfs", "gpfs", "lustre", "ncpfs", "nfs", "nfs4", "ocfs2"}
    | {"smb2", "smb3", "smbfs", "fuse.ceph", "fuse.cephfs", "fuse.glusterfs", "fuse.s3fs", "fuse.sshfs"}
)


def connect(url: str, mounts: str = "/proc/self/mountinfo") -> sa.Engine:
    """An engine that has not asked the database for anything yet.

    Args:
        mounts: the kernel's table of file systems; where there is none, nothing is known of them.

    Raises StoreUnavailable where the file could not be kept safely, ValueError for a URL of no store.
    """
    path = sqlite_path(url)
    if path is None:
        return _postgresql(url)
    folder = Path(path).parent
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        kind = _file_system(folder.resolve(), Path(mounts))
        # Its journals have the mode of the file.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise StoreUnavailable(f"the store ({shown(url)}) cannot be used: {error.strerror}") from None
    if kind in _NETWORK:
        raise StoreUnavailable(
            f"the store ({shown(url)}) is on a network file system ({kind}), where SQLite loses data; put it on a disk "
            "of this machine, or use postgresql:// for several"
        )
    return _sqlite(path)


@contextmanager
def clear_faults(url: str) -> Iterator[None]:
    """Whatever the database says is told in one line, without secrets, as StoreUnavailable."""
    try:
        yield
    except SQLAlchemyError as error:
        raise StoreUnavailable(f"the store ({shown(url)}) does not answer: {reason(error)}") from None


def _sqlite(path: str) -> sa.Engine:
    engine = sa.create_engine(
        sa.URL.create("sqlite", database=path),
        connect_args={"timeout": _WAIT_FOR_OTHERS_S},
        pool_timeout=_WAIT_FOR_OTHERS_S,
    )

    @event.listens_for(engine, "connect")
    def opened(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # Python's driver would begin transactions by itself, and not before DDL
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begun(connection: sa.Connection) -> None:
        # Who reads first and writes then may find that another wrote in between; who says so at once waits instead.
        writes = connection.get_execution_options().get(WRITES)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _postgresql(url: str) -> sa.Engine:
    engine = sa.create_engine(
        sa.make_url(url).set(drivername="postgresql+psycopg"),
        connect_args={"connect_timeout": _CONNECT_WITHIN_S, "prepare_threshold": None},
        pool_pre_ping=True,
        pool_timeout=_WAIT_FOR_OTHERS_S,
        hide_parameters=True,
    )

    @event.listens_for(engine, "begin")
    def begun(connection: sa.Connection) -> None:
        for setting in (
            f"search_path TO {SCHEMA}",
            f"lock_timeout TO '{_WAIT_FOR_OTHERS_S}s'",
            f"statement_timeout TO '{_WAIT_FOR_OTHERS_S}s'",
        ):
            connection.exec_driver_sql(f"SET LOCAL {setting}")
        if connection.get_execution_options().get(WRITES):
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
        else:
            connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")

    return engine


def _file_system(folder: Path, mounts: Path) -> str:
    """The kind of file system that a folder is on; "" where it cannot be told.

    Source: proc(5), /proc/pid/mountinfo.
    """
    try:
        lines = mounts.read_text("utf-8", "surrogateescape").splitlines()
    except OSError:
        return ""
    found, deepest = "", -1
    for line in lines:
        before, _, after = line.partition(" - ")
        point = Path(before.split(" ")[4].replace("\\040", " "))
        if folder.is_relative_to(point) and len(point.parts) >= deepest:
            found, deepest = after.split(" ")[0], len(point.parts)
    return found
