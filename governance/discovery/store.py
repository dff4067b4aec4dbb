"""The file in which discovery keeps what it knows, shared by all workers and commands of one machine."""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from governance.discovery.source import DiscoveryFailed
from governance.discovery.state import State

FILE_NAME: Final = "catalogue.json"
_NOTHING: Final = State()


def default_path(environment: Mapping[str, str]) -> Path:
    """$GOVERNANCE_STATE_DIR, else the user's cache directory."""
    if environment.get("GOVERNANCE_STATE_DIR"):
        return Path(environment["GOVERNANCE_STATE_DIR"]) / FILE_NAME
    cache = environment.get("XDG_CACHE_HOME", "")
    folder = Path(cache) if cache.startswith("/") else Path(environment.get("HOME", "/tmp")) / ".cache"  # noqa: S108
    return folder / "litellm-governance" / FILE_NAME


class Store:
    """Reads the file when it has changed and writes it whole: a reader sees the old state or the new one."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.problem: str | None = None
        self._state = _NOTHING
        self._seen: tuple[int, ...] | None = None

    @property
    def state(self) -> State:
        """What is known now. A file that cannot be read leaves what was known, and `problem` says why."""
        try:
            stat = self.path.stat()
        except FileNotFoundError:
            self._state, self._seen, self.problem = _NOTHING, None, None
            return self._state
        except OSError as error:
            self.problem = f"{self.path}: cannot be read: {error.strerror}"
            return self._state
        seen = (stat.st_ino, stat.st_mtime_ns, stat.st_size)
        if seen != self._seen:
            self._seen = seen
            try:
                self._state, self.problem = State.model_validate_json(self.path.read_bytes()), None
            except OSError as error:
                self.problem = f"{self.path}: cannot be read: {error.strerror}"
            except (ValidationError, RecursionError):
                self.problem = f"{self.path}: is damaged; run `governance discover`, the file is then kept aside"
        return self._state

    def change(self, change: Callable[[State], State]) -> State:
        """Write the state that `change` makes of the present one. No other process changes it meanwhile.

        Raises:
            DiscoveryFailed: the file cannot be written.
        """
        try:
            with self._locked():
                state = change(self.state)
                if self.problem and self.path.exists():
                    os.replace(self.path, self.path.with_suffix(".damaged.json"))
                self._write(state.model_dump_json(exclude_none=True).encode())
        except OSError as error:
            raise DiscoveryFailed(f"{self.path}: cannot be written: {error.strerror}") from None
        self._state, self.problem = state, None
        return state

    def _write(self, content: bytes) -> None:
        handle, name = tempfile.mkstemp(dir=self.path.parent, prefix=".catalogue-")  # made with mode 0600
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(name, self.path)
        except BaseException:  # also when it is interrupted, nothing half written stays behind
            Path(name).unlink(missing_ok=True)
            raise

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # A file of its own: the store itself is replaced, and a lock would go with it.
        handle = os.open(self.path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)
