from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from governance.cli import app
from tests import patience

POLICY = """
version: 1
routing_profiles:
  - name: Fast
    virtual_provider: fast
    targets:
      - {provider: cerebras, limits: {requests: 60/minute}}
      - {provider: openai, capabilities: [vision]}
"""
Command = Callable[..., Any]
Process = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the command runs: an empty folder but for a policy."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GOVERNANCE_POLICY", raising=False)
    monkeypatch.delenv("GOVERNANCE_URL", raising=False)
    monkeypatch.setenv("COLUMNS", "200")
    (tmp_path / "governance.yaml").write_text(POLICY)
    return tmp_path


@pytest.fixture
def governance(folder: Path) -> Command:
    """The command, in this process."""
    return lambda *arguments, stdin="": CliRunner().invoke(app, arguments, input=stdin)


@pytest.fixture
def on_terminal(folder: Path) -> Command:
    """The command on a terminal of its own, ended `until` something has happened or by itself: its lines as they arrive
    there, without colours.
    """

    def run(*arguments: str, columns: int = 80, until: threading.Event | None = None) -> list[str]:
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
        # Shells that start this in the background have SIGINT ignored.
        code = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
        command = [sys.executable, "-c", f"{code}; from governance.cli import main; main()", *arguments]
        environment = {**os.environ, "NO_COLOR": "1", "TERM": "xterm"}
        del environment["COLUMNS"]
        ran = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment)
        os.close(theirs)
        if until:
            assert until.wait(patience.ANSWER_S)
            ran.send_signal(signal.SIGINT)
        said = b""
        # The other end is gone when the last process that has it open is.
        with contextlib.suppress(OSError):
            while part := os.read(ours, 65536):
                said += part
        os.close(ours)
        ran.wait()
        return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", said.decode()).splitlines()

    return run


@pytest.fixture
def process(folder: Path) -> Process:
    """Python code, in a process of its own."""

    def run(code: str) -> subprocess.CompletedProcess[str]:
        return patience.run([sys.executable, "-c", code])

    return run
