"""The documentation tells the truth: its policies load, and its commands do what it shows.

A document is read from top to bottom in one folder. A `yaml` or `json` block is a policy (`governance.yaml`, or another
one when its first line says `# new.yaml`), the proxy's file when it says `# litellm.yaml`, tests when it says
`# NAME.tests.yaml`, or a request for `explain` when it has a `body`. Commands of `sh` blocks that begin with
`governance` and change nothing are run; those of `console` blocks are also compared with the output shown, where `…`
stands for anything.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests import patience
from tests.docs.blocks import WALKED, Block, blocks, pattern, sessions
from tests.plugins.third_party.install import HERE, install

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "plugins" / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
DOCUMENTS = [page for page in PAGES if not str(page.relative_to(ROOT)).startswith(WALKED)]

HARMLESS = re.compile(r"(echo '[^']*' \| )?governance (backtest|check|explain|plugins|schema|test)\b")
PREPARATION = re.compile(r"printf '[^']*' > [\w.]+")


class Shell:
    """A folder for the files of one document, and the command on the path."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        program = folder / "bin" / "governance"
        program.parent.mkdir()
        program.write_text(f"#!/bin/sh\nexec {sys.executable} -c 'from governance.cli import main; main()' \"$@\"\n")
        program.chmod(0o755)
        self.environment = {
            **os.environ,
            "PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": install(HERE / "governance-trial-keys", folder / "plugins"),
            "COLUMNS": "120",
            "NO_COLOR": "1",
        }
        self.environment.pop("GOVERNANCE_POLICY", None)

    def run(self, command: str) -> "subprocess.CompletedProcess[str]":
        shell = ["/bin/sh", "-c", command]
        return patience.run(shell, cwd=self.folder, env=self.environment, stderr=subprocess.STDOUT)

    def take(self, block: Block) -> None:
        """Put a block of YAML or JSON where the commands after it look for it; a policy must be valid."""
        named = re.match(r"# (litellm\.yaml|new\.yaml|\w+\.tests\.yaml)\n", block.text)
        if named:
            (self.folder / named[1]).write_text(block.text, "utf-8")
        elif block.language == "json" and "body" in json.loads(block.text):
            (self.folder / "request.json").write_text(block.text, "utf-8")
        else:
            for name in re.findall(r"(?<!\$)\$\{(\w+)\}", block.text):
                self.environment.setdefault(name, "memory://")
            (self.folder / "governance.yaml").write_text(block.text, "utf-8")
            checked = self.run("governance check governance.yaml")
            assert checked.returncode == 0, checked.stdout


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    return Shell(tmp_path_factory.mktemp("docs"))


@pytest.mark.parametrize("document", [pytest.param(d, id=str(d.relative_to(ROOT))) for d in DOCUMENTS])
def test_the_blocks_of_a_document_hold(document: Path, shell: Shell) -> None:
    for block in blocks(document):
        where = f"{document.relative_to(ROOT)}:{block.line}"
        try:
            if block.language in ("yaml", "json"):
                shell.take(block)
            elif block.language == "sh":
                for command in filter(HARMLESS.match, block.text.splitlines()):
                    done = shell.run(command)
                    assert done.returncode == 0, f"{command}\n{done.stdout}"
            elif block.language == "console":
                for command, shown in sessions(block.text):
                    assert HARMLESS.match(command) or PREPARATION.fullmatch(command), f"not run: {command}"
                    told = shell.run(command).stdout
                    assert re.fullmatch(pattern(shown), told, re.DOTALL), f"{command}\n{told}"
        except AssertionError as error:
            raise AssertionError(f"{where}: {error}") from None
