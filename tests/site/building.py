"""mkdocs with Material, as `docs/site/tools.lock` pins them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests import patience
from tests.locked import provided

ROOT = Path(__file__).resolve().parents[2]
CONFIGURATION = ROOT / "docs" / "site" / "mkdocs.yml"


def mkdocs() -> tuple[list[str], dict[str, str]]:
    """The command and its environment."""
    folder = provided(ROOT / "docs" / "site" / "tools.lock", "site")
    # What it says of its own future is no warning about our pages.
    return [sys.executable, "-m", "mkdocs"], {**os.environ, "PYTHONPATH": str(folder), "NO_MKDOCS_2_WARNING": "1"}


def build(into: Path, configuration: Path = CONFIGURATION) -> subprocess.CompletedProcess[str]:
    """Builds the site; the exit code is not 0 when there is a warning."""
    command, environment = mkdocs()
    options = ["build", "--strict", "--config-file", configuration, "--site-dir", into]
    return patience.run([*command, *options], cwd=ROOT, env=environment)
