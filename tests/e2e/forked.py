"""Proxies that begin as copies of a process which has imported LiteLLM: the import is nearly all that a start costs.

From there on a copy is what an operator starts: a process of its own that runs LiteLLM's command with its arguments.
"""

from __future__ import annotations

import codecs
import contextlib
import json
import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tests.patience import told, turns


class Copy:
    """One of the copies. It is no child of ours, so nobody knows with which code it ended."""

    def __init__(self, pid: int) -> None:
        self.pid = pid

    def poll(self) -> int | None:
        """None while it runs, as `subprocess.Popen` says."""
        try:
            state = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return 0
        return 0 if state == "Z" else None

    def terminate(self) -> None:
        """As an operator ends it."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGTERM)

    def kill(self) -> None:
        """By force."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    def wait(self, *outputs: Path) -> int:
        """Until it has ended."""
        for _ in turns(self.pid, *outputs):
            if self.poll() is not None:
                return 0
        raise AssertionError(f"process {self.pid} does not end")


class Original:
    """The process that has imported LiteLLM and waits to be copied."""

    def __init__(self, process: subprocess.Popen[bytes], output: Path) -> None:
        self._process, self._output = process, output

    def copy(self, arguments: Sequence[str], output: Path, environment: Mapping[str, str]) -> Copy:
        """A copy that runs `litellm` with these arguments, in this environment beside that of the tests."""
        asked = json.dumps({"argv": list(arguments), "output": str(output), "env": {**os.environ, **environment}})
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(asked.encode() + b"\n")
        stdin.flush()
        answer = stdout.readline()
        assert answer, f"the original ended:\n{told(self._output)}"
        return Copy(int(answer))


@contextlib.contextmanager
def original(output: Path, environment: Mapping[str, str]) -> Iterator[Original]:
    """Import LiteLLM once."""
    with output.open("wb") as out:
        started = subprocess.Popen(
            [sys.executable, "-m", "tests.e2e.forked"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=out,
            env={**os.environ, **environment},
            cwd=Path(__file__).parents[2],
        )
    try:
        yield Original(started, output)
    finally:
        assert started.stdin is not None
        started.stdin.close()
        started.wait()


def main() -> None:
    """Copy itself for every line that is read, and tell the copy's pid; ends with its input."""
    import litellm.proxy.proxy_server  # noqa: F401

    assert not [name for name in sys.modules if name.split(".")[0] == "governance"], (
        "a copy imports what it governs with"
    )
    # LiteLLM 1.110 has a thread in the parent of workers that opens files in this encoding; what it is just importing
    # when a worker is forked is never there for that worker.
    codecs.lookup("ascii")
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    answers = os.dup(1)
    os.dup2(2, 1)
    for line in sys.stdin.buffer:
        asked = json.loads(line)
        pid = os.fork()
        if pid == 0:
            os.close(answers)
            run(asked["argv"], asked["output"], asked["env"])
        os.write(answers, b"%d\n" % pid)


def run(argv: list[str], output: str, environment: dict[str, str]) -> None:
    """Become the proxy; does not return."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    written = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for descriptor, place in ((nothing, 0), (written, 1), (written, 2)):
        os.dup2(descriptor, place)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["litellm", *argv]
    import uvicorn._subprocess
    from litellm import run_server

    # Workers are copies too; until they serve, a signal ends them, and is not their parent's to note.
    uvicorn._subprocess.spawn = multiprocessing.get_context("fork")  # type: ignore[assignment]
    os.register_at_fork(after_in_child=_heed_signals)

    try:
        run_server()
    finally:
        sys.stdout.flush()
        os._exit(0)


def _heed_signals() -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)


if __name__ == "__main__":
    main()
