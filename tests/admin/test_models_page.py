"""GET /governance/api/models and POST /governance/api/discover."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import pytest

from governance.catalog import Catalog, Sources
from governance.discovery import Source
from governance.discovery.sync import Outcome, discover
from tests.admin.conftest import Worker
from tests.discovery.fake_provider import FakeProvider
from tests.discovery.kept import InMemory

MAP: dict[str, Any] = {
    "gpt-4o": {"litellm_provider": "openai", "mode": "chat", "input_cost_per_token": 2.5e-6, "supports_vision": True},
    "embed": {"litellm_provider": "openai", "mode": "embedding"},
}


class Models:
    """What a worker serves, and who reads what providers list: this class is both."""

    def __init__(self, store: InMemory, *sources: Source) -> None:
        self.store, self.sources = store, sources
        self.discovering = self

    @property
    def catalog(self) -> Catalog:
        served = {"model_name": "smart", "litellm_params": {"model": "openai/gpt-4o", "api_key": "sk-very-secret"}}
        return Catalog([served], Sources(MAP, self.store.state.entries))

    async def discover(self, names: Collection[str] | None = None) -> list[Outcome]:
        return await discover([each for each in self.sources if names is None or each.name in names], self.store.keep)


@pytest.fixture
def store() -> InMemory:
    return InMemory()


def worker(models: Models) -> Worker:
    made = Worker()
    made.models = models  # type: ignore[attr-defined]
    return made


async def test_models_are_told_with_their_sources_and_without_keys(store: InMemory) -> None:
    async with worker(Models(store)).client() as client:
        answer = await client.get("/governance/api/models")

    assert "sk-very-secret" not in answer.text
    [row] = answer.json()["models"]
    assert (row["model"], row["served_as"], row["capabilities"]["vision"]) == ("openai/gpt-4o", "smart", True)
    assert row["sources"]["input_usd_per_1m_tokens"] == "model map"


async def test_models_are_filtered(store: InMemory) -> None:
    async with worker(Models(store)).client() as client:
        every = (await client.get("/governance/api/models", params={"all": True})).json()["models"]
        makes = (
            await client.get("/governance/api/models", params={"provider": "openai", "modality": "embedding"})
        ).json()

    assert [row["model"] for row in every] == ["openai/embed", "openai/gpt-4o"]
    assert [row["model"] for row in makes["models"]] == ["openai/embed"]
    assert makes["left_out"] == 0


async def test_each_model_says_whether_it_can_serve_a_request_and_why(store: InMemory) -> None:
    async with worker(Models(store)).client() as client:
        image = (await client.get("/governance/api/models", params={"for": "image", "all": True})).json()["models"]
        wrong = await client.get("/governance/api/models", params={"for": "smell"})

    assert [(row["model"], row["serves"]) for row in image] == [("openai/gpt-4o", True), ("openai/embed", False)]
    assert image[1]["why"]
    assert wrong.status_code == 400
    assert wrong.json()["error"]["message"].startswith("for: `smell` is none; a prompt may bring image, audio, video")


async def test_what_was_discovered_is_told_at_once_and_a_failure_is_in_the_answer(store: InMemory) -> None:
    async with FakeProvider().running() as provider:
        provider.says("/v1/models", {"data": [{"id": "new"}]})
        models = Models(store, provider.source("openai"), provider.source("groq"))
        async with worker(models).client() as client:
            answer = (await client.post("/governance/api/discover", json={})).json()["providers"]
            rows = (await client.get("/governance/api/models")).json()["models"]

    assert [(row["provider"], row["ok"], row["added"]) for row in answer] == [
        ("openai", True, ["new"]),
        ("groq", False, []),
    ]
    assert "404" in answer[1]["error"]
    assert [row["model"] for row in rows] == ["openai/gpt-4o", "openai/new"]


@pytest.mark.parametrize(
    ("body", "why"), [({"provider": "x"}, "known: openai"), ({"url": "http://x"}, "url: "), ([], "")]
)
async def test_only_sources_that_are_configured_can_be_read(store: InMemory, body: Any, why: str) -> None:
    async with worker(Models(store, Source("openai", "openai", "openai"))).client() as client:
        answer = await client.post("/governance/api/discover", json=body)

    assert answer.status_code == 400
    assert why in answer.json()["error"]["message"]


@pytest.mark.parametrize(("key", "status"), [("", 401), ("somebody", 403)])
async def test_models_are_for_admins_only(store: InMemory, key: str, status: int) -> None:
    async with worker(Models(store)).client(key) as client:
        assert (await client.get("/governance/api/models")).status_code == status
        assert (await client.post("/governance/api/discover", json={})).status_code == status
