"""LiteLLM with its own keys, teams and spend in a real PostgreSQL, governed."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
import yaml

from tests.e2e.conftest import HERE, MASTER_KEY, SURROUNDINGS, Providers, Proxy, ending, free_port, wait_until_ready
from tests.e2e.forked import Original, original
from tests.e2e.litellm_database.environment import make
from tests.e2e.litellm_database.tables import make_tables
from tests.patience import ANSWER_S
from tests.postgres import Postgres

if not os.environ.get("GOVERNANCE_LITELLM_DATABASE"):
    collect_ignore_glob = ["test_*.py"]

POLICY = """
version: 1
routing_rules:
  - name: the lab asks for thought
    cel_expression: team_id == "lab" && model == "think"
    model: fast/gpt-4o
routing_profiles:
  - name: Fast
    virtual_provider: fast
    targets:
      - {provider: openai, model: gpt-4o-mini, priority: 1}
      - {provider: openai, model: gpt-4o, priority: 2}
"""


class Administered:
    """A proxy with LiteLLM's database, as its admin uses it."""

    def __init__(self, proxy: Proxy, database_url: str) -> None:
        self.proxy = proxy
        self.database_url = database_url

    def post(self, path: str, **body: Any) -> dict[str, Any]:
        answer = self.proxy.client.post(path, json=body)
        assert answer.status_code == 200, f"{path}: {answer.text}"
        found: dict[str, Any] = answer.json()
        return found

    def get(self, path: str, **query: str) -> Any:
        answer = self.proxy.client.get(path, params=query)
        assert answer.status_code == 200, f"{path}: {answer.text}"
        return answer.json()

    def key(self, **fields: Any) -> str:
        """A new key of LiteLLM's database."""
        made: str = self.post("/key/generate", **fields)["key"]
        return made


def config(providers_url: str, **general: Any) -> dict[str, Any]:
    """Two priced models of one provider, an alias of a virtual model, and LiteLLM's database."""
    url = f"{providers_url}/openai/v1"
    names = ("gpt-4o", "gpt-4o-mini")
    return {
        "model_list": [
            {"model_name": name, "litellm_params": {"model": f"openai/{name}", "api_key": "not-a-key", "api_base": url}}
            for name in names
        ],
        "router_settings": {"model_group_alias": {"smart": "fast/gpt-4o"}},
        "litellm_settings": {"callbacks": ["governance.proxy.callback.handler"]},
        "general_settings": {
            "master_key": MASTER_KEY,
            "database_url": "os.environ/DATABASE_URL",
            "proxy_batch_write_at": 1,
            **general,
        },
    }


@pytest.fixture(scope="session")
def surroundings() -> dict[str, str]:
    return {**SURROUNDINGS, **make()}


@pytest.fixture(scope="session")
def imported_with_client(surroundings: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Original]:
    with original(tmp_path_factory.mktemp("imported") / "output.txt", surroundings) as waiting:
        yield waiting


StartOnDatabase = Callable[..., contextlib.AbstractContextManager[Administered]]


@pytest.fixture(scope="session")
def start_on_database(
    postgres: Postgres,
    providers: Providers,
    imported_with_client: Original,
    surroundings: dict[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> StartOnDatabase:
    """Start a governed proxy on a LiteLLM database of its own."""

    @contextlib.contextmanager
    def run(policy: str = POLICY, **general: Any) -> Iterator[Administered]:
        url = postgres.new_database()
        make_tables(url)
        folder = tmp_path_factory.mktemp("on-database")
        shutil.copy(HERE / "keys.py", folder)
        (folder / "governance.yaml").write_text(policy, "utf-8")
        (folder / "litellm.yaml").write_text(yaml.safe_dump(config(providers.url, **general)), "utf-8")
        port, output, decisions = free_port(), folder / "output.txt", folder / "decisions.jsonl"
        arguments = ["--host", "127.0.0.1", "--port", str(port), "--config", str(folder / "litellm.yaml")]
        environment = {**surroundings, "DATABASE_URL": url, "GOVERNANCE_DECISION_LOG": str(decisions)}
        with ending(imported_with_client.copy(arguments, output, environment), output) as started:
            address = f"http://127.0.0.1:{port}"
            wait_until_ready(f"{address}/health/liveliness", started, output)
            yield Administered(Proxy(address, decisions, output, started.pid), url)

    return run


@pytest.fixture(scope="session")
def on_database(start_on_database: StartOnDatabase) -> Iterator[Administered]:
    """The shared proxy of these tests."""
    with start_on_database() as running:
        yield running


async def at_once(url: str, key: str, model: str, times: int, **body: Any) -> list[httpx.Response]:
    """The same chat many times at once."""
    request = {"model": model, "messages": [{"role": "user", "content": "Hello " * 40}], "max_tokens": 100, **body}
    headers = {"authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(base_url=url, timeout=ANSWER_S, headers=headers) as client:
        asked = (client.post("/v1/chat/completions", json=request) for _ in range(times))
        return list(await asyncio.gather(*asked))


def served(answers: list[httpx.Response]) -> int:
    """How many were answered; every other one was refused for its budget or limit, and not broken."""
    codes = [answer.status_code for answer in answers]
    assert set(codes) <= {200, 400, 402, 422, 429}, [answer.text for answer in answers if answer.status_code >= 500]
    return codes.count(200)
