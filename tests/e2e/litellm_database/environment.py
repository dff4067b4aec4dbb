"""LiteLLM's client for PostgreSQL without the engine that it would download: the same engine as WebAssembly, from npm.

Prisma publishes its query engine twice: as a program for each machine, which its client fetches from its own servers,
and as WebAssembly inside the package `@prisma/client`. `engine/query-engine.js` speaks the program's protocol on top of
the second. It answers as the program does, not as fast: no latency is read from these tests.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

from tests.compat.environment import UV, surroundings

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
FOLDER = ROOT / ".litellm-database"
SITE, ENGINE, PROGRAMS = FOLDER / "site", FOLDER / "engine", FOLDER / "bin"
MADE = FOLDER / "made"


def litellm_schema() -> Path:
    return Path(sysconfig.get_paths()["purelib"]) / "litellm" / "proxy" / "schema.prisma"


def make() -> dict[str, str]:
    """Make what is missing of the folder.

    Returns:
        The variables with which LiteLLM finds it.
    """
    wanted = _digest()
    if not MADE.exists() or MADE.read_text() != wanted:
        shutil.rmtree(FOLDER, ignore_errors=True)
        _install()
        _generate()
        MADE.write_text(wanted)
    return _variables()


def _digest() -> str:
    parts = [HERE / "client.lock", *sorted((HERE / "engine").iterdir()), litellm_schema()]
    return hashlib.sha256(b"".join(part.read_bytes() for part in parts)).hexdigest()


def _install() -> None:
    PROGRAMS.mkdir(parents=True)
    # The hashes say what is wanted, so that it may come from any index.
    lock = ("--index-strategy=unsafe-best-match", "--require-hashes", "--requirement", HERE / "client.lock")
    _run([*UV, "pip", "install", "--quiet", "--no-deps", "--target", SITE, *lock], surroundings())
    shutil.copytree(HERE / "engine", ENGINE)
    (ENGINE / "query-engine.js").chmod(0o755)
    _run(["npm", "ci", "--silent", "--ignore-scripts", "--prefix", ENGINE], dict(os.environ))
    # LiteLLM compares the tables with its schema at start; without this it would wait a minute for an engine to come.
    _program("prisma", 'echo "the tables are made by tests/e2e/litellm_database/tables.py" >&2; exit 1')
    # The generator of LiteLLM's schema is called by this name.
    _program("prisma-client-py", f'exec "{sys.executable}" -m prisma "$@"')


def _program(name: str, does: str) -> None:
    (PROGRAMS / name).write_text(f"#!/bin/sh\n{does}\n")
    (PROGRAMS / name).chmod(0o755)


def _generate() -> None:
    cli = ENGINE / "node_modules" / "prisma" / "build" / "index.js"
    # With this the generator listens on its standard streams, as the CLI expects, whatever the terminal.
    more = {"PRISMA_PY_DEBUG_GENERATOR": "1", "DATABASE_URL": "postgresql://none"}
    _run(["node", cli, "generate", f"--schema={litellm_schema()}"], {**os.environ, **_variables(), **more})


def _variables() -> dict[str, str]:
    engines = ("PRISMA_QUERY_ENGINE_BINARY", "PRISMA_QUERY_ENGINE_LIBRARY", "PRISMA_SCHEMA_ENGINE_BINARY")
    return {
        **dict.fromkeys(engines, str(ENGINE / "query-engine.js")),
        "PRISMA_CLI_QUERY_ENGINE_TYPE": "binary",
        "PRISMA_CLIENT_ENGINE_TYPE": "binary",
        "PRISMA_CLI_BINARY_TARGETS": "debian-openssl-3.0.x",
        "PRISMA_HIDE_UPDATE_MESSAGE": "1",
        "CHECKPOINT_DISABLE": "1",
        "PYTHONPATH": str(SITE),
        "PATH": f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}",
        "DISABLE_SCHEMA_UPDATE": "true",
        "LITELLM_SALT_KEY": "sk-salt-of-these-tests",
    }


def _run(command: list[str | Path], environment: dict[str, str]) -> None:
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout}\n{done.stderr}"
