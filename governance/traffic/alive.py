"""Which workers of a folder are still there: each holds a lock until its process ends, however that comes about."""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from pathlib import Path

from governance.traffic.files import MODE


class Alive:
    """The sign that a worker is there. Its process holds it, and the kernel takes it away."""

    def __init__(self, folder: Path, worker: str) -> None:
        """Raises OSError."""
        self._path = _sign(folder, worker)
        self._fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, MODE)
        with suppress(OSError):  # there are file systems without locks: nobody takes over from anybody there
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def end(self) -> None:
        """Nothing comes after this."""
        self._path.unlink(missing_ok=True)
        os.close(self._fd)


def is_alive(folder: Path, worker: str) -> bool:
    """Whether its process is there; also where that cannot be told."""
    try:
        return is_held(_sign(folder, worker), os.O_RDWR)
    except FileNotFoundError:
        return False


def is_held(path: Path, access: int) -> bool:
    """Whether a process has locked this file; also where that cannot be told. Raises FileNotFoundError.

    Args:
        access: `os.O_RDONLY` or `os.O_RDWR`, which is what the lock is asked for with.
    """
    try:
        fd = os.open(path, access | os.O_CLOEXEC)
    except FileNotFoundError:
        raise
    except OSError:
        return True
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(fd)
    return False


def forget(folder: Path, worker: str) -> None:
    """All that one left is taken over."""
    with suppress(OSError):
        _sign(folder, worker).unlink(missing_ok=True)


def _sign(folder: Path, worker: str) -> Path:
    return folder / f".{worker}.alive"
