"""Redis processes for tests and benchmarks: started on loopback, ended by their process id."""

from __future__ import annotations

import contextlib
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import redis

from tests.patience import tries, turns


class Missing(RuntimeError):
    """A program that these tests cannot do without."""


def program(name: str) -> str:
    """Its path. Fails, and never skips: an untested ledger must not look like a tested one."""
    found = shutil.which(name)
    if found is None:
        package = "redis-server" if name == "redis-server" else name
        raise Missing(f"{name} is not installed, and the ledger cannot be tested without: apt-get install {package}")
    return found


def free_port() -> int:
    """A port that is free now, and so is the one 10,000 above it (a cluster's bus)."""
    while True:
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            port = first.getsockname()[1]
            if port + 10_000 < 65_536:
                with contextlib.suppress(OSError):
                    second.bind(("127.0.0.1", port + 10_000))
                    return int(port)


class Server:
    """One redis-server (or sentinel) process.

    Args:
        options: as in redis.conf, e.g. {"appendonly": "no"}.
        lines: more of the configuration file, for sentinels.
    """

    def __init__(self, port: int | None = None, lines: str = "", sentinel: bool = False, **options: str) -> None:
        self.port = port or free_port()
        self._folder = tempfile.mkdtemp(prefix="ledger-")
        config = Path(self._folder) / "redis.conf"
        settings = {"port": str(self.port), "bind": "127.0.0.1", "dir": self._folder, "daemonize": "no"}
        if not sentinel:
            settings |= {"save": '""', "appendonly": "no"}
        settings |= {name.replace("_", "-"): value for name, value in options.items()}
        config.write_text("".join(f"{name} {value}\n" for name, value in settings.items()) + lines)
        self._command = [program("redis-server"), str(config), *(["--sentinel"] if sentinel else [])]
        self.process = self._start()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def client(self) -> redis.Redis:
        return redis.Redis(port=self.port, host="127.0.0.1", socket_timeout=10)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def restart(self) -> None:
        """Empty: nothing is written to disk."""
        self.process = self._start()

    def pause(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def remove(self) -> None:
        self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _start(self) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in turns(process.pid):
            if self._answers(process):
                break
        else:
            raise RuntimeError(f"redis-server on port {self.port} does not answer")
        return process

    def _answers(self, process: subprocess.Popen[bytes]) -> bool:
        if process.poll() is not None:
            raise RuntimeError(f"redis-server on port {self.port} ended with {process.returncode}")
        with contextlib.suppress(redis.RedisError):
            return bool(redis.Redis(port=self.port, host="127.0.0.1", socket_timeout=1).ping())
        return False


@contextlib.contextmanager
def running(**options: str) -> Iterator[Server]:
    server = Server(**options)  # type: ignore[arg-type]
    try:
        yield server
    finally:
        server.remove()


def wait_until(ready: Callable[[], object], what: str) -> None:
    """Ask again and again; fail with a message that says what never came."""
    if not any(ready() for _ in tries()):
        raise RuntimeError(f"{what}: has not come")
