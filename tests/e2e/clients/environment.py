"""The clients of docs/recipes, by the hashes of lock files, in `.compat/clients`."""

from __future__ import annotations

import fcntl
import os
import subprocess
from pathlib import Path

from tests.locked import ROOT, provided

HERE = Path(__file__).parent
NPM = ROOT / ".compat" / "clients" / "npm"


def python_packages(page: str) -> Path:
    """Where a page's Python packages are. LlamaIndex wants an older `openai` than the others."""
    name = "llama" if "llama" in page else "python"
    return provided(HERE / f"{name}.lock", f"clients/{name}")


def npm_packages() -> Path:
    """`node_modules` with what npm has of them."""
    NPM.mkdir(parents=True, exist_ok=True)
    wanted, made = (HERE / "npm" / "package-lock.json").read_text(), NPM / "made"
    with (NPM / "lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        if not made.exists() or made.read_text() != wanted:
            for name in ("package.json", "package-lock.json"):
                (NPM / name).write_text((HERE / "npm" / name).read_text())
            _run("npm", "ci", "--silent", "--ignore-scripts")
            # What its script would do: put the program of this machine where `claude` is looked for.
            _run("node", "node_modules/@anthropic-ai/claude-code/install.cjs")
            made.write_text(wanted)
    return NPM / "node_modules"


def _run(*command: str) -> None:
    done = subprocess.run(command, cwd=NPM, env=dict(os.environ), capture_output=True, text=True)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
