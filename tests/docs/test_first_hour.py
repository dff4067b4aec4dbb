"""The page about the first hour, followed from top to bottom: its files, terminals and answers are real."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from tests.docs.blocks import Block, blocks, pattern
from tests.docs.pages import ROOT
from tests.e2e.conftest import free_port, process, wait_until_ready
from tests.patience import ANSWER_S, told, turns

PAGE = ROOT / "docs" / "first-hour.md"
PORTS = ("4000", "4100", "9099")
DIGEST = re.compile(r"sha256: ([0-9a-f]{64})")
END = "the block has ended"


class Desk:
    """The terminals of whoever follows the page, in a folder that has been installed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "gateway"
        self.folder.mkdir()
        (folder / "bin").mkdir()
        for name, code in (
            ("governance", f"exec {sys.executable} -c 'from governance.cli import main; main()' \"$@\""),
            ("python", f'exec {sys.executable} "$@"'),
        ):
            program = folder / "bin" / name
            program.write_text(f"#!/bin/sh\n{code}\n")
            program.chmod(0o755)
        (folder / ".venv" / "bin").mkdir(parents=True)
        (folder / ".venv" / "bin" / "activate").write_text(f'export PATH="{folder / "bin"}:$PATH"\n')
        self.ports = {port: str(free_port()) for port in PORTS}
        self.environment = {**os.environ, "GOVERNANCE_URL": f"http://127.0.0.1:{self.ports['4000']}", "COLUMNS": "120"}
        self.environment.pop("GOVERNANCE_POLICY", None)
        self._running = ExitStack()
        self.started: dict[str, subprocess.Popen[bytes]] = {}
        self.first = subprocess.Popen(
            ["sh"],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def here(self, text: str) -> str:
        """The same at ports that are free."""
        return re.sub(r"\b(4000|4100|9099)\b", lambda found: self.ports[found[1]], text)

    def run(self, text: str) -> str:
        """What a block prints in the first terminal."""
        assert self.first.stdin
        assert self.first.stdout
        self.first.stdin.write(f"{self.here(text)}\necho {END}\n")
        self.first.stdin.flush()
        lines: list[str] = []
        for line in self.first.stdout:
            if line.strip() == END:
                return "".join(lines)
            lines.append(line)
        raise AssertionError(f"the terminal was closed:\n{''.join(lines)}")

    def open(self, terminal: str, text: str) -> None:
        """Another terminal, in which a block goes on running."""
        script = self.folder / f"terminal-{terminal}.sh"
        # What is started last takes the place of the shell, so that it is the one that is ended.
        *before, last = self.here(text).rstrip().splitlines()
        script.write_text("\n".join([*before, f"exec {last}"]))
        output = self.folder / f"terminal-{terminal}.txt"
        command = ["sh", "-c", f"cd {self.folder} && exec sh {script}"]
        self.started[terminal] = self._running.enter_context(process(command, output, **self.environment))

    def shown(self, terminal: str) -> str:
        return told(self.folder / f"terminal-{terminal}.txt")

    def close(self) -> None:
        self._running.close()
        assert self.first.stdin
        self.first.stdin.close()
        self.first.wait()


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    opened = Desk(tmp_path)
    try:
        yield opened
    finally:
        opened.close()


def test_the_first_hour_is_as_the_page_says(desk: Desk) -> None:
    printed = ""
    for block in blocks(PAGE):
        where = f"{PAGE.name}:{block.line}"
        if block.language == "yaml":
            write(desk, block)
        elif block.language == "sh":
            printed = run(desk, block) or printed
        elif block.language == "text":
            shown = desk.here(block.text)
            if '"text":"limit' in shown:
                alerted(desk, shown)
            else:
                assert re.search(pattern(shown), printed, re.DOTALL), f"{where}\n{printed}"
    assert_pages(desk)


def write(desk: Desk, block: Block) -> None:
    name = block.text.splitlines()[0].removeprefix("# ")
    text = desk.here(block.text)
    if name == "governance.yaml":
        made = [DIGEST.findall((desk.folder / f"{team}.txt").read_text())[0] for team in ("search", "support")]
        for shown, own in zip(DIGEST.findall(text), made, strict=True):
            text = text.replace(shown, own)
    (desk.folder / name).write_text(text)


def run(desk: Desk, block: Block) -> str | None:
    """What the first terminal prints; None for the others, which are waited for where they serve."""
    terminal = block.text.splitlines()[0].removeprefix("# terminal ")
    if terminal == "# once":
        assert block.text.splitlines()[1] in (ROOT / "README.md").read_text(), "the README installs in another way"
        return None
    if terminal == "1":
        return desk.run(block.text)
    desk.open(terminal, block.text)
    ready = {"2": ("4100", "/_stats"), "4": ("4000", "/health/liveliness")}.get(terminal)
    if ready:
        url = f"http://127.0.0.1:{desk.ports[ready[0]]}{ready[1]}"
        wait_until_ready(url, desk.started[terminal], desk.folder / f"terminal-{terminal}.txt")
    return None


def alerted(desk: Desk, shown: str) -> None:
    for _ in turns(desk.started["4"].pid):
        if re.search(pattern(shown.strip()), desk.shown("3"), re.DOTALL):
            return
    raise AssertionError(f"no such alert:\n{desk.shown('3')}")


def assert_pages(desk: Desk) -> None:
    """Whoever logs in with the master key sees the refusal and the budget."""
    key = re.findall(r"LITELLM_MASTER_KEY=(\S+)", (desk.folder / "secrets.env").read_text())[0]
    pages = f"{desk.environment['GOVERNANCE_URL']}/governance/ui"
    with httpx.Client(base_url=pages, follow_redirects=True, timeout=ANSWER_S) as browser:
        assert browser.post("/login", data={"key": key}).status_code == 200
        assert "what is left is less than this request may use" in browser.get("/decisions?outcome=refuse").text
        assert "money of search" in browser.get("/edge").text
