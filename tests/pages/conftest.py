"""One worker without a proxy, whose pages a browser without scripts opens."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Collection
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request

from governance.admin.answered import NotDone
from governance.catalog import Catalog, Sources
from governance.discovery import Change, Found, Source, State, utc_now
from governance.discovery.sync import Outcome
from governance.engine.engine import Engine
from governance.engine.host import Host
from governance.engine.simulation import given_from, request_of
from governance.model import Identity, Usage
from governance.pages import pages_router
from governance.pages.holder import Holder, Role
from governance.proxy.policies import open_policies
from governance.telemetry.redaction import encoded
from governance.usecases.change_policy import Author
from governance.usecases.overlay import InStore
from tests.admin.conftest import Worker

HOSTILE = '"><img src=x onerror=alert(1)>\u202e{{7*7}}'
UI = "/governance/ui"
POLICY = """version: 1
policy: {source: database}
routing_rules:
- {name: no secrets, cel_expression: '"secret" in tags', refuse: {status: 403, message: secrets stay at home}}
routing_profiles:
- name: Fast
  virtual_provider: fast
  targets: [{provider: cerebras, priority: 1}, {provider: openai, priority: 2}]
rate_limits:
- {name: every team, subject: {team: "*"}, requests: 2/minute}
budgets:
- {name: all of us, subject: everyone, amount: 100 USD/day, unpriced: allow}  # for all
"""
KEYS: dict[str, Role] = {"sk-admin": "admin", "sk-viewer": "viewer", "sk-ci": "holder", "sk-other": "holder"}
TEAMS = {"sk-ci": "research", "sk-other": "sales"}


class Discovering:
    """Reads one provider, when the test lets it."""

    sources = (Source("openai", "openai", "openai", docs_url="https://example.org/models", in_use=True),)

    def __init__(self) -> None:
        self.state = State()
        self.may_go_on = asyncio.Event()

    async def change(self, change: Change) -> State:
        self.state = change(self.state)
        return self.state

    async def discover(self, names: Collection[str] | None = None) -> list[Outcome]:
        await self.may_go_on.wait()
        found = [Found("gpt-4o"), Found("gpt-9")]
        await self.change(lambda state: state.with_source("openai", state.of(self.sources[0]).after(found, utc_now())))
        return [Outcome(self.sources[0], added=("gpt-4o", "gpt-9"))]


class Models:
    """What the proxy serves."""

    catalog = Catalog(
        [{"model_name": "cerebras/*"}, {"model_name": "openai/*"}],
        Sources({"gpt-4o": {"litellm_provider": "openai"}}, {}),
    )

    def __init__(self) -> None:
        self.discovering = Discovering()

    def offered(self) -> list[str]:
        return ["fast/glm-4.7", "openai/*"]


class Browser(httpx.AsyncClient):
    """One that keeps cookies, and sends forms as browsers do."""

    async def log_in(self, key: str) -> httpx.Response:
        return await self.send_form("/login", key=key)

    async def send_form(self, path: str, **fields: str) -> httpx.Response:
        return await self.post(f"{UI}{path}", data=fields, headers={"sec-fetch-site": "same-origin"})

    async def open(self, path: str) -> httpx.Response:
        return await self.get(f"{UI}{path}")


class Office(Worker):
    """The worker, and who may log in to it."""

    keys: dict[str, Role]

    def __init__(self, policy: str) -> None:
        super().__init__(policy)
        self.models = Models()
        self.keys = dict(KEYS)

    async def ask(self, model: str, tags: tuple[str, ...] = (), **identity: str) -> str:
        """Decide a request and tell it; gives the id of the decision."""
        given = given_from({"body": {"model": model}, "tags": tags, "identity": identity})
        decision = await self.engine.admit(request_of(given, self.models.catalog), may_call=None)
        await self.engine.ledger.announce([reading.window for reading, _ in decision.trace.windows])
        if decision.target is not None:
            await self.engine.settle(decision, decision.target.name, Usage(5, 7, 1_200))
        recent = self.telemetry.recent
        assert recent is not None
        recent.put(decision.id, encoded(decision.trace.record()))
        return decision.id

    async def identify(self, request: Request, key: str) -> Holder:
        role = self.keys.get(key)
        if role is None:
            raise NotDone(401, "key_required", "this proxy does not know that key")
        team = TEAMS.get(key, "")

        async def models() -> list[str]:
            return self.models.offered()

        return Holder(role, Author(key, "key"), Identity(key, key.removeprefix("sk-"), team_id=team), models)

    def of_policy(self, more: str) -> Engine:
        """An engine of the policy with something more."""
        return Engine(Host.parse(self.engine.host.policy.text + more), self.engine.ledger)

    def browser(self) -> Browser:
        app = FastAPI()
        app.include_router(pages_router(self, self.identify))  # type: ignore[arg-type]
        return Browser(transport=httpx.ASGITransport(app), base_url="http://proxy")


@pytest.fixture
async def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Office]:
    monkeypatch.setenv("GOVERNANCE_STATE_DIR", str(tmp_path / "state"))
    file = tmp_path / "governance.yaml"
    file.write_text(POLICY)
    policies = open_policies(file)
    made = Office(policies.begin().policy.text)
    made.reload.revision = made.engine.host.policy.revision
    made.policies = policies
    made.overlay.kept = InStore(policies.ask)
    yield made
    await policies.close()
    made.telemetry.troubles.stop()


@pytest.fixture
def environment() -> Any:
    return os.environ
