"""Workers whose policy is in a store or a file, and their callers: admins, viewers and others."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request

from governance.admin.access import only
from governance.admin.answered import NotDone
from governance.admin.router import admin_router
from governance.proxy.policies import FilePolicies, StoredPolicies, open_policies

FIRST = """version: 1
policy: {source: database}
budgets:
- {name: all of us, subject: everyone, amount: 100 USD/day}
- {name: team, subject: {team: "*"}, amount: 10 USD/day}
"""
SECOND = FIRST.replace("10 USD", "20 USD")


def key_of(request: Request) -> str:
    return request.headers.get("authorization", "").removeprefix("Bearer ")


def require(*keys: str) -> Any:
    def check(key: str) -> None:
        if key not in keys:
            raise NotDone(403, "admin_required", "for admins only")

    return check


def name_of(key: str) -> tuple[str, str]:
    return key, "user"


def caller(worker: Any, key: str = "admin") -> httpx.AsyncClient:
    app = FastAPI()
    admin, viewer = only(key_of, require("admin"), name_of), only(key_of, require("admin", "viewer"), name_of)
    app.include_router(admin_router(worker, admin, viewer))
    headers = {"authorization": f"Bearer {key}", "x-request-id": "req-7"}
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://proxy", headers=headers)


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GOVERNANCE_STATE_DIR", str(tmp_path / "state"))
    file = tmp_path / "governance.yaml"
    file.write_text(FIRST)
    return file


@pytest.fixture
async def stored(open_worker, file: Path) -> AsyncIterator[Any]:
    """A worker whose policy is in a store."""
    policies = open_policies(file)
    assert isinstance(policies, StoredPolicies)
    worker = open_worker(policies.begin().policy.text)
    worker.policies = policies
    yield worker
    await policies.close()


@pytest.fixture
def filed(open_worker, file: Path) -> Any:
    """A worker whose policy is its file."""
    file.write_text(FIRST.replace("policy: {source: database}", "policy: {source: file}"))
    worker = open_worker(file.read_text())
    worker.policies = open_policies(file)
    assert isinstance(worker.policies, FilePolicies)
    return worker
