"""A mirrored request through LiteLLM's own router: a request of its own after the answer, told as such."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import litellm
import pytest
from litellm.proxy import proxy_server
from litellm.proxy._types import UserAPIKeyAuth

from governance.engine.host import Host
from governance.proxy.gateway import Gateway
from governance.proxy.handler import Governance_PROXY_Handler
from governance.proxy.policies import FilePolicies
from governance.proxy.reload import PolicyWatch
from governance.trace import Trace
from tests.patience import tries

POLICY = """
version: 1
on_contract_breach: degrade
routing_profiles:
- name: Copied
  virtual_provider: copied
  targets: [{provider: openai, model: first}]
  mirror: {target: {provider: openai, model: second}, share: 100%, budget: 1 USD/day}
- name: Broken
  virtual_provider: broken
  targets: [{provider: openai, model: first}]
  mirror: {target: {provider: openai, model: third}, share: 100%, budget: 1 USD/day}
- name: Long
  virtual_provider: lengthy
  targets: [{provider: openai, model: first}]
  mirror: {target: {provider: openai, model: long}, share: 100%, budget: 1 USD/day}
"""
PRICES = {"supports_function_calling": True, "input_cost_per_token": 0.000001, "output_cost_per_token": 0.000001}


def deployment(name: str, **params: Any) -> dict[str, Any]:
    given = {"model": f"openai/{name}", "api_key": "none", "mock_response": f"of {name}", **params}
    return {"model_name": name, "litellm_params": given, "model_info": {"id": name, **PRICES}}


class Worker:
    """A gateway in LiteLLM's router, and what it has told."""

    def __init__(self, gateway: Gateway, router: Any) -> None:
        self.gateway = gateway
        self.router = router
        self.handler = Governance_PROXY_Handler(gateway)
        self.told: list[Trace] = []

    async def ask(self, model: str, **body: Any) -> Any:
        data = {"model": model, "messages": [{"role": "user", "content": "Hello"}], "metadata": {}, **body}
        await self.handler.async_pre_call_hook(UserAPIKeyAuth(team_id="blue"), None, data, "acompletion")
        return await self.router.acompletion(**data)

    async def mirror(self) -> dict[str, Any]:
        for _ in tries():
            found = [trace for trace in self.told if trace.mirror_of]
            if found:
                return found[0].record()
            await asyncio.sleep(0.05)
        raise AssertionError("no mirror was told")


@pytest.fixture
async def worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Worker]:
    listed = [deployment("first"), deployment("second"), deployment("third", mock_response="litellm.RateLimitError")]
    listed.append(deployment("long", mock_response="litellm.ContextWindowExceededError"))
    router = litellm.Router(model_list=listed, num_retries=0, context_window_fallbacks=[{"long": ["second"]}])
    monkeypatch.setattr(proxy_server, "llm_router", router)
    file = tmp_path / "governance.yaml"
    file.write_text(POLICY)
    gateway = Gateway(Host.load(file), FilePolicies(file, PolicyWatch(file), Host.load(file)))
    gateway.models.list_now()
    worker = Worker(gateway, router)
    monkeypatch.setattr(gateway.telemetry, "tell", worker.told.append)
    # LiteLLM copies its callbacks here, and takes a second one of a class for the first.
    for told in ("_async_success_callback", "_async_failure_callback", "success_callback", "failure_callback"):
        monkeypatch.setattr(litellm, told, [])
    monkeypatch.setattr(litellm, "callbacks", [worker.handler])
    yield worker
    await gateway.close()


async def test_a_mirror_is_asked_after_the_answer_and_has_its_own_record(worker: Worker) -> None:
    answer = await asyncio.create_task(worker.ask("copied/x", max_tokens=10))
    mirror = await worker.mirror()

    assert answer.choices[0].message.content == "of first"
    of = next(trace.record() for trace in worker.told if not trace.mirror_of)
    assert (of["served"], of["mirror"]["target"], of["mirror"]["drawn"]) == ("openai/first", "openai/second", True)
    assert (mirror["mirror_of"], mirror["served"], mirror["fallbacks"]) == (of["id"], "openai/second", [])
    assert {window["limit"] for window in mirror["windows"]} == {"Copied: mirror"}
    assert mirror["identity"] == of["identity"]
    assert mirror["usage"]["cost_usd_micros"] > 0
    assert len(worker.told) == 2, "the mirror is not mirrored"

    worker.told.clear()
    answer = await asyncio.create_task(worker.ask("broken/x", max_tokens=10))
    failed = await worker.mirror()
    assert answer.choices[0].message.content == "of first"
    assert [attempt["outcome"] for attempt in failed["attempts"]] == ["failed"]
    assert failed["served"] is None, "and its failure is nobody's loss"


async def test_a_request_with_tools_that_a_provider_runs_is_not_asked_twice(worker: Worker) -> None:
    await asyncio.create_task(worker.ask("copied/x", max_tokens=10, tools=[{"type": "web_search"}]))
    for _ in tries():
        if worker.told:
            break
        await asyncio.sleep(0.05)

    assert [trace.mirror_of for trace in worker.told] == [""]


async def test_a_mirror_takes_no_way_of_the_routers_to_another_target(worker: Worker) -> None:
    await asyncio.create_task(worker.ask("lengthy/x", max_tokens=10))
    mirror = await worker.mirror()

    assert mirror["served"] is None
    assert [attempt["target"] for attempt in mirror["attempts"]] == ["openai/long"]
