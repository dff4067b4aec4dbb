"""A file that several processes append lines to, and that any of them may rotate."""

from __future__ import annotations

import fcntl
import os
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Final

_MODE: Final = 0o640  # who asked for what is nobody else's business


class LogFile:
    """Whole lines at the end of a file, from any number of processes on one machine.

    A full file becomes `FILE.1`, and `FILE.1` becomes `FILE.2`. Whoever finds it full renames it; all others notice
    with their next lines, as they do when another program (logrotate) has renamed or removed it. Where the disk was
    full in the middle of a line, that line is lost and no other.

    Args:
        rotate_bytes: the size from which on it is full; None = never.
        keep_files: how many full files there are at most.
    """

    def __init__(self, path: str | os.PathLike[str], rotate_bytes: int | None = None, keep_files: int = 5) -> None:
        self._path = Path(path)
        self._rotate_bytes = rotate_bytes
        self._keep_files = keep_files
        self._torn = False
        self._fd, self._found = self._open()

    def append(self, lines: Sequence[bytes]) -> None:
        """Write these lines, each of which ends with a newline. Raises OSError."""
        self._follow()
        # One write is one piece in a file, however many append to it; a pipe keeps only short writes in one piece.
        pieces = [b"".join(lines)] if stat.S_ISREG(self._found.st_mode) else list(lines)
        if self._torn:
            pieces.insert(0, b"\n")
        for piece in pieces:
            self._write(piece)
        self._torn = False

    def close(self) -> None:
        """Let go of the file."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _write(self, piece: bytes) -> None:
        while piece:
            written = os.write(self._fd, piece)
            piece = piece[written:]
            # The disk is nearly full: the rest may not come, and the next line must not begin in the middle of this.
            self._torn = bool(piece)

    def _open(self) -> tuple[int, os.stat_result]:
        fd = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, _MODE)
        return fd, os.fstat(fd)

    def _reopen(self) -> None:
        self.close()
        self._fd, self._found = self._open()
        self._torn = False

    def _follow(self) -> None:
        now = self._at_path()
        if self._fd < 0 or now is None or not os.path.samestat(now, self._found):
            self._reopen()
        elif self._rotate_bytes is not None and now.st_size >= self._rotate_bytes and stat.S_ISREG(now.st_mode):
            self._rotate()

    def _rotate(self) -> None:
        try:
            # On the full file itself, and held until its descriptor is closed.
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return  # another process is about it
        now = self._at_path()
        if now is not None and os.path.samestat(now, self._found):
            for number in range(self._keep_files - 1, 0, -1):
                if self._numbered(number).exists():
                    os.replace(self._numbered(number), self._numbered(number + 1))
            os.replace(self._path, self._numbered(1))
        self._reopen()

    def _numbered(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}")

    def _at_path(self) -> os.stat_result | None:
        try:
            return os.stat(self._path)
        except FileNotFoundError:
            return None
