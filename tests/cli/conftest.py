from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from governance.cli import app

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
    monkeypatch.setenv("COLUMNS", "200")
    (tmp_path / "governance.yaml").write_text(POLICY)
    return tmp_path


@pytest.fixture
def governance(folder: Path) -> Command:
    """The command, in this process."""
    return lambda *arguments, stdin="": CliRunner().invoke(app, arguments, input=stdin)


@pytest.fixture
def process(folder: Path) -> Process:
    """Python code, in a process of its own."""

    def run(code: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)

    return run
