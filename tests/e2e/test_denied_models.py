"""What a key denies is not reached on a real proxy, whichever way LiteLLM would go to it by itself."""

import hashlib
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

MASTER_KEY = "sk-end-to-end-tests-only"
SECRET = "sk-gov-denied-models-of-the-end-to-end-tests"
DENIED = "groq/secret"


def key(name: str, **fields: Any) -> dict[str, Any]:
    return {"name": name, "sha256": hashlib.sha256(f"{SECRET}-{name}".encode()).hexdigest(), **fields}


POLICY: dict[str, Any] = {
    "version": 1,
    "keys": [
        key("denying", denied_models=[DENIED, "openai/o1*"]),
        key("listing", models=["regex:first|default|long|content|open|mixed"]),
        key("free"),
    ],
    "routing_profiles": [
        {"name": "Group", "virtual_provider": "own", "targets": [{"group": "mixed", "virtual_model": "mixed"}]}
    ],
}


@pytest.fixture(scope="module")
def denying(start, providers) -> Iterator[Any]:
    def deployment(group: str, model: str) -> dict[str, Any]:
        provider = model.partition("/")[0]
        base = {"api_key": "x", "api_base": f"{providers.url}/{provider}/v1"}
        return {
            "model_name": group,
            "litellm_params": {"model": model, **base},
            "model_info": {"id": f"{group} {model}"},
        }

    groups = [deployment(name, f"cerebras/{name}") for name in ("first", "default", "long", "content", "open")]
    mixed = [deployment("mixed", DENIED), deployment("mixed", "cerebras/mixed")]
    configuration = {
        "model_list": [*groups, *mixed, deployment("hidden", DENIED), deployment("openai/*", "openai/*")],
        "router_settings": {
            "model_group_alias": {"nick": "hidden"},
            "fallbacks": [{"first": ["hidden", "nick"]}, {"open": ["mixed"]}],
            "context_window_fallbacks": [{"long": ["hidden"]}],
            "content_policy_fallbacks": [{"content": ["nick"]}],
            "default_fallbacks": ["hidden"],
            "num_retries": 0,
        },
        "general_settings": {
            "master_key": MASTER_KEY,
            "custom_auth": "governance.proxy.auth.user_api_key_auth",
            # Whatever LiteLLM itself would check: what is claimed here is ours.
            "enforce_fallback_model_access": False,
        },
    }
    with start(yaml.safe_dump(POLICY), configuration) as running:
        yield running


def received(providers: Any, model: str = DENIED) -> int:
    count: int = providers.stats(model)["received"]
    return count


WAYS = [
    ("first", {"status": 500}),
    ("default", {"status": 500}),
    ("long", {"status": 400, "message": "This model's maximum context length is 10 tokens"}),
    ("content", {"status": 400, "message": "content management policy"}),
]


@pytest.mark.parametrize("whose", ["denying", "listing"])
@pytest.mark.parametrize(("model", "fault"), WAYS)
def test_no_fallback_of_the_router_is_a_way_round(denying, providers, whose: str, model: str, fault: Any) -> None:
    providers.fail(f"cerebras/{model}", **fault)
    before = received(providers)
    answer = denying.chat(model, key=f"{SECRET}-{whose}")

    assert answer.status_code >= 400, answer.text
    assert received(providers) == before


def test_who_denies_nothing_is_served_by_the_routers_fallback(denying, providers) -> None:
    providers.fail("cerebras/first", status=500)
    before = received(providers)

    assert denying.chat("first", key=f"{SECRET}-free").status_code == 200
    assert received(providers) == before + 1


@pytest.mark.parametrize("name", ["hidden", "nick", "mixed", "openai/o1", "openai/responses/o1", "o1-pro"])
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/responses", "/v1/messages"])
def test_no_name_hides_a_denied_model(denying, providers, path: str, name: str) -> None:
    before = received(providers)
    body = {"model": name, "messages": [{"role": "user", "content": "Hello"}], "input": "Hello", "max_tokens": 9}
    headers = {"authorization": f"Bearer {SECRET}-denying"}
    answer = denying.client.post(path, json=body, headers=headers)

    assert answer.status_code == 403, answer.text
    assert received(providers) == before


@pytest.mark.parametrize("name", ["openai/responses/oresponses/1", "openai/xinvoke/o1"])
def test_a_name_that_litellm_would_cut_is_refused(denying, name: str) -> None:
    assert denying.chat(name, key=f"{SECRET}-denying").status_code == 403
    assert denying.chat(name).status_code == 400


def test_of_a_group_the_denied_deployment_does_not_serve(denying, providers) -> None:
    before = received(providers), received(providers, "cerebras/mixed")
    answers = [denying.chat("own/mixed", key=f"{SECRET}-denying") for _ in range(6)]

    assert [answer.status_code for answer in answers] == [200] * 6, answers[0].text
    assert (received(providers), received(providers, "cerebras/mixed")) == (before[0], before[1] + 6)


def test_nor_does_it_where_the_routers_fallback_is_that_group(denying, providers) -> None:
    providers.fail("cerebras/open", status=500)
    before = received(providers)
    answers = [denying.chat("open", key=f"{SECRET}-denying") for _ in range(4)]

    assert [answer.status_code for answer in answers] == [200] * 4, answers[0].text
    assert received(providers) == before
