"""Instructions of a whole proxy per request, counted by valgrind: `python -m tests.bench.proxy.instructions`.

Whatever else the machine does hardly changes them: two runs differ by 1 %, and so does a ratio. What memory
that is cold costs besides is no part of it. A proxy runs some fifty times slower meanwhile. So what it does by the
clock is counted by itself, in a proxy that nobody asks, and taken off; and what governance gathers of several requests,
it gathers for fifty times as long.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from tests.bench.proxy.paired import Case, Client
from tests.bench.proxy.proxies import KINDS, Kind, Running, configured, surroundings
from tests.bench.proxy.report import row
from tests.bench.proxy.slowed import SLOWED
from tests.e2e.conftest import free_port, process, wait_until_ready
from tests.ledger.servers import Server, running

WARM = 40
ONCE_COUNTED = 15  # the first ones after valgrind begins to count translate code
IDLE_S = 10.0
SLOWER = 50
# Requests are told after 0.1 s and written after 0.1 s more.
DONE_AFTER_S = 0.2 * SLOWER + 1
_TOTALS = re.compile(r"^totals: (\d+)", re.MULTILINE)
# As its command does, found by no path.
_LITELLM = "import sys; sys.argv[0] = 'litellm'; from litellm.proxy.proxy_cli import run_server; run_server()"


class Counted(NamedTuple):
    """Instructions: of one request, and of one second in which nobody asks."""

    request: float
    idle_s: float


class Callgrind:
    """What is told to a proxy under valgrind, and what it has counted."""

    def __init__(self, pid: int, folder: Path) -> None:
        self._pid, self._folder = str(pid), folder

    def tell(self, *arguments: str) -> None:
        done = subprocess.run(["callgrind_control", *arguments, self._pid], capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"callgrind_control {' '.join(arguments)}: {done.stdout}{done.stderr}")

    def counted(self) -> int:
        """Since the last time."""
        self.tell("--dump")
        (found,) = self._folder.glob("counted.*.*")
        total = _TOTALS.search(found.read_text("utf-8", "replace"))
        assert total, f"{found} has no totals"
        found.unlink()
        return int(total[1])


async def counted(proxy: Running, callgrind: Callgrind, case: Case, requests: int) -> Counted:
    client = Client(proxy)
    await client.block(case, WARM)
    callgrind.tell("--instr=on")
    await client.block(case, ONCE_COUNTED)
    callgrind.tell("--zero")
    began_s = time.monotonic()
    await client.block(case, requests)
    await asyncio.sleep(DONE_AFTER_S)  # what is done after the answer belongs to it
    took_s, total = time.monotonic() - began_s, callgrind.counted()
    await asyncio.sleep(IDLE_S)  # what is left to be written is neither
    callgrind.tell("--zero")
    await asyncio.sleep(IDLE_S)
    idle_s = callgrind.counted() / IDLE_S
    return Counted((total - idle_s * took_s) / requests, idle_s)


def of_kind(kind: Kind, folder: Path, upstream: int, redis: Server, case: Case, requests: int) -> Counted:
    """Start this proxy under valgrind and count."""
    port = free_port()
    arguments = configured(kind, folder, upstream, redis, port)
    watched = [
        *("valgrind", "--tool=callgrind", "--instr-atstart=no", f"--callgrind-out-file={folder / 'counted.%p'}"),
        *(sys.executable, "-c", _LITELLM, *arguments),
    ]
    slowed = {} if kind.rules is None else {SLOWED: str(SLOWER)}
    with process(watched, folder / "output.txt", **surroundings(kind, folder), **slowed) as started:
        wait_until_ready(f"http://127.0.0.1:{port}/health/liveliness", started, folder / "output.txt")
        proxy = Running(kind.name, port, started.pid, "p0" if kind.rules is None else "fast", "")
        return asyncio.run(counted(proxy, Callgrind(started.pid, folder), case, requests))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=40)
    parser.add_argument("--streamed", action="store_true")
    parser.add_argument("--only", default="", help="kinds whose name has this in it, beside the bare one")
    options = parser.parse_args()
    if not shutil.which("valgrind"):
        parser.error("valgrind is not on PATH; on Debian and Ubuntu: apt-get install valgrind")
    case = Case(streamed=options.streamed)
    print(row("proxy", "million instructions a request", "of the bare", "a second of doing nothing"))
    print(row(*["---"] * 4))
    bare = 0.0
    with tempfile.TemporaryDirectory() as name, running() as redis:
        upstream = free_port()
        command = [sys.executable, "-m", "tests.bench.proxy.upstream", str(upstream)]
        with process(command, Path(name) / "upstream.txt"):
            for number, kind in enumerate(KINDS):
                if number and options.only not in kind.name:
                    continue
                folder = Path(name) / str(number)
                folder.mkdir()
                found = of_kind(kind, folder, upstream, redis, case, options.requests)
                bare = bare or found.request
                millions = f"{found.request / 1e6:.2f}"
                print(row(kind.name, millions, f"{found.request / bare:.3f}", f"{found.idle_s / 1e6:.2f}"), flush=True)


if __name__ == "__main__":
    main()
