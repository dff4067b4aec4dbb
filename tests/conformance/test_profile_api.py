"""Behaviour cases of the gateway world, area `profile_api`: routing profiles by HTTP, on a worker without a proxy."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from governance.catalog import Catalog
from governance.proxy.policies import open_policies
from tests.admin.conftest import Worker
from tests.admin.kept import caller

CASES = [
    case
    for case in yaml.safe_load((Path(__file__).parent / "gateway-cases.yaml").read_text("utf-8"))["cases"]
    if case["area"] == "profile_api"
]
BASE = "/api/governance"
FAST = {"name": "Fast", "virtual_provider": "fast", "targets": [{"provider": "cerebras"}, {"provider": "openai"}]}


def opened(file: Path, profiles: list[dict[str, Any]]) -> Worker:
    file.write_text(json.dumps({"version": 1, "policy": {"source": "database"}, "routing_profiles": profiles}))
    policies = open_policies(file)
    worker: Any = Worker(policies.begin().policy.text)
    worker.policies, worker.models = policies, SimpleNamespace(catalog=Catalog(None, {}))
    return worker  # type: ignore[no-any-return]


@pytest.fixture
async def worker(request: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Any]:
    monkeypatch.setenv("GOVERNANCE_STATE_DIR", str(tmp_path / "state"))
    worker = opened(tmp_path / "governance.yaml", request.param)
    yield worker
    await worker.policies.close()
    worker.telemetry.troubles.stop()


@pytest.mark.parametrize(
    ("worker", "case"),
    [pytest.param(case["given"].get("profiles", [FAST]), case, id=case["id"]) for case in CASES],
    indirect=["worker"],
)
async def test_case(worker: Any, case: dict[str, Any]) -> None:
    expect = {**case["expect"], **case.get("ours", {})}
    answers = []
    async with caller(worker) as admin:
        for call in case["given"]["calls"]:
            ((method, path),) = [each for each in call.items() if each[0] != "body"]
            body = call.get("body", {} if method == "put" else None)
            answers.append(await admin.request(method.upper(), BASE + path, json=body))

    if "status" in expect:
        assert [answer.status_code for answer in answers] == expect["status"]
    else:
        (answer,) = answers
        assert (answer.json()["primary"], answer.json()["fallbacks"]) == (expect["primary"], expect["fallbacks"])
        assert [each["target"] for each in answer.json()["candidates"]] == [expect["primary"], *expect["fallbacks"]]


def test_there_are_cases() -> None:
    assert {case["id"] for case in CASES} == {f"BF-PAPI-00{number}" for number in range(2, 6)}


@pytest.mark.parametrize("worker", [[FAST]], indirect=True)
async def test_a_profile_comes_changes_goes_and_all_of_them_go_out_and_in(worker: Any) -> None:
    light = {"id": "7", "name": "Light", "virtual_provider": "light", "targets": [{"provider": "groq"}]}
    path = f"{BASE}/routing-profiles"
    async with caller(worker) as admin, caller(worker, "viewer") as viewer:
        made = await admin.post(path, json=light)
        again = await admin.post(path, json=light)
        changed = await admin.put(f"{path}/light", json={"strategy": "weighted"})
        one = await viewer.get(f"{path}/Light")
        listed = (await viewer.get(path)).json()
        found = (await viewer.get(path, params={"virtual_provider": "LIGHT"})).json()
        exported = (await viewer.get(f"{path}/export")).json()
        gone = await admin.delete(f"{path}/Light")
        left = (await viewer.get(path)).json()
        back = await admin.post(f"{path}/import", json=exported)
        turned = await admin.post(
            f"{path}/import", json={"routing_profiles": exported["plugin"]["config"]["routing_profiles"][::-1]}
        )
        wrong = await admin.post(f"{path}/import", json={"routing_profiles": [{**light, "targets": []}]})
        names = [each["name"] for each in (await viewer.get(path)).json()["profiles"]]
        denied = await viewer.post(f"{path}/import", json=exported)

    assert [made.status_code, changed.status_code, gone.status_code, back.status_code] == [201, 200, 200, 200]
    assert {"message", "profile"} == made.json().keys() == changed.json().keys()
    assert again.json()["error"]["code"] == "name_taken"
    assert one.json()["profile"] == {
        **light,
        "id": "Light",
        "strategy": "weighted",
        "description": "",
        "enabled": True,
    }
    assert (listed["count"], [each["id"] for each in listed["profiles"]]) == (2, ["Fast", "Light"])
    assert [each["id"] for each in found["profiles"]] == ["Light"]
    assert (left["count"], back.json()["count"], turned.status_code) == (1, 2, 200)
    assert (wrong.status_code, names, denied.status_code) == (422, ["Light", "Fast"], 403)
