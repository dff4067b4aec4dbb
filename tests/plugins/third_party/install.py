"""Installs a distribution as others would, and runs the command where it is installed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests import patience

HERE = Path(__file__).parent
COMMAND = (sys.executable, "-c", "from governance.cli import main; main()")

_PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-deps", "--no-index")


def install(distribution: Path, into: Path) -> str:
    """The `PYTHONPATH` with which it is found."""
    command = [*_PIP, "--no-build-isolation", "--target", into, distribution]
    built = patience.run(command)
    assert built.returncode == 0, built.stderr
    return os.pathsep.join(filter(None, [str(into), os.environ.get("PYTHONPATH")]))


def run(*arguments: str, folder: Path, python_path: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """The command `governance`, in a folder."""
    return patience.run(
        [*COMMAND, *arguments],
        stdin,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": python_path, "GOVERNANCE_POLICY": ""},
    )
