"""What workers know of models: learned from the store that all share, and read from providers by one of them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path

import pytest

from governance.discovery import Listed
from governance.engine.host import Host
from governance.model.errors import StoreUnavailable
from governance.proxy.asking import StoreOnDemand
from governance.proxy.discovering import Discovering
from governance.store import Store, open_store
from governance.usecases.discovered import keep
from tests.discovery.fake_provider import FakeProvider

Begin = Callable[[], Discovering]


class Kept(StoreOnDemand):
    """The store of one worker."""

    @property
    def has_store(self) -> bool:
        return self.exists


@pytest.fixture
async def provider() -> AsyncIterator[FakeProvider]:
    async with FakeProvider().running() as running:
        running.says("/v1/models", {"data": [{"id": "brand-new"}]})
        yield running


@pytest.fixture
def policy(provider: FakeProvider) -> str:
    source = provider.source("openai_compatible")
    given = {"kind": "openai_compatible", "api_base": source.api_base, "provider": "hosted_vllm"}
    discovery = {"on_start": True, "allowed_hosts": sorted(source.allowed_hosts), "providers": {"mine": given}}
    return json.dumps({"version": 1, "catalog": {"discovery": discovery}})


@pytest.fixture
def begin(policy: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Begin:
    monkeypatch.setenv("GOVERNANCE_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setattr("governance.proxy.discovering._FOLLOW_EVERY_S", 0.01)

    def begun() -> Discovering:
        kept = Kept(f"sqlite:///{tmp_path}/governance.db", {})
        made = Discovering(Host.parse(policy, environment={}), list, kept)
        made.begin()
        return made

    return begun


async def until(holds: Callable[[], object]) -> None:
    for _ in range(6_000):
        if holds():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("has not happened")


async def test_of_workers_that_share_a_store_one_reads_and_all_know(begin: Begin, provider: FakeProvider) -> None:
    workers = [begin() for _ in range(3)]
    tasks = [asyncio.create_task(run) for each in workers for run in (each.run(), each.follow_store())]
    try:
        for worker in workers:
            await until(lambda worker=worker: "hosted_vllm/brand-new" in worker.known.discovered)

        assert len([path for path in provider.asked if "models" in str(path)]) == 1
        assert "hosted_vllm/brand-new" in begin().known.discovered, "one that starts later knows it from its start"
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def test_what_is_known_is_the_same_object_until_there_is_news(begin: Begin, tmp_path: Path) -> None:
    worker = begin()
    before = worker.known
    await worker.look()
    assert worker.known is before
    assert not (tmp_path / "governance.db").exists(), "nobody has anything to keep"

    store = open_store(f"sqlite:///{tmp_path}/governance.db", {})
    keep(store, lambda state: state.with_source("other", Listed(provider="groq", models={"llama": {}})))
    store.close()
    await worker.look()

    assert worker.known.discovered == {"groq/llama": {}}


async def test_a_store_that_is_away_leaves_what_was_known_and_is_told_once(
    begin: Begin, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = begin()
    await worker.discover()
    known = worker.known

    def away(*_: object) -> Store:
        raise StoreUnavailable("the store does not answer")

    monkeypatch.setattr(StoreOnDemand, "_open", away)
    task = asyncio.create_task(worker.follow_store())
    await until(lambda: "what others discover is not learned: the store does not answer" in caplog.text)
    for _ in range(10):
        await asyncio.sleep(0.01)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task

    assert worker.known is known
    assert caplog.text.count("what others discover is not learned") == 1
    with pytest.raises(StoreUnavailable):
        await worker.discover()
