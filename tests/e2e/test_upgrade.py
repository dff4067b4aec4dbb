"""docs/upgrade.md, block by block, on a store that an earlier version left, and back from one of a newer version."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import psycopg

from governance.store import Store
from tests.databases import url
from tests.docs.blocks import Block
from tests.docs.walk import Walk
from tests.e2e.conftest import MASTER_KEY, ending, free_port, wait_until_ready
from tests.e2e.forked import Original

PAGE = "docs/upgrade.md"
EARLIER, UNKNOWN = "0006", "9999"
POLICY = """version: 1
policy: {source: database}
store: {url: "${STORE_URL}"}
budgets:
- {name: all of us, subject: everyone, amount: 100 USD/day}
"""
PROXY = """
model_list:
- {model_name: openai/*, litellm_params: {model: openai/*, api_key: not-a-key}}
general_settings: {master_key: os.environ/LITELLM_MASTER_KEY}
"""
TESTS = """
tests:
- name: everybody is served
  request: {model: openai/gpt-4o}
  expect: {outcome: pass}
"""
__all__ = ["url"]


class Upgrade:
    """What the page finds when each of its blocks is run."""

    def __init__(self, folder: Path, url: str, imported: Original) -> None:
        self.port = free_port()
        state = str(folder / "state")
        self.walk = Walk(folder, STORE_URL=url, LITELLM_MASTER_KEY=MASTER_KEY, GOVERNANCE_STATE_DIR=state)
        self.walk.rewritten = {f"127.0.0.1:{self.port}": "127.0.0.1:4000"}
        self._folder, self._url, self._imported = folder, url, imported
        self._sqlite = url.startswith("sqlite")
        for name, text in (("governance.yaml", POLICY), ("litellm.yaml", PROXY), ("governance.tests.yaml", TESTS)):
            (folder / name).write_text(text)

    def block(self, block: Block) -> Iterator[None]:
        of_sqlite, of_postgresql = "governance-before.db" in block.text, "governance-store.sql" in block.text
        if (of_sqlite and not self._sqlite) or (of_postgresql and self._sqlite):
            return
        if "governance doctor" in block.text:
            with self.proxy():
                yield
            return
        if block.language == "console":
            known = self.step()
            self.set_step(UNKNOWN)
            yield
            self.set_step(known)
            return
        yield

    def step(self) -> str:
        (row,) = self._execute("SELECT version_num FROM {}alembic_version")
        return str(row[0])

    def set_step(self, step: str) -> None:
        self._execute(f"UPDATE {{}}alembic_version SET version_num = '{step}'")

    def history(self) -> str:
        return self.walk.run("governance policy history --json").stdout

    def _execute(self, statement: str) -> list[tuple[object, ...]]:
        if self._sqlite:
            with sqlite3.connect(self._folder / "governance.db") as file:
                return file.execute(statement.format("")).fetchall()
        with psycopg.connect(self._url) as connection:
            done = connection.execute(statement.format("governance."))  # type: ignore[arg-type]
            return done.fetchall() if done.description else []

    @contextlib.contextmanager
    def proxy(self) -> Iterator[None]:
        """One that serves by the store."""
        output = self._folder / "output.txt"
        environment = {
            **self.walk.exported(),
            "GOVERNANCE_POLICY": str(self._folder / "governance.yaml"),
            "LITELLM_WORKER_STARTUP_HOOKS": "governance.proxy.install:install",
        }
        config = str(self._folder / "litellm.yaml")
        arguments = ["--config", config, "--host", "127.0.0.1", "--port", str(self.port)]
        with ending(self._imported.copy(arguments, output, environment), output) as proxy:
            wait_until_ready(f"http://127.0.0.1:{self.port}/health/liveliness", proxy, output)
            yield


def test_an_upgrade_and_the_way_back_keep_what_was_there(url: str, imported: Original, tmp_path: Path) -> None:
    upgrade = Upgrade(tmp_path, url, imported)
    with upgrade.proxy():
        pass  # it puts its policy there as the first revision
    head, before = upgrade.step(), upgrade.history()
    store = Store(url)
    store.migrate(EARLIER)
    store.close()
    assert upgrade.step() == EARLIER != head

    upgrade.walk.page(PAGE, upgrade.block)

    assert upgrade.step() == head
    assert upgrade.history() == before
    assert (tmp_path / "governance-in-force.yaml").read_text() == POLICY
