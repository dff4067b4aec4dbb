"""Whatever fits what the pages say of themselves, and whatever does not, is answered without a fault of ours."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, assume, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import response_schema_conformance, status_code_conformance

from governance.admin.access import only
from governance.admin.router import admin_router
from governance.catalog import Catalog
from governance.proxy.policies import open_policies
from tests.admin.conftest import Worker
from tests.admin.kept import FIRST, key_of, name_of, require

HEADERS = {"authorization": "Bearer admin"}

FEW = settings(
    max_examples=8,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
    derandomize=True,
)


class Models:
    catalog = Catalog([{"model_name": "openai/*"}], {})

    class discovering:
        sources = ()

        @staticmethod
        async def discover(names: Any = None) -> list[Any]:
            return []


def app_of(worker: Any) -> FastAPI:
    app = FastAPI()
    app.include_router(admin_router(worker, only(key_of, require("admin"), name_of)))
    return app


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FastAPI]:
    """All pages, of a worker whose policy is in a store."""
    folder: Path = tmp_path_factory.mktemp("openapi")
    (folder / "governance.yaml").write_text(FIRST)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("GOVERNANCE_STATE_DIR", str(folder / "state"))
        policies = open_policies(folder / "governance.yaml")
        worker = Worker(policies.begin().policy.text)
        worker.policies, worker.models = policies, Models  # type: ignore[attr-defined]
        yield app_of(worker)
        worker.telemetry.troubles.stop()


def test_no_page_fails_whatever_is_sent(app: FastAPI) -> None:
    checks = [not_a_server_error, status_code_conformance, response_schema_conformance]
    asked = set()
    for found in schemathesis.openapi.from_asgi("/openapi.json", app).get_all_operations():
        page = found.ok()
        asked.add(page.label)

        @FEW
        @given(case=page.as_strategy())
        def ask(case: Any) -> None:
            # A path that the framework takes for no page of ours is the framework's to answer.
            assume(not any("\n" in unquote(str(part)) for part in (case.path_parameters or {}).values()))
            case.call_and_validate(headers=HEADERS, checks=checks)

        ask()
    assert len(asked) >= 18, asked


def test_every_page_says_what_it_answers(app: FastAPI) -> None:
    for path, page in app.openapi()["paths"].items():
        for method, told in page.items():
            assert "default" in told["responses"], (method, path)
            assert "HTTPValidationError" not in str(told["responses"]), (method, path)
