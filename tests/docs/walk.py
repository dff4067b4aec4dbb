"""Walks a page: every block of it, from top to bottom, in one folder and one shell.

A block whose first line is a comment with the name of a file is that file. An `sh` block is run as a whole and has to
end with 0. Each command of a `console` block is run, and what it prints is what stands below it, where `…` stands for
anything. What is exported stays so. A `text` block is for what only its reader can run.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from tests import patience
from tests.docs.blocks import Block, blocks, pattern, sessions
from tests.docs.pages import ROOT

_FILE = re.compile(r"(?:#|//) ([\w.-]+\.\w+)\n")


class Walk:
    """A folder, what was exported in it, and what a block is preceded and followed by."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.folder = folder
        self.environment = {**os.environ, "COLUMNS": "120", "NO_COLOR": "1", **environment}
        self.environment.pop("GOVERNANCE_POLICY", None)
        self.rewritten: dict[str, str] = {}  # what pages say, by what is so here
        self._exported = folder / ".exported"
        self._exported.touch()
        program = folder / "bin" / "governance"
        program.parent.mkdir()
        program.write_text(f"#!/bin/sh\nexec {sys.executable} -c 'from governance.cli import main; main()' \"$@\"\n")
        program.chmod(0o755)
        self.environment["PATH"] = f"{program.parent}{os.pathsep}{self.environment['PATH']}"

    def page(self, page: str, around: Callable[[Block], Iterator[None]] | None = None) -> None:
        """All blocks of a page; `around` is given each one, and is resumed when it was taken."""
        for block in blocks(ROOT / page):
            steps = around(block) if around else iter((None,))
            try:
                for _ in steps:
                    self.take(block)
            except AssertionError as error:
                raise AssertionError(f"{page}:{block.line}: {error}") from None

    def take(self, block: Block) -> None:
        text = block.text
        for here, said in self.rewritten.items():
            text = text.replace(said, here)
        named = _FILE.match(text)
        if named and block.language not in ("sh", "console"):
            (self.folder / named[1]).write_text(text, "utf-8")
        elif block.language == "sh":
            done = self.run(f"set -e\n{text}")
            assert done.returncode == 0, f"ended with {done.returncode}\n{done.stdout}"
        elif block.language == "console":
            for command, shown in sessions(text):
                told = _bare(self.run(command).stdout)
                assert re.fullmatch(pattern(_bare(shown)), told, re.DOTALL), f"{command}\n{told}"
        else:
            assert block.language == "text", f"nobody runs a block of `{block.language}`"

    def run(self, commands: str) -> subprocess.CompletedProcess[str]:
        """What it prints, errors too, with what was exported before; what it exports is kept."""
        # The last command's code, whatever is done after it.
        script = (
            f'trap \'code=$?; export -p > "{self._exported}"; exit $code\' EXIT\n. "{self._exported}"\n{commands}\n'
        )
        with tempfile.TemporaryFile("w+") as printed:
            streams = {"stdin": subprocess.DEVNULL, "stdout": printed, "stderr": subprocess.STDOUT}
            shell = subprocess.Popen(
                ["/bin/sh", "-c", script], cwd=self.folder, env=self.environment, start_new_session=True, **streams
            )
            try:
                shell.wait(patience.ANSWER_S)  # what waits in a loop gets on for ever
            except subprocess.TimeoutExpired:
                os.killpg(shell.pid, signal.SIGKILL)
                shell.wait()
            printed.seek(0)
            return subprocess.CompletedProcess(commands, shell.returncode, printed.read())

    def exported(self) -> dict[str, str]:
        """The variables of the shell, as a process that it starts would have them."""
        printed = self.run("env -0").stdout
        return dict(line.partition("=")[::2] for line in printed.split("\0") if "=" in line)


def _bare(text: str) -> str:
    """Without the blanks that nobody sees at the ends of lines."""
    return "\n".join(line.rstrip() for line in text.rstrip().split("\n"))
