"""What a ledger is owed, kept in a folder until it is paid, so that it is paid also when the process has ended.

Each process appends to a file of its own that it holds locked. A file that nobody holds belonged to a process that has
ended: whoever finds it pays what is in it, which counts once however often that is tried, and removes it.
"""

from __future__ import annotations

import asyncio
import fcntl
import io
import json
import logging
import os
import uuid
from pathlib import Path

from governance.ledger.owed import Debt, read_back, written
from governance.model.turns import in_turns

_log = logging.getLogger("governance.ledger")


class Spool:
    """The files of one folder, of which one is ours.

    Args:
        folder: made when the first debt is written.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._own = folder / f"{uuid.uuid4().hex}.owed"
        self._file: int | None = None
        self._adopted: dict[Path, int] = {}
        self._lines: list[tuple[bytes, asyncio.Future[None]]] = []
        self._writing: asyncio.Task[None] | None = None
        self.error: str | None = None

    async def add(self, reservation_id: str, debt: Debt) -> None:
        """Returns when it is on the disk, or when that has failed, which `error` tells and the log."""
        loop = asyncio.get_running_loop()
        kept = loop.create_future()
        self._lines.append((json.dumps(written(reservation_id, debt)).encode() + b"\n", kept))
        if self._writing is None or self._writing.done():
            self._writing = loop.create_task(self._write())
        await kept

    async def adopt(self) -> list[tuple[str, Debt]]:
        """What one process that has ended left unpaid. Call `done` when all of it is paid, and then again."""
        return await asyncio.to_thread(self._adopt)

    def done(self) -> None:
        """Nothing is owed any more."""
        if self._lines:
            return
        for path, file in self._adopted.items():
            path.unlink(missing_ok=True)
            os.close(file)
        self._adopted.clear()
        if self._file is not None:
            os.ftruncate(self._file, 0)

    def close(self) -> None:
        """Let go: what is still in our file is for whoever comes next."""
        for file in self._adopted.values():
            os.close(file)
        self._adopted.clear()
        if self._file is not None:
            if os.fstat(self._file).st_size == 0:
                self._own.unlink(missing_ok=True)
            os.close(self._file)
            self._file = None

    async def _write(self) -> None:
        while self._lines:
            # All that came while the disk was busy is written together.
            lines, self._lines = self._lines, []
            error: str | None = None
            try:
                await asyncio.to_thread(self._append, b"".join(line for line, _ in lines))
            except OSError as failed:
                error = failed.strerror or type(failed).__name__
            if error and error != self.error:
                _log.error("ledger: %s cannot be written: %s; what is owed is kept in memory alone", self._own, error)
            self.error = error
            for _, kept in lines:
                if not kept.done():
                    kept.set_result(None)

    def _append(self, text: bytes) -> None:
        if self._file is None:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            file = os.open(self._own, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            fcntl.flock(file, fcntl.LOCK_EX)
            self._file = file
        while text:
            text = text[os.write(self._file, text) :]
        os.fsync(self._file)

    def _adopt(self) -> list[tuple[str, Debt]]:
        try:
            paths = sorted(self._folder.glob("*.owed"))
        except OSError:
            return []
        for path in paths:
            if path == self._own or path in self._adopted:
                continue
            try:
                file = os.open(path, os.O_RDONLY)
            except OSError:
                continue  # somebody has paid it, or it is not ours to read
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                text = path.read_bytes()
            except OSError:
                os.close(file)
                continue
            self._adopted[path] = file
            return _debts(path, text)
        return []


def _debts(path: Path, text: bytes) -> list[tuple[str, Debt]]:
    found = []
    for number, line in enumerate(in_turns(io.BytesIO(text)), 1):
        try:
            found.append(read_back(json.loads(line)))
        except (KeyError, TypeError, ValueError) as error:
            # The last line of a process that was killed while it wrote: nobody was told that it is kept.
            _log.warning("ledger: line %d of %s says nothing: %s", number, path, type(error).__name__)
    return found
