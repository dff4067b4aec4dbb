"""A real PostgreSQL server of our own: in a temporary folder, on a free port of loopback, as nobody's service."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import psycopg

from tests.patience import told, turns

_MISSING = "PostgreSQL is missing; `sh tests/provide.sh` provides it, or install your system's package"


class Postgres:
    """The running server."""

    def __init__(self, port: int, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        self._port = port
        self._databases = count()

    def url(self, database: str) -> str:
        return f"postgresql://tests:not-a-secret@127.0.0.1:{self._port}/{database}"

    def new_database(self) -> str:
        """The URL of an empty database."""
        name = f"db{next(self._databases)}"
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return self.url(name)


@contextlib.contextmanager
def running_postgres(port: int) -> Iterator[Postgres]:
    """Start a server, and end it."""
    folder = Path(tempfile.mkdtemp(prefix="governance-postgres-"))  # not pytest's: another user must get in
    try:
        unprivileged = _unprivileged(folder)
        data, output = folder / "data", folder / "output.txt"
        password = folder / "password"
        password.write_text("not-a-secret")
        if unprivileged:
            shutil.chown(password, "postgres")
        made = subprocess.run(
            [
                *(*unprivileged, _program("initdb"), "-D", str(data), "-U", "tests", "-A", "scram-sha-256"),
                *("--pwfile", str(password), "--no-sync", "-E", "UTF8", "--locale=C"),
            ],
            capture_output=True,
            text=True,
            cwd=folder,
        )
        assert made.returncode == 0, made.stderr
        command = [*unprivileged, _program("postgres"), "-D", str(data), "-h", "127.0.0.1", "-p", str(port)]
        command += ["-k", "", "-F"]
        with output.open("wb") as out, subprocess.Popen(command, stdout=out, stderr=out, cwd=folder) as process:
            server = Postgres(port, process)
            try:
                _wait(server, output)
                yield server
            finally:
                process.send_signal(signal.SIGINT)  # it does not wait for clients that a thread has left behind
                process.wait()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _wait(server: Postgres, output: Path) -> None:
    for _ in turns(server.process.pid, output):
        assert server.process.poll() is None, told(output)
        with contextlib.suppress(psycopg.OperationalError):
            psycopg.connect(server.url("postgres"), connect_timeout=5).close()
            return
    raise AssertionError(f"PostgreSQL does not answer:\n{told(output)}")


def _program(name: str) -> str:
    places = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda place: int(place.parent.name), reverse=True)
    found = shutil.which(name, path=os.pathsep.join([*map(str, places), os.environ["PATH"]]))
    assert found, _MISSING
    return found


def _unprivileged(folder: Path) -> list[str]:
    """What a command begins with so that PostgreSQL does not refuse to run: as root it would."""
    if os.geteuid() != 0:
        return []
    with contextlib.suppress(KeyError):
        user = pwd.getpwnam("postgres")
        os.chown(folder, user.pw_uid, user.pw_gid)
        return ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups", "--"]
    raise AssertionError(f"as root, PostgreSQL runs as the user `postgres`, and there is none: {_MISSING}")
