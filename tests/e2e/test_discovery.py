"""A proxy that reads what its providers list, on start and on demand, and knows its models better for it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from governance.discovery import Listed
from governance.store import open_store
from governance.usecases.discovered import keep
from tests.patience import ANSWER_S, tries

MASTER_KEY = "sk-end-to-end-tests-only"


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what an earlier version has discovered."""
    folder = tmp_path_factory.mktemp("state")
    then = "2026-11-20T12:00:00Z"
    listed = {"provider": "openai", "models": {"retired": {}}, "at": then, "tried_at": then}
    (folder / "catalogue.json").write_text(json.dumps({"version": 1, "sources": {"openai": listed}}))
    return folder


@pytest.fixture(scope="module")
def discovering(start: Any, providers: Any, state: Path) -> Iterator[Any]:
    """A proxy whose policy reads a provider on start, and names some that do not answer."""
    base = providers.url
    policy = {
        "version": 1,
        "store": {"url": f"sqlite:///{state}/governance.db"},
        "catalog": {
            "overrides": {"openai/gpt-4o": {"max_input_tokens": 50, "display_name": "Ours"}},
            "discovery": {
                "on_start": True,
                "cache": str(state / "catalogue.json"),
                "allowed_hosts": [base.removeprefix("http://")],
                "providers": {
                    "openai": {"api_base": f"{base}/openai/v1", "api_key": "sk-very-secret"},
                    "groq": {"api_base": f"{base}/nobody/at-home", "api_key": "sk-very-secret"},
                    "anthropic": {"api_base": f"{base}/nobody", "api_key": "sk-very-secret"},
                    "gemini": {"api_base": f"{base}/nobody/x", "api_key": "sk-very-secret"},
                },
            },
        },
        "routing_profiles": [
            {
                "name": "Fast",
                "virtual_provider": "fast",
                "targets": [{"provider": "openai", "model": "gpt-4o"}, {"provider": "openai", "model": "glm-4.7"}],
            }
        ],
    }
    with start(yaml.safe_dump(policy)) as running:
        yield running


def page(proxy: Any, path: str, **asked: Any) -> Any:
    answer = httpx.get(
        f"{proxy.url}/governance/api/{path}",
        params=asked,
        headers={"authorization": f"Bearer {MASTER_KEY}"},
        timeout=ANSWER_S,
    )
    assert answer.status_code == 200, answer.text
    assert "sk-very-secret" not in answer.text
    return answer.json()


def until(true: Callable[[], Any]) -> Any:
    for _ in tries():
        if found := true():
            return found
    raise AssertionError("has not happened")


def listed(proxy: Any) -> dict[str, Any]:
    rows = {row["model"]: row for row in page(proxy, "models")["models"]}
    return rows if "openai/glm-4.7" in rows else {}


def test_models_are_read_on_start(discovering: Any) -> None:
    rows = until(lambda: listed(discovering))

    assert {"openai/gpt-4o", "openai/gpt-4o-mini", "openai/glm-4.7"} <= rows.keys()
    assert rows["openai/gpt-4o"]["display_name"] == "Ours"
    assert rows["openai/gpt-4o"]["sources"]["max_input_tokens"] == "policy"
    assert rows["openai/gpt-4o"]["sources"]["input_usd_per_1m_tokens"] == "model map"
    assert rows["openai/glm-4.7"]["served_as"] == "openai/glm-4.7"
    assert rows["openai/retired"]["gone_since"], "an earlier version has known it"


def test_what_the_command_keeps_a_running_proxy_learns(discovering: Any, state: Path) -> None:
    until(lambda: listed(discovering))
    store = open_store(f"sqlite:///{state}/governance.db", {})
    keep(store, lambda known: known.with_source("another", Listed(provider="groq", models={"brand-new": {}})))
    store.close()

    until(lambda: any(row["model"] == "groq/brand-new" for row in page(discovering, "models")["models"]))


def test_an_override_decides_where_a_request_goes(discovering: Any) -> None:
    answer = discovering.chat("fast/x", "word " * 400)

    assert answer.status_code == 200, answer.text
    assert answer.headers["x-governance-target"] == "openai/glm-4.7"


def test_models_are_read_on_demand_and_failures_are_in_the_answer(discovering: Any) -> None:
    def discover(**body: Any) -> httpx.Response:
        headers = {"authorization": f"Bearer {MASTER_KEY}"}
        return httpx.post(f"{discovering.url}/governance/api/discover", json=body, headers=headers, timeout=ANSWER_S)

    [openai] = discover(provider="openai").json()["providers"]
    [anthropic] = discover(provider="anthropic").json()["providers"]
    unknown = discover(provider="nobody")

    assert (openai["ok"], openai["unchanged"]) == (True, 4)
    assert (anthropic["ok"], "answered 404" in anthropic["error"]) == (False, True)
    assert "openai/glm-4.7" in listed(discovering), "a failure of one changes nothing for another"
    assert unknown.status_code == 400
    assert "known: anthropic, gemini, groq, openai, " in unknown.json()["error"]["message"]


def test_only_an_admin_sees_or_reads_models(discovering: Any) -> None:
    for method, path in (("GET", "models"), ("POST", "discover")):
        answer = httpx.request(method, f"{discovering.url}/governance/api/{path}", json={}, timeout=ANSWER_S)
        assert answer.status_code == 401, answer.text


def test_no_key_is_written_anywhere(discovering: Any, state: Path) -> None:
    until(lambda: listed(discovering))

    files = list(state.glob("governance.db*"))
    assert files
    assert all(b"sk-very-secret" not in file.read_bytes() for file in files)
    assert "sk-very-secret" not in discovering.output.read_text()
