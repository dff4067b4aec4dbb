"""What people are told on a real proxy: names beside ids, who served, their alias's targets, in any script."""

import hashlib
import json
import os
import sys
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import yaml

from tests.patience import run, tries

MASTER_KEY = "sk-end-to-end-tests-only"
AUTH = "governance.proxy.auth.user_api_key_auth"


def secret(name: str) -> str:
    return f"sk-gov-{name}-of-the-tests-of-people"


def entry(name: str, **fields: Any) -> dict[str, Any]:
    return {"name": name, "sha256": hashlib.sha256(secret(name).encode()).hexdigest(), **fields}


def target(provider: str, alias: str, model: str, **more: Any) -> dict[str, Any]:
    return {"provider": provider, "virtual_model": alias, "model": model, **more}


POLICY: dict[str, Any] = {
    "version": 1,
    "telemetry": {"metrics": {"subjects": True}},
    "keys": [
        entry("ci", team="t-42", team_name="Research", metadata={"cost_center": "4711"}),
        entry("cd", metadata={"cost_center": "4711"}),
        entry("other", metadata={"cost_center": "4712"}),
        entry("nobody"),
    ],
    "routing_profiles": [
        {
            "name": "Light",
            "virtual_provider": "light",
            "targets": [
                target("cerebras", "light", "people-light", limits={"requests": "1/hour"}),
                target("openai", "heavy", "people-heavy"),
                target("groq", "模型", "people-model"),
            ],
        },
        {"name": "Any", "virtual_provider": "fo", "targets": [{"provider": "cerebras"}]},
        {"name": "Two", "virtual_provider": "two", "targets": [{"provider": "cerebras"}, {"provider": "openai"}]},
    ],
    "rate_limits": [
        {"name": "each key", "subject": {"virtual_key": "*"}, "match": 'model == "keyed"', "requests": "1/hour"},
        {
            "name": "cost centres",
            "subject": {"metadata": "cost_center"},
            "match": 'model == "costly"',
            "requests": "2/hour",
        },
        {"name": "small", "subject": "everyone", "match": 'model == "small"', "tokens": "100/hour"},
    ],
}


@pytest.fixture(scope="module")
def proxy(start: Any, configuration: Any) -> Iterator[Any]:
    config = configuration()
    config["general_settings"]["custom_auth"] = AUTH
    config["litellm_settings"]["callbacks"] = ["governance.proxy.callback.handler", "prometheus"]
    with start(yaml.safe_dump(POLICY, allow_unicode=True), config) as running:
        yield running


def chat(proxy: Any, model: str, key: str = "nobody", **body: Any) -> httpx.Response:
    answer: httpx.Response = proxy.chat(model, key=secret(key), **body)
    return answer


def refusal(answer: httpx.Response, status: int) -> str:
    assert answer.status_code == status, answer.text
    message: str = answer.json()["error"]["message"]
    return message


def explain(proxy: Any, *arguments: str) -> str:
    command = [sys.executable, "-c", "from governance.cli import main; main()", "explain", "--live", "--url", proxy.url]
    environment = {**os.environ, "LITELLM_MASTER_KEY": MASTER_KEY, "COLUMNS": "200"}
    done = run([*command, *arguments], env=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_refusal_for_one_alias_lists_its_targets_alone(proxy: Any) -> None:
    assert chat(proxy, "light/light").status_code == 200
    message = refusal(chat(proxy, "light/light"), 429)

    assert "cerebras/people-light: requests_exhausted" in message
    assert "people-heavy" not in message


@pytest.mark.parametrize("model", ["fo/模型", "fo/модель"])
def test_a_name_that_litellm_cannot_answer_for_is_refused_with_the_reason(proxy: Any, model: str) -> None:
    message = refusal(chat(proxy, model), 400)

    assert "LiteLLM writes the name into HTTP headers, which cannot hold it" in message
    assert "names no model" not in message


@pytest.mark.parametrize("model", ["light/模型", "fo/modèle"])
def test_an_alias_may_be_called_anything_in_any_script(proxy: Any, model: str) -> None:
    answer = chat(proxy, model)
    streamed = chat(proxy, model, stream=True)

    assert answer.status_code == 200, answer.text
    assert streamed.status_code == 200, streamed.text


def test_a_key_is_told_by_its_name(proxy: Any) -> None:
    assert chat(proxy, "groq/keyed", "ci").status_code == 200
    refused = chat(proxy, "groq/keyed", "ci")
    digest = hashlib.sha256(secret("ci").encode()).hexdigest()

    assert f"limit each key of virtual_key ci ({digest[:12]}…) is used up" in refusal(refused, 429)
    (window,) = proxy.decision(refused.headers["x-governance-decision-id"])["windows"]
    assert (window["subject"], window["name_of_subject"]) == (f"virtual_key:{digest}", "ci")
    for _ in tries():
        told = proxy.client.get("/governance/api/usage", params={"subject": "virtual_key:ci"}).json()["windows"]
        found = [(w["subject"], w["name_of_subject"]) for w in told]
        if found:
            break
    assert found == [(f"virtual_key:{digest}", "ci")]
    assert f'subject="virtual_key:{digest} (ci)"' in proxy.client.get("/governance/metrics").text


def test_verified_metadata_is_counted_by_its_values_whoever_asks(proxy: Any) -> None:
    claims = {"metadata": {"cost_center": "4712"}, "litellm_metadata": {"cost_center": "4712"}}
    counted = [chat(proxy, "groq/costly", key, **claims) for key in ("ci", "cd", "ci")]

    assert [answer.status_code for answer in counted] == [200, 200, 429]
    assert "limit cost centres of metadata cost_center=4711 is used up" in refusal(counted[-1], 429)
    assert [chat(proxy, "groq/costly", key).status_code for key in ("other", "nobody", "nobody", "nobody")] == [200] * 4


def test_a_request_that_no_limit_ever_holds_is_refused_once(proxy: Any) -> None:
    answer = chat(proxy, "groq/small", max_tokens=500)

    assert "more than limit small of everyone ever holds (100 tokens/hour)" in refusal(answer, 400)
    assert "retry-after" not in answer.headers


def test_a_decision_is_explained_by_who_served(proxy: Any, providers: Any) -> None:
    providers.fail("cerebras/served-by-another", status=500)
    answer = chat(proxy, "two/served-by-another")
    decision_id = answer.headers["x-governance-decision-id"]
    record = proxy.decision(decision_id)

    assert (record["model"], record["served"]) == ("cerebras/served-by-another", "openai/served-by-another")
    assert "served by openai/served-by-another, after cerebras/served-by-another failed" in explain(proxy, decision_id)
    assert json.loads(explain(proxy, decision_id, "--json"))["served"] == "openai/served-by-another"
