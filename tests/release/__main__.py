"""`make release`: what is published of a commit, into `dist/`: the same bytes whenever and wherever it is made.

The source distribution, the wheel, the lock of the proxy, its bill of materials (CycloneDX), and the digests of these.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Mapping
from pathlib import Path

from tests.locked import nothing_more, provided

ROOT = Path(__file__).resolve().parents[2]
TOOLS = Path(__file__).with_name("tools.lock")
NAME = "litellm-governance"
SPECIFICATION = "1.6"  # of CycloneDX


def main() -> None:
    parser = argparse.ArgumentParser(prog="make release", description="Make what is published of a commit.")
    parser.add_argument("--commit", default="HEAD", help="HEAD unless said")
    parser.add_argument("--into", type=Path, default=ROOT / "dist", help="a folder; what was there goes")
    given = parser.parse_args()
    for path in release(given.commit, given.into):
        print(path)


def release(commit: str, into: Path) -> list[Path]:
    """Make all files of a release from what the commit holds, and from nothing else that lies about.

    Returns:
        The files, the digests last.
    """
    shutil.rmtree(into, ignore_errors=True)
    into.mkdir(parents=True)
    # The time of the commit is the time of everything: hatchling and the bill read it.
    environment = {**os.environ, "SOURCE_DATE_EPOCH": _of_git("log", "-1", "--format=%ct", commit).decode().strip()}
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder)
        with tarfile.open(fileobj=io.BytesIO(_of_git("archive", "--format=tar", commit))) as archive:
            archive.extractall(tree, filter="data")
        build = [sys.executable, "-m", "build", "--no-isolation", "--outdir", into, tree]
        _run(build, environment)
        (wheel,) = into.glob("*.whl")
        version = wheel.name.split("-")[1]
        shutil.copyfile(tree / "requirements.lock", into / f"{NAME}-{version}.lock")
        _bill(tree, into / f"{NAME}-{version}.cdx.json", environment)
    made = sorted(into.iterdir())
    digests = into / "SHA256SUMS"
    digests.write_text("".join(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in made))
    return [*made, digests]


def _bill(tree: Path, into: Path, environment: Mapping[str, str]) -> None:
    """What a proxy is made of, by its lock; the tool validates it against the schema before it writes it."""
    tools = provided(TOOLS, "release", nothing_more, "--no-deps")
    what = ["requirements", "requirements.lock", "--pyproject", "pyproject.toml", "--mc-type", "application"]
    how = ["--sv", SPECIFICATION, "--of", "JSON", "--output-reproducible", "--validate", "-o", str(into)]
    command = [sys.executable, "-m", "cyclonedx_py", *what, *how]
    _run(command, {**environment, "PYTHONPATH": str(tools)}, cwd=tree)


def _run(command: list[str | Path], environment: Mapping[str, str], cwd: Path = ROOT) -> None:
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{done.stdout}{done.stderr}")


def _of_git(*arguments: str) -> bytes:
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, check=True).stdout


if __name__ == "__main__":
    main()
