"""The watched policy file: what counts as a change, and what a change does."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from governance.engine.host import Host
from governance.proxy.reload import PolicyWatch, ReloadState
from tests.patience import happens

ONE = "version: 1\naccess: {require_key: true}\n"
TWO = "version: 1\naccess: {require_key: false}\n"
BROKEN = "version: 2\nacess: {}\n"


class Running:
    """What runs a policy, without a proxy."""

    def __init__(self, file: Path) -> None:
        self.host = Host.load(file)
        self._reload = ReloadState(self.host.policy, 0.0)
        self.heard = asyncio.Event()
        self.frozen: str | None = None
        self.used = 0

    @property
    def reload(self) -> ReloadState:
        return self._reload

    @reload.setter
    def reload(self, state: ReloadState) -> None:
        self._reload = state
        self.heard.set()

    def use(self, host: Host) -> None:
        self.host = host
        self.used += 1
        self.reload = ReloadState(host.policy, 1.0)

    async def hears(self) -> None:
        await happens(self.heard.wait())
        self.heard.clear()

    async def takes_over(self) -> None:
        while not self.used:
            await self.hears()

    @property
    def requires_key(self) -> bool:
        return self.host.policy.core.access.require_key


@pytest.fixture
def file(tmp_path: Path) -> Path:
    written = tmp_path / "governance.yaml"
    written.write_text(ONE)
    return written


@asynccontextmanager
async def watched(file: Path) -> AsyncIterator[Running]:
    watch, running = PolicyWatch(file), Running(file)
    task = asyncio.create_task(watch.run(running))
    try:
        yield running
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def in_place(file: Path, text: str) -> None:
    file.write_text(text)


def replaced(file: Path, text: str) -> None:
    other = file.with_suffix(".new")
    other.write_text(text)
    other.replace(file)


def removed(file: Path) -> None:
    file.unlink()


def removed_and_written(file: Path, text: str) -> None:
    removed(file)
    file.write_text(text)


@pytest.mark.parametrize("change", [in_place, replaced, removed_and_written])
async def test_a_changed_file_takes_over(file: Path, change: Callable[[Path, str], None]) -> None:
    async with watched(file) as running:
        change(file, TWO)
        await running.takes_over()

        assert not running.requires_key
        assert running.reload.error is None


async def test_a_volume_that_swaps_a_link_takes_over(tmp_path: Path) -> None:
    # As Kubernetes does with ConfigMaps: the file is a link into `..data`, which is a link that is replaced.
    for name, text in (("first", ONE), ("second", TWO)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "governance.yaml").write_text(text)
    (tmp_path / "..data").symlink_to("first")
    (tmp_path / "governance.yaml").symlink_to("..data/governance.yaml")
    async with watched(tmp_path / "governance.yaml") as running:
        (tmp_path / "..data_tmp").symlink_to("second")
        (tmp_path / "..data_tmp").replace(tmp_path / "..data")
        await running.takes_over()

        assert not running.requires_key


async def test_a_link_to_a_file_in_another_folder_is_followed(tmp_path: Path) -> None:
    far = tmp_path / "far"
    far.mkdir()
    (far / "policy.yaml").write_text(ONE)
    (tmp_path / "governance.yaml").symlink_to(far / "policy.yaml")
    async with watched(tmp_path / "governance.yaml") as running:
        in_place(far / "policy.yaml", TWO)
        await running.takes_over()

        assert not running.requires_key


async def test_a_broken_policy_never_replaces_a_working_one(file: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with watched(file) as running:
        in_place(file, BROKEN)
        await running.hears()

        assert running.requires_key
        assert running.used == 0
        assert running.reload.error is not None
        assert running.reload.error.splitlines()[0] == "governance.yaml:1: version: must be 1"
        assert "governance.yaml:2: acess: no such plugin" in caplog.text

        in_place(file, ONE)
        await running.hears()

        assert running.reload.error is None
        assert running.used == 0, "the same text as before is the policy in use"


async def test_a_file_that_is_gone_leaves_its_policy_in_use(file: Path) -> None:
    async with watched(file) as running:
        removed(file)
        await running.hears()

        assert running.requires_key
        assert "cannot be read: No such file or directory" in str(running.reload.error)


async def test_only_what_is_new_is_used(file: Path) -> None:
    watch, running = PolicyWatch(file), Running(file)

    await watch.look(running)
    assert not running.heard.is_set(), "an unchanged file is not even read"

    os.utime(file, (1, 1))
    await watch.look(running)
    assert (running.used, running.reload.error) == (0, None)

    in_place(file, TWO)
    await watch.look(running)
    assert running.used == 1


async def test_a_change_that_keeps_size_and_time_is_seen(file: Path) -> None:
    in_place(file, TWO.replace("false", "true "))
    before = os.stat(file)
    watch, running = PolicyWatch(file), Running(file)
    in_place(file, TWO)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    after = os.stat(file)
    assert (after.st_size, after.st_mtime_ns) == (before.st_size, before.st_mtime_ns)

    await watch.look(running)

    assert running.used == 1


async def test_a_file_that_is_half_written_is_not_used(file: Path) -> None:
    watch, running = PolicyWatch(file), Running(file)
    in_place(file, "version: 1\n")
    looking = asyncio.create_task(watch.look(running))
    await asyncio.wait([looking], timeout=0.1)
    in_place(file, ONE)

    await looking

    assert running.requires_key
    assert running.used == 0, "its first half is a policy too, one without what follows"


async def test_a_change_before_the_first_look_is_seen(file: Path) -> None:
    watch = PolicyWatch(file)
    running = Running(file)
    replaced(file, TWO)

    await watch.look(running)

    assert running.used == 1


async def test_a_frozen_policy_waits_with_its_new_file_until_it_may_change(file: Path) -> None:
    watch, running = PolicyWatch(file), Running(file)
    running.frozen = "the policy is frozen by ada until tomorrow: black friday"
    in_place(file, TWO)

    await watch.look(running, anyway=True)
    assert (running.used, running.reload.error) == (0, running.frozen)

    running.frozen = None
    await watch.look(running)
    assert (running.used, running.reload.error) == (1, None)
