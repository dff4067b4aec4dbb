"""Keys of the policy on a real proxy without a database: who gets in, and what each key may ask for."""

import hashlib
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import yaml

MASTER_KEY = "sk-end-to-end-tests-only"
AUTH = "governance.proxy.auth.user_api_key_auth"


def secret(name: str) -> str:
    return f"sk-gov-{name}-of-the-end-to-end-tests"


def entry(name: str, **fields: Any) -> dict[str, Any]:
    return {"name": name, "sha256": hashlib.sha256(secret(name).encode()).hexdigest(), **fields}


POLICY: dict[str, Any] = {
    "version": 1,
    "access": {"require_key": True},
    "keys": [
        entry(
            "team key",
            team="research",
            team_name="Research",
            user="bot",
            customer="acme",
            customer_name="Acme",
            metadata={"tier": "gold"},
        ),
        entry("fast only", models=["FAST/*"]),
        entry("by regex", models=["regex:^cerebras/claude-3-.*"]),
        entry("nothing", models=[]),
        entry("not openai", denied_models=["openai/*"]),
        entry("not best", denied_models=["best"]),
        entry("own targets", models=["own/*", "groq/*"]),
        entry("off", enabled=False),
        entry("old", expires="2020-01-31"),
    ],
    "routing_rules": [
        {
            "name": "gold",
            "cel_expression": 'metadata["tier"] == "gold" && model == "gold"',
            "targets": [{"provider": "groq", "model": "gold"}],
        },
        {"name": "rewritten", "cel_expression": 'model == "rewritten"', "model": "openai/rewritten"},
    ],
    "routing_profiles": [
        {
            "name": "Fast",
            "virtual_provider": "fast",
            "targets": [
                {"provider": "openai", "priority": 1},
                {"provider": "cerebras", "priority": 2},
            ],
        },
        {
            "name": "Listed",
            "virtual_provider": "listed",
            "targets": [{"provider": "cerebras", "virtual_model": "one", "model": "m"}],
        },
        {
            "name": "Own",
            "virtual_provider": "own",
            "access": {"grant": "targets"},
            "targets": [{"provider": "cerebras", "priority": 1}, {"provider": "groq", "priority": 2}],
        },
    ],
}


def configuration(providers: Any) -> dict[str, Any]:
    # Nothing but this is needed: the custom auth also installs the callback.
    models = [
        {
            "model_name": f"{name}/*",
            "litellm_params": {
                "model": f"{name}/*",
                "api_key": "not-a-key",
                "api_base": f"{providers.url}/{name}/v1",
            },
        }
        for name in ("cerebras", "groq", "openai")
    ]
    best = {
        "model_name": "best",
        "litellm_params": {"model": "openai/best", "api_key": "x", "api_base": f"{providers.url}/openai/v1"},
        "model_info": {"id": "id-of-best"},
    }
    return {
        "model_list": [*models, best],
        "router_settings": {"model_group_alias": {"top": "best"}},
        "general_settings": {
            "master_key": MASTER_KEY,
            "custom_auth": AUTH,
            "pass_through_endpoints": [
                {"path": "/raw/chat", "target": f"{providers.url}/openai/v1/chat/completions", "auth": True}
            ],
        },
    }


@pytest.fixture(scope="module")
def keyed(start, providers) -> Iterator[Any]:
    with start(yaml.safe_dump(POLICY), configuration(providers)) as running:
        yield running


def error(answer: httpx.Response) -> dict[str, Any]:
    found: dict[str, Any] = answer.json()["error"]
    return found


def post(keyed: Any, path: str, name: str, **body: Any) -> httpx.Response:
    # Google's own API takes no key but its own header's.
    headers = {"authorization": f"Bearer {secret(name)}", "x-goog-api-key": secret(name)}
    answer: httpx.Response = keyed.client.post(path, json=body, headers=headers)
    return answer


def get(keyed: Any, path: str, name: str) -> httpx.Response:
    answer: httpx.Response = keyed.client.get(path, headers={"authorization": f"Bearer {secret(name)}"})
    return answer


def test_a_key_of_the_policy_is_who_the_policy_says(keyed) -> None:
    answer = keyed.chat("gold", key=secret("team key"), user="end-user-7")

    assert answer.status_code == 200, answer.text
    assert answer.headers["x-governance-target"] == "groq/gold", "rules see the key's metadata"
    identity = keyed.decision(answer.headers["x-governance-decision-id"])["identity"]
    assert identity["virtual_key_name"] == "team key"
    assert identity["virtual_key_id"] == hashlib.sha256(secret("team key").encode()).hexdigest()
    assert (identity["team_id"], identity["team_name"]) == ("research", "Research")
    assert (identity["user_id"], identity["customer_id"], identity["end_user_id"]) == ("bot", "acme", "end-user-7")


def test_the_master_key_is_the_admin(keyed) -> None:
    assert keyed.chat("cerebras/m").status_code == 200
    assert keyed.client.get("/governance/api/usage").status_code == 200


@pytest.mark.parametrize("key", ["sk-gov-nobody-knows-this-one", MASTER_KEY + "x", ""])
def test_nobody_else_gets_in(keyed, key: str) -> None:
    headers = {"authorization": f"Bearer {key}"} if key else {"authorization": ""}
    answer = keyed.client.post("/v1/chat/completions", json={"model": "cerebras/m", "messages": []}, headers=headers)

    assert answer.status_code == 401
    assert (error(answer)["type"], error(answer)["code"]) == ("authentication_error", "401")
    assert error(answer)["provider_specific_fields"]["code"] == "access_not_found"
    assert not key or key not in answer.text


@pytest.mark.parametrize(("name", "reason"), [("off", "is switched off"), ("old", "expired on 2020-02-01")])
def test_a_key_that_is_off_or_has_expired_is_told_so(keyed, name: str, reason: str) -> None:
    answer = keyed.chat("cerebras/m", key=secret(name))

    assert answer.status_code == 403
    assert error(answer)["type"] == "permission_error"
    assert error(answer)["provider_specific_fields"]["code"] == "access_blocked"
    assert reason in error(answer)["message"]
    assert secret(name) not in answer.text


@pytest.mark.parametrize(
    ("name", "model", "status"),
    [
        ("fast only", "fast/x", 200),
        ("fast only", "openai/x", 403),
        ("fast only", "fast/x,openai/x", 403),
        ("by regex", "cerebras/claude-3-opus", 200),
        ("by regex", "cerebras/claude-4", 403),
        ("nothing", "fast/x", 403),
        ("not openai", "cerebras/x", 200),
        ("not openai", "openai/x", 403),
        ("not openai", "best", 403),
        ("not openai", "gpt-4o", 403),
        ("not openai", "rewritten", 400),
        ("not openai", "id-of-best", 403),
        ("not best", "top", 403),
        ("not best", "id-of-best", 403),
        ("by regex", "cerebras/claude-3-x/../gpt", 403),
    ],
)
def test_a_key_may_ask_for_the_models_on_its_list(keyed, name: str, model: str, status: int) -> None:
    answer = keyed.chat(model, key=secret(name))

    assert answer.status_code == status, answer.text
    if status == 403:
        assert error(answer)["provider_specific_fields"]["code"] == "model_not_allowed"
        assert error(answer)["message"].startswith(f"key {name} may not use the model ")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/completions", {"model": "openai/x", "prompt": "a"}),
        ("/v1/embeddings", {"model": "openai/x", "input": "a"}),
        ("/v1/responses", {"model": "openai/x", "input": "a"}),
        ("/v1/messages", {"model": "openai/x", "max_tokens": 9, "messages": []}),
        ("/v1/moderations", {"model": "openai/x", "input": "a"}),
        ("/v1/rerank", {"model": "openai/x", "query": "a", "documents": ["b"]}),
        ("/v1/images/generations", {"model": "openai/x", "prompt": "a"}),
        ("/v1/audio/speech", {"model": "openai/x", "input": "a", "voice": "alloy"}),
        ("/v1beta/models/openai/x:generateContent", {"contents": []}),
        ("/openai/deployments/openai%2Fx/chat/completions", {"model": "fast/x", "messages": []}),
        ("/engines/openai%2Fx/chat/completions", {"model": "fast/x", "messages": []}),
        ("/openai/v1/chat/completions", {"model": "openai/x", "messages": []}),
        ("/raw/chat", {"model": "openai/x", "messages": []}),
        ("/raw/chat", {"messages": []}),
        # The model of these names nothing that answers.
        ("/raw/chat", {"model": "fast/x", "messages": []}),
        ("/openai/v1/chat/completions", {"model": "fast/x", "messages": []}),
        ("/gemini/v1beta/models/gemini-pro:generateContent", {"model": "fast/x", "contents": []}),
        ("/azure/openai/deployments/gpt-4o/chat/completions", {"model": "fast/x", "messages": []}),
        ("/v1/threads/t/runs", {"model": "fast/x", "assistant_id": "a"}),
        ("/v1/videos/v/remix", {"model": "fast/x", "prompt": "a"}),
        ("/v1/rag/query", {"model": "fast/x", "rerank": {"model": "openai/x"}}),
        ("/a2a/agent", {"model": "fast/x", "jsonrpc": "2.0"}),
        ("/v1/messages", {"model": "fast/x", "messages": [], "tools": [{"type": "advisor_1", "model": "openai/x"}]}),
        ("/v1/chat/completions", {"messages": []}),
        ("/v1/chat/completions", {"model": "fast/x", "messages": [], "fallbacks": ["openai/x"]}),
        ("/v1/chat/completions", {"model": "fast/x", "messages": [], "fallbacks": [{"model": "openai/x"}]}),
        ("/v1/chat/completions", {"model": "fast/x", "messages": [], "context_window_fallbacks": [{"*": ["groq/x"]}]}),
        ("/v1/batches", {"model": "fast/x", "input_file_id": "f", "endpoint": "/v1/chat/completions"}),
        ("/v1/threads", {"messages": []}),
    ],
)
def test_a_list_of_models_holds_at_every_endpoint(keyed, path: str, body: dict[str, Any]) -> None:
    answer = post(keyed, path, "fast only", **body)

    assert answer.status_code == 403, answer.text
    assert "key fast only may" in answer.text


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/key/generate"),
        ("POST", "/model/new"),
        ("GET", "/config/list"),
        ("GET", "/spend/logs"),
        ("GET", "/governance/api/usage"),
        ("GET", "/get/config/callbacks"),
    ],
)
def test_a_key_uses_models_and_administers_nothing(keyed, method: str, path: str) -> None:
    headers = {"authorization": f"Bearer {secret('team key')}"}
    answer = keyed.client.request(method, path, json={} if method == "POST" else None, headers=headers)

    assert answer.status_code == 403, answer.text


def test_pass_through_serves_keys_that_may_use_everything(keyed) -> None:
    answer = post(keyed, "/raw/chat", "team key", model="gpt-4o", messages=[{"role": "user", "content": "a"}])

    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("model", ["id-of-best", "openai/x/../best", "openai/best?x", "openai/best\r\nx-header: 1"])
@pytest.mark.parametrize("as_fallback", [False, True])
def test_nobody_asks_by_what_no_limit_knows_as_a_models_name(keyed, model: str, as_fallback: bool) -> None:
    answer = keyed.chat("cerebras/m", fallbacks=[model]) if as_fallback else keyed.chat(model)

    assert answer.status_code == 400, answer.text
    assert "ask for models by their names" in error(answer)["message"]


def test_a_denied_target_is_passed_over(keyed) -> None:
    answer = keyed.chat("fast/m", key=secret("not openai"))

    assert answer.headers["x-governance-target"] == "cerebras/m"
    candidates = keyed.decision(answer.headers["x-governance-decision-id"])["candidates"]
    assert [c["reason"] for c in candidates] == ["model_not_allowed", None]


def test_where_targets_are_granted_one_by_one_a_keys_list_decides(keyed) -> None:
    answer = keyed.chat("own/m", key=secret("own targets"))

    assert answer.headers["x-governance-target"] == "groq/m"


def test_a_key_sees_the_models_that_it_may_use(keyed) -> None:
    def listed(name: str) -> set[str]:
        return {model["id"] for model in get(keyed, "/v1/models", name).json()["data"]}

    assert {"best", "listed/one"} <= listed("team key")
    assert "best" not in listed("not openai")
    assert "listed/one" in listed("not openai")
    assert listed("nothing") == set()
    assert {name for name in listed("by regex") if not name.startswith("cerebras/claude-3-")} == set()
    assert get(keyed, "/v1/models/best", "not openai").status_code == 404


def test_one_gateway_is_opened(keyed) -> None:
    assert keyed.output.read_text().count("governance: ") == 0
    assert "Traceback" not in keyed.output.read_text()
