"""A real process of fake providers, and the official SDKs as its clients."""

import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import httpx
import pytest
from anthropic import AsyncAnthropic
from openai import AsyncOpenAI

from tests.patience import ANSWER_S, happens


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The address of the fake providers."""
    command = [sys.executable, "-m", "governance.demo.providers", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process.stdout.readline().removeprefix("listening on ").strip()
        process.terminate()


@pytest.fixture
async def http(server: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client without an SDK, of providers that have counted nothing and have no faults."""
    async with httpx.AsyncClient(base_url=server, timeout=ANSWER_S) as client:
        await client.delete("/_control")
        await client.delete("/_stats")
        yield client


@pytest.fixture
def faults(http: httpx.AsyncClient) -> Callable[[dict[str, Any]], Awaitable[None]]:
    """Sets faults by name."""

    async def set_faults(by_name: dict[str, Any]) -> None:
        (await http.post("/_control", json=by_name)).raise_for_status()

    return set_faults


@pytest.fixture
def stats(http: httpx.AsyncClient) -> Callable[[], Awaitable[Any]]:
    """What was counted until now."""

    async def now() -> Any:
        return (await http.get("/_stats")).json()

    return now


@pytest.fixture
def until(stats: Callable[[], Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """Waits until a model has these numbers, then gives all counts.

    For what a client does on its own, which a server hears of only a moment later: coming and leaving.
    """

    async def reached(model: str, numbers: dict[str, int]) -> Any:
        counts = await stats()
        while not numbers.items() <= counts.get(model, {}).items():
            counts = await stats()
        return counts

    return lambda model, **numbers: happens(reached(model, numbers))


@pytest.fixture
async def gpt(server: str, http: httpx.AsyncClient) -> AsyncIterator[AsyncOpenAI]:
    async with AsyncOpenAI(base_url=f"{server}/openai/v1", api_key="secret", max_retries=0) as client:
        yield client


@pytest.fixture
async def claude(server: str, http: httpx.AsyncClient) -> AsyncIterator[AsyncAnthropic]:
    async with AsyncAnthropic(base_url=f"{server}/anthropic", api_key="secret", max_retries=0) as client:
        yield client
