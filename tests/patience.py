"""How long a test waits: as long as what it waits for gets on, however slow the machine is today.

A process gets on while its output grows, or while it and its descendants compute. An idle server computes a little,
too, so there is a least amount. Turns are counted and no clock is read: on a slow machine the test waits longer, too.
"""

import asyncio
import os
import subprocess
import tempfile
import time
from collections.abc import Awaitable, Iterator
from pathlib import Path
from typing import Any, TypeVar

TURN_S = 0.1
STILL_TURNS = 1_200
LEAST_WORK_S = 1.0  # in STILL_TURNS; an idle proxy takes a third of it
ANSWER_S = 600.0  # for clients of servers that `Patience` cannot see: this long takes only what hangs

T = TypeVar("T")


class Patience:
    """Ends when a process has stood still for so many turns."""

    def __init__(self, pid: int, *outputs: Path, still: int = STILL_TURNS) -> None:
        self._pid, self._outputs, self._still = pid, outputs, still
        self._turn, self._got_on_at, self._size, self._work_s = 0, 0, 0, 0.0

    def lasts(self) -> bool:
        """Call once in each turn."""
        if self._turn % 10 == 0:
            size = sum(path.stat().st_size for path in self._outputs if path.exists())
            work_s = cpu_s(self._pid)
            if size != self._size or work_s - self._work_s >= LEAST_WORK_S:
                self._got_on_at, self._size, self._work_s = self._turn, size, work_s
        self._turn += 1
        return self._turn - self._got_on_at <= self._still


def turns(pid: int, *outputs: Path, still: int = STILL_TURNS) -> Iterator[None]:
    """A turn every TURN_S, for as long as the process gets on."""
    patience = Patience(pid, *outputs, still=still)
    while patience.lasts():
        yield
        time.sleep(TURN_S)


def tries(count: int = 300) -> Iterator[None]:
    """Turns for what a server is asked again and again: a slow one answers slowly, so that a count is enough."""
    for _ in range(count):
        yield
        time.sleep(TURN_S)


def ended(process: "subprocess.Popen[Any]", *outputs: Path, still: int = STILL_TURNS) -> int:
    """The exit code of a process that ends by itself; one that stands still is killed."""
    for _ in turns(process.pid, *outputs, still=still):
        if process.poll() is not None:
            return process.returncode
    process.kill()
    process.wait()
    raise AssertionError(f"stood still and was killed: {process.args}\n{told(*outputs)}")


def told(*outputs: Path) -> str:
    return "\n".join(path.read_text("utf-8", "replace")[-4000:] for path in outputs if path.exists())


def run(command: Any, stdin: str = "", still: int = STILL_TURNS, **options: Any) -> "subprocess.CompletedProcess[str]":
    """`subprocess.run` with its output captured as text, and with patience for a limit."""
    with tempfile.TemporaryDirectory() as folder:
        given, out, err = (Path(folder, name) for name in ("in", "out", "err"))
        given.write_text(stdin, "utf-8")
        with given.open() as source, out.open("w") as stdout, err.open("w") as stderr:
            streams = {"stdin": source, "stdout": stdout, "stderr": stderr} | options
            code = ended(subprocess.Popen(command, **streams), out, err, still=still)
        return subprocess.CompletedProcess(command, code, out.read_text("utf-8"), err.read_text("utf-8"))


async def happens(awaited: Awaitable[T]) -> T:
    """What this very process is to do, by itself or by its threads and children."""
    task, patience = asyncio.ensure_future(awaited), Patience(os.getpid())
    while patience.lasts():
        await asyncio.wait([task], timeout=TURN_S)
        if task.done():
            return task.result()
    task.cancel()
    raise AssertionError("it never happened")


def cpu_s(pid: int) -> float:
    """What a process, its descendants and those that have ended have computed, in seconds of CPU; 0 without /proc."""
    work: dict[int, float] = {}
    parents: dict[int, int] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            # The name before it is in parentheses and may hold anything.
            fields = stat.read_text("utf-8", "replace").rpartition(")")[2].split()
        except OSError:  # it has just ended
            continue
        number = int(stat.parent.name)
        parents[number] = int(fields[1])
        work[number] = sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
    family = {pid}
    while grown := {child for child, parent in parents.items() if parent in family} - family:
        family |= grown
    return sum(work.get(member, 0.0) for member in family)
