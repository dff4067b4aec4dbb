"""One worker without a proxy, and callers of its pages."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import httpx
import pytest
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from prometheus_client import CollectorRegistry

from governance.admin.access import only
from governance.admin.answered import NotDone
from governance.admin.router import admin_router
from governance.discovery import utc_now
from governance.engine.engine import Engine
from governance.engine.host import Host
from governance.ledger import Ledger
from governance.ledger.memory import MemoryLedger
from governance.model.errors import StoreUnavailable
from governance.policy.document import Core
from governance.telemetry.metrics import Metrics
from governance.telemetry.telemetry import Telemetry
from governance.usecases.backtesting import Backtesting
from governance.usecases.backtests import NoSuchBacktest
from governance.usecases.overlay import InStore
from tests.admin.kept import file, filed, stored

__all__ = ["file", "filed", "open_worker", "stored"]

NOW_S = 1_795_176_000.0


class KeyRefused(Exception):
    """What the proxy itself answers."""


class Reload:
    revision, loaded_at_s = "sha256:0", NOW_S
    error: str | None = None


class Policies:
    source, file = "file", Path("governance.yaml")

    def __init__(self, settings: Core) -> None:
        self.settings = settings
        self.followed: dict[str, Any] | None = None
        self.store: dict[str, Any] = {"name": "sqlite:////g.db", "opened": False, "error": None}

    async def ask(self, use: Any) -> Any:
        raise NoSuchBacktest("nothing is kept here")


class Overlay:
    """Where nothing is in force beside the policy."""

    told: ClassVar[dict[str, Any]] = {"kept_in": "store", "entries": 0, "error": None}

    def __init__(self) -> None:
        self.kept: Any = InStore(self._ask, lambda: False)

    async def _ask(self, use: Any) -> Any:
        raise StoreUnavailable("there is none")

    async def look(self) -> None:
        """It stays so."""


class Worker:
    """What pages ask of, made from the text of a policy."""

    def __init__(self, policy: str = "version: 1", ledger: Ledger | None = None) -> None:
        host = Host.parse(policy)
        self.registry = CollectorRegistry()
        self.telemetry = Telemetry(host.policy.core, {}, Metrics(self.registry))
        self.engine = Engine(host, ledger or MemoryLedger())
        self.reload = Reload()
        self.policies: Any = Policies(host.policy.core)
        self.overlay: Any = Overlay()
        self.backtesting: Any = Backtesting(lambda *asked: self.policies.ask(*asked), lambda: utc_now())
        self.proxy: dict[str, Any] = {"version": "1.106.2", "missing": [], "workers": 1}
        self.telemetry.troubles.listen()
        self.telemetry.watch(lambda: self.engine, list)

    def client(self, key: str = "admin") -> httpx.AsyncClient:
        """A caller with this key; `""` is a caller without."""
        app = FastAPI()
        app.include_router(admin_router(self, only(_key_of, _require_admin)))
        app.add_exception_handler(KeyRefused, lambda request, error: JSONResponse({"from": "the proxy"}, 401))
        headers = {"authorization": f"Bearer {key}"} if key else {}
        return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://proxy", headers=headers)


def _key_of(request: Request) -> str:
    key = request.headers.get("authorization", "").removeprefix("Bearer ")
    if key not in ("admin", "somebody"):
        raise KeyRefused
    return key


def _require_admin(key: str) -> None:
    if key != "admin":
        raise NotDone(403, "admin_required", "for admins only")


@pytest.fixture
def open_worker() -> Iterator[Callable[..., Worker]]:
    opened: list[Worker] = []

    def open_one(policy: str = "version: 1", ledger: Ledger | None = None) -> Worker:
        opened.append(Worker(policy, ledger))
        return opened[-1]

    yield open_one
    for worker in opened:
        worker.telemetry.troubles.stop()
