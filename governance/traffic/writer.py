"""Writes lines to the files of one worker, hour by hour, and keeps the folder of all workers within its bounds."""

from __future__ import annotations

import fcntl
import logging
import os
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from governance.traffic.alive import Alive, is_held
from governance.traffic.files import (
    HOUR_US,
    MODE,
    TrafficFile,
    being_compressed,
    columns_of,
    compress,
    files_in,
    hour_of,
    left_over,
    name_of,
)

log = logging.getLogger("governance.traffic")

# Lines of about 100,000 decisions: to compress them takes a second, and no longer.
_SEGMENT_BYTES: Final = 64 << 20
_SEGMENTS: Final = 16
_LOOK_EVERY_BYTES: Final = 1 << 20
_LOOK_EVERY_US: Final = 60_000_000
_FOLDER_MODE: Final = 0o750


class TrafficWriter:
    """The files of one worker in a folder that several share.

    A file is locked as long as its worker writes it: whoever finds an old one unlocked compresses it.

    Args:
        worker: a name that no other process has, and had.
        keep_us: for how long files are kept. most_bytes: of all files in the folder.
        clock: Unix microseconds.
    """

    def __init__(self, folder: Path, worker: str, *, keep_us: int, most_bytes: int, clock: Callable[[], int]) -> None:
        self.folder, self.worker = folder, worker
        self._keep_us, self._most_bytes, self._clock = keep_us, most_bytes, clock
        self._segment_bytes = min(_SEGMENT_BYTES, most_bytes // _SEGMENTS)
        self._fd = -1
        self._path = folder
        self._hour_us = self._segment = self._size = 0
        self._torn = False
        self._unseen = 0
        self._seen_us = 0
        self._tidying: threading.Thread | None = None
        self._writing = threading.Lock()
        self._alive: Alive | None = None

    def append(self, lines: Sequence[bytes]) -> None:
        """Write whole lines, each with its end. Raises OSError; the next call tries anew."""
        now_us = self._clock()
        with self._writing:
            self._append(lines, hour_of(now_us))
        self.look(now_us)

    def _append(self, lines: Sequence[bytes], hour_us: int) -> None:
        self._follow(hour_us)
        piece = (b"\n" if self._torn else b"") + b"".join(lines)
        self._size += len(piece)
        self._unseen += len(piece)
        while piece:
            written = os.write(self._fd, piece)
            piece = piece[written:]
            # The disk is nearly full: the rest may not come, and the next line must not begin in the middle of this.
            self._torn = bool(piece)

    def look(self, now_us: int | None = None) -> None:
        """Compress what is over and remove what is too much, in a thread of its own, where it is time for that."""
        now_us = self._clock() if now_us is None else now_us
        with self._writing:
            if self._fd >= 0 and self._hour_us != hour_of(now_us):
                self._let_go()
                self._seen_us = 0
        if self._unseen < _LOOK_EVERY_BYTES and now_us - self._seen_us < _LOOK_EVERY_US:
            return
        if self._tidying is None or not self._tidying.is_alive():
            self._unseen, self._seen_us = 0, now_us
            self._tidying = threading.Thread(target=self._tidy, name="governance-trace", daemon=True)
            self._tidying.start()

    def close(self) -> None:
        """Let go of the file; whoever looks at the folder after its hour compresses it."""
        with self._writing:
            self._let_go()

    def end(self) -> None:
        """Nothing comes after this, and all that was written is counted."""
        self.close()
        if self._alive is not None:
            self._alive.end()
            self._alive = None

    def _let_go(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd, self._path = -1, self.folder

    def tidy(self) -> None:
        """Compress files of hours that are over, and remove the oldest until the folder keeps to its bounds.

        Raises:
            OSError: the folder cannot be read.
        """
        now_us = self._clock()
        for part in left_over(self.folder, now_us - HOUR_US):
            part.unlink(missing_ok=True)
        for file in files_in(self.folder):
            if not file.compressed and file.path != self._path and file.hour_us + HOUR_US <= now_us:
                # Both are there until the compressed one is whole.
                self._make_room(now_us, _size(file.path), file.path)
                _compress_abandoned(file)
        self._make_room(now_us)

    def _make_room(self, now_us: int, more_bytes: int = 0, keeping: Path | None = None) -> None:
        """Remove what is too old, and the oldest until there is room for so much more; columns, which can be made
        again, before any lines.
        """
        files = files_in(self.folder)
        columns = [columns_of(file.path) for file in files if file.compressed]
        being = [file.path for file in being_compressed(self.folder, files)]
        total = more_bytes + sum(map(_size, (*(file.path for file in files), *being, *columns)))
        for path in columns:
            if total > self._most_bytes:
                total -= _removed(path)
        for file in files:
            too_old = file.hour_us + HOUR_US <= now_us - self._keep_us
            if not (too_old or total > self._most_bytes) or file.path in (self._path, keeping):
                continue
            total -= _removed(file.path) + _removed(columns_of(file.path))

    def _tidy(self) -> None:
        try:
            self.tidy()
        except OSError as error:
            log.warning("recorded traffic in %s cannot be tidied: %s", self.folder, error.strerror)

    def _follow(self, hour_us: int) -> None:
        full = self._size >= self._segment_bytes
        if self._fd >= 0 and self._hour_us == hour_us and not full and self._path.exists():
            return
        again = full and self._hour_us == hour_us
        self._let_go()
        self.folder.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
        self._segment = self._segment + 1 if again else 1
        self._hour_us = hour_us
        if self._alive is None:
            self._alive = Alive(self.folder, self.worker)
        path = self.folder / name_of(hour_us, self.worker, self._segment)
        self._fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, MODE)
        with suppress(OSError):  # there are file systems without locks; its files are compressed by nobody else then
            fcntl.flock(self._fd, fcntl.LOCK_EX)
        self._path, self._size, self._torn = path, os.fstat(self._fd).st_size, False
        # What the last file has is over.
        self._seen_us = 0


def abandoned(file: TrafficFile) -> bool:
    """Whether nobody writes this file any more."""
    if file.compressed:
        return True
    try:
        return not is_held(file.path, os.O_RDONLY)
    except FileNotFoundError:
        return False


def _compress_abandoned(file: TrafficFile) -> None:
    try:
        fd = os.open(file.path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return  # somebody else has compressed it
    try:
        # Held until it is done, so that of several workers one does it.
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if file.path.exists():
            compress(file.path)
    except BlockingIOError:
        return
    except OSError as error:
        log.warning("recorded traffic in %s cannot be compressed: %s", file.path, error.strerror)
    finally:
        os.close(fd)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _removed(path: Path) -> int:
    """Remove a file where it is there; returns how many bytes it had."""
    size = _size(path)
    path.unlink(missing_ok=True)
    return size
