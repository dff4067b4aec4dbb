"""POST /governance/api/simulate: the same code as live requests, on the counters of the proxy."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from governance.admin import simulate
from governance.catalog import Catalog
from governance.engine.engine import Engine
from governance.engine.host import Host
from governance.ledger.memory import MemoryLedger
from governance.model import Request

NOW = 1_767_225_600.0
POLICY = """
routing_rules:
  - {name: saving, cel_expression: budget_used > 90, model: fast/small}
routing_profiles:
  - name: Fast
    virtual_provider: fast
    targets: [{provider: cerebras, limits: {requests: 1/minute}}, {provider: openai}]
"""


class Worker:
    class models:
        catalog = Catalog([{"model_name": "cerebras/*"}, {"model_name": "openai/*"}], {})

    def __init__(self) -> None:
        self.engine = Engine(Host.parse(POLICY), MemoryLedger(lambda: NOW), clock=lambda: NOW)


@pytest.fixture
def worker() -> Worker:
    return Worker()


async def ask(worker: Worker, **given: Any) -> httpx.Response:
    return await post(worker, json.dumps({"body": {"model": "fast/glm-4.7"}, **given}))


async def post(worker: Worker, body: str) -> httpx.Response:
    app = FastAPI()
    app.include_router(simulate.routes(worker))  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://proxy") as client:
        return await client.post("/api/simulate", content=body, headers={"content-type": "application/json"})


async def test_the_answer_is_the_record_and_nothing_is_counted(worker: Worker) -> None:
    for _ in range(3):
        answer = await ask(worker)
        told = answer.json()

        assert answer.status_code == 200
        assert (told["mode"], told["model"], told["fallbacks"]) == ("simulated", "cerebras/glm-4.7", ["openai/glm-4.7"])
        assert told["windows"][0]["used_before"] == 0


async def test_the_counters_are_those_of_the_proxy(worker: Worker) -> None:
    await worker.engine.admit(Request("fast/glm-4.7", models=worker.models.catalog))
    told = (await ask(worker)).json()

    assert told["model"] == "openai/glm-4.7"
    assert told["windows"][0]["used_before"] == 1


@pytest.mark.parametrize(
    "given", [{"usage": [{"target": "openai/glm-4.7", "used": 0}]}, {"at": "2026-01-01T00:00:00Z"}]
)
async def test_stated_use_or_a_clock_of_its_own_leaves_the_counters_aside(
    worker: Worker, given: dict[str, Any]
) -> None:
    await worker.engine.admit(Request("fast/glm-4.7", models=worker.models.catalog))

    assert (await ask(worker, **given)).json()["windows"][0]["used_before"] == 0


async def test_how_full_budgets_are_may_be_stated(worker: Worker) -> None:
    told = (await ask(worker, body={"model": "openai/large"}, percent={"budget_used": 91})).json()

    assert (told["rule"], told["model"]) == ("saving", "cerebras/small")


async def test_models_are_those_that_the_proxy_serves(worker: Worker) -> None:
    told = (await ask(worker, catalog={"configured": ["openai/*"]})).json()

    assert {c["target"]: c["reason"] for c in told["candidates"]} == {
        "openai/glm-4.7": None,
        "cerebras/glm-4.7": "not_configured",
    }


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("{}", "body: Field required"),
        ('{"body": {}}', "body.model: is required, such as "),
        ('{"body": {"model": "m"}, "boddy": 1}', "boddy: "),
        ('{"body": {"model": "m"}, "draw": [2]}', "0: "),
        ("[", ""),
    ],
)
async def test_input_that_cannot_be_used_is_answered_with_400(worker: Worker, body: str, message: str) -> None:
    answer = await post(worker, body)

    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "invalid_request"
    assert answer.json()["error"]["message"].startswith(message)


async def test_a_name_that_no_text_can_hold_is_answered_all_the_same(worker: Worker) -> None:
    answer = await post(worker, '{"body": {"model": "fast/\\ud800"}}')

    assert answer.status_code == 200
    assert json.loads(answer.text)["refusal"]["code"] == "no_eligible_target"


async def test_for_what_needs_images_who_could_serve_is_told(worker: Worker) -> None:
    with_image = (await ask(worker, modalities=["text", "image"], capabilities=["vision"])).json()
    without = (await ask(worker)).json()

    assert with_image["who_serves"]["needs"] == ["image"]
    assert [each["model"] for each in with_image["who_serves"]["cannot"]] == ["cerebras/glm-4.7", "openai/glm-4.7"]
    assert "who_serves" not in without
