"""Packages of a lock of their own, by its hashes, in a folder beside the environment of the tests."""

from __future__ import annotations

import fcntl
import hashlib
import inspect
import sys
from collections.abc import Callable
from pathlib import Path

from tests import patience
from tests.compat.environment import surroundings

ROOT = Path(__file__).resolve().parents[1]


def nothing_more(folder: Path) -> None:
    """Leaves the folder as it was installed."""


def provided(lock: Path, name: str, finish: Callable[[Path], None] = nothing_more, *options: str) -> Path:
    """The folder `.compat/NAME` with what the lock pins; kept between runs, and `make clean` removes it.

    Of several processes one installs, and calls `finish` for what is left to do then.
    """
    folder = ROOT / ".compat" / name
    folder.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256(lock.read_bytes() + repr((inspect.getsource(finish), sys.executable)).encode()).hexdigest()
    made = folder / "made"
    with (folder / "lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        if not made.exists() or made.read_text() != digest:
            how = ("--quiet", "--require-hashes", "--index-strategy=unsafe-best-match", "--upgrade", *options)
            uv = [sys.executable, "-m", "uv", "pip", "install", *how, "--target", folder, "-r", lock]
            done = patience.run(uv, cwd=ROOT, env=surroundings())
            assert done.returncode == 0, done.stderr
            finish(folder)
            made.write_text(digest)
    return folder
