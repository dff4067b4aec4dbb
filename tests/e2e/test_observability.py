"""What operators see of a real proxy: metrics, health, recent decisions, LiteLLM's own logs and spans."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.patience import ANSWER_S, tries, turns

# pytest itself puts no folder on the path.
sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.e2e.conftest import MASTER_KEY, Proxy, litellm_config

TOKEN = "only-for-prometheus"
POLICY = f"""\
version: 1
telemetry:
  decision_log: {{headers: [x-tier]}}
  metrics: {{token_sha256: {hashlib.sha256(TOKEN.encode()).hexdigest()}}}
routing_profiles:
  - name: Fast
    virtual_provider: fast
    targets: [{{provider: cerebras, limits: {{requests: 1000/minute}}}}, {{provider: openai, priority: 2}}]
"""
SHARED = """\
version: 1
ledger: {{url: "{url}"}}
routing_profiles:
  - {{name: Fast, virtual_provider: fast, targets: [{{provider: openai, limits: {{tokens: 9M/minute}}}}]}}
"""


@pytest.fixture(scope="module")
def observed(start, providers) -> Iterator[Proxy]:
    config = litellm_config(providers.url)
    config["litellm_settings"]["callbacks"] += ["prometheus", "otel", "spend_log.spend_log"]
    with start(POLICY, config) as proxy:
        yield proxy


def page(proxy: Proxy, path: str, key: str = MASTER_KEY) -> httpx.Response:
    return proxy.client.get(path, headers={"authorization": f"Bearer {key}"})


def counted(text: str, metric: str) -> float:
    (value,) = re.findall(rf"^{re.escape(metric)} (\S+)$", text, re.MULTILINE) or ["0"]
    return float(value)


DECISIONS = 'governance_decisions_total{outcome="route",profile="Fast",rule=""}'


def test_metrics_are_on_our_page_and_on_litellms_own(observed: Proxy) -> None:
    before = page(observed, "/governance/metrics", TOKEN).text
    answer = observed.chat("fast/counted")
    observed.decision(answer.headers["x-governance-decision-id"])

    ours = page(observed, "/governance/metrics", TOKEN).text
    litellms = page(observed, "/metrics/").text
    for text in (ours, litellms):
        assert counted(text, DECISIONS) == counted(before, DECISIONS) + 1
        assert counted(text, 'governance_attempts_total{outcome="ok",target="cerebras/counted"}') == 1
        assert 'governance_ledger_seconds_count{op="reserve"}' in text
    assert "litellm_" in litellms
    assert "litellm_" not in ours


def test_metrics_and_decisions_are_for_those_who_may_see_them(observed: Proxy) -> None:
    assert page(observed, "/governance/metrics", "sk-nobody").status_code in (401, 403)
    assert page(observed, "/governance/api/decisions", TOKEN).status_code in (401, 403)


def test_a_decision_can_be_looked_up_and_is_the_one_that_was_logged(observed: Proxy) -> None:
    answer = observed.client.post(
        "/v1/chat/completions",
        json={"model": "fast/looked-up", "messages": [{"role": "user", "content": "Hello"}]},
        headers={"x-tier": "premium", "x-other": "never-logged"},
    )
    decision_id = answer.headers["x-governance-decision-id"]
    logged = observed.decision(decision_id)

    found = page(observed, f"/governance/api/decisions/{decision_id}")
    searched = page(observed, "/governance/api/decisions?target=cerebras/looked-up&outcome=route")

    assert found.json() == logged
    assert [record["id"] for record in searched.json()["decisions"]] == [decision_id]
    assert logged["request"]["headers"] == {"x-tier": "premium"}
    assert "never-logged" not in found.text


def test_health_tells_admins_everything_and_load_balancers_one_word(observed: Proxy) -> None:
    short = httpx.get(f"{observed.url}/governance/health", timeout=ANSWER_S)
    wrong = page(observed, "/governance/health", "sk-nobody")
    long = page(observed, "/governance/health")

    assert (short.status_code, short.json()) == (wrong.status_code, wrong.json()) == (200, {"status": "ok"})
    health = long.json()
    assert (long.status_code, health["status"]) == (200, "ok")
    assert health["litellm"]["missing"] == []
    assert [plugin["name"] for plugin in health["plugins"]] == ["routing_profiles"]


def spans(text: str) -> Iterator[dict[str, Any]]:
    """The attributes of every span that LiteLLM's exporter has printed."""
    for start in re.finditer(r"^\{$", text, re.MULTILINE):
        with contextlib.suppress(ValueError):
            yield json.JSONDecoder().raw_decode(text, start.start())[0].get("attributes", {})


def spend_logs(text: str) -> Iterator[dict[str, Any]]:
    for line in re.findall(r"^spend log: (\{.*\})$", text, re.MULTILINE):
        yield json.loads(line)


def printed(proxy: Proxy, what: Callable[[str], Iterator[dict[str, Any]]], **wanted: str) -> dict[str, Any]:
    """What has these values, as soon as the proxy has printed it."""
    for _ in turns(proxy.pid, proxy.output):
        found = [one for one in what(proxy.output.read_text("utf-8")) if wanted.items() <= one.items()]
        if found:
            return found[0]
    raise AssertionError(f"never printed: {wanted}")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/chat/completions", {"messages": [{"role": "user", "content": "Hello"}]}),
        ("/v1/responses", {"input": "Hello"}),
    ],
)
def test_spend_logs_and_spans_name_the_decision_and_who_served(
    observed: Proxy, providers, path: str, body: dict[str, Any]
) -> None:
    providers.fail("cerebras", status=503)
    metadata = {"spend_logs_metadata": {"owner": "anna"}}
    kind = "litellm_metadata" if path.endswith("responses") else "metadata"
    answer = observed.client.post(path, json={"model": "fast/marked", kind: metadata, **body})
    decision_id = answer.headers["x-governance-decision-id"]

    logged = printed(observed, spend_logs, governance_decision_id=decision_id)
    told = printed(observed, spans, **{"governance.decision_id": decision_id})

    assert logged == {
        "owner": "anna",
        "governance_decision_id": decision_id,
        "governance_model": "fast/marked",
        "governance_profile": observed.decision(decision_id)["profile"],
        "governance_target": "openai/marked",
    }
    assert told["governance.target"] == "openai/marked"
    assert (told["governance.outcome"], told["governance.profile"]) == ("route", "Fast")


def test_two_workers_on_redis_tell_the_same_whichever_is_asked(
    start_process, providers, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PROMETHEUS_MULTIPROC_DIR", raising=False)
    (tmp_path / "governance.yaml").write_text(SHARED.format(url=redis_url), "utf-8")
    config = litellm_config(providers.url)
    config["litellm_settings"]["callbacks"] = ["governance.proxy.callback.handler"]
    for name in ("custom_auth", "custom_auth_run_common_checks"):
        del config["general_settings"][name]
    (tmp_path / "litellm.yaml").write_text(yaml.safe_dump(config), "utf-8")
    headers = {"authorization": f"Bearer {MASTER_KEY}"}
    with start_process(["serve", "--config", str(tmp_path / "litellm.yaml"), "--num_workers", "2"]) as url:

        def ask(path: str, **body: Any) -> httpx.Response:
            # A connection of its own each time, so that both workers get some.
            return httpx.request(
                "POST" if body else "GET", f"{url}{path}", headers=headers, json=body or None, timeout=ANSWER_S
            )

        chats = [
            ask("/v1/chat/completions", model="fast/both", messages=[{"role": "user", "content": "Hello"}])
            for _ in range(20)
        ]
        ids = {answer.headers["x-governance-decision-id"] for answer in chats}
        for _ in tries():
            kept = ask("/governance/api/decisions?limit=100&target=openai/both").json()["decisions"]
            if len(kept) == len(ids) and counted(ask("/governance/metrics").text, DECISIONS) == len(ids):
                break

        workers = set()
        for _ in range(30):
            found = ask("/governance/api/decisions?limit=100&target=openai/both").json()["decisions"]
            assert {record["id"] for record in found} == ids
            text = ask("/governance/metrics").text
            assert counted(text, DECISIONS) == 20
            health = ask("/governance/health").json()
            assert (health["status"], health["decisions"]["kept_in"]) == ("ok", "redis")
            assert health["metrics"]["incomplete"] is None
            workers.add(health["worker"])
            if len(workers) == 2:
                break
        assert len(workers) == 2
        assert os.getpid() not in workers
