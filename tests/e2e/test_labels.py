"""Nothing goes where the labels are others than required, on a real proxy, whichever way LiteLLM takes by itself."""

import hashlib
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

MASTER_KEY = "sk-end-to-end-tests-only"
SECRET = "sk-gov-labels-of-the-end-to-end-tests"
EU, US = {"region": "eu", "zdr": True}, {"region": "us"}

POLICY: dict[str, Any] = {
    "version": 1,
    "keys": [
        {"name": "bound", "team": "research", "sha256": hashlib.sha256(SECRET.encode()).hexdigest()},
        {"name": "free", "sha256": hashlib.sha256(f"{SECRET}-free".encode()).hexdigest()},
    ],
    "teams": [{"name": "research", "require": {"region": ["eu"]}}],
    "routing_profiles": [
        {
            "name": "Fast",
            "virtual_provider": "fast",
            "targets": [{"group": "us"}, {"group": "first"}, {"group": "both"}],
        }
    ],
}


@pytest.fixture(scope="module")
def labelled(start, providers) -> Iterator[Any]:
    def deployment(group: str, model: str, labels: dict[str, Any] | None) -> dict[str, Any]:
        provider = model.partition("/")[0]
        params = {"model": model, "api_key": "x", "api_base": f"{providers.url}/{provider}/v1"}
        return {
            "model_name": group,
            "litellm_params": params,
            "model_info": {"id": f"{group} {model}", **({"labels": labels} if labels else {})},
        }

    configuration = {
        "model_list": [
            deployment("first", "cerebras/first", EU),
            deployment("default", "cerebras/default", EU),
            deployment("us", "groq/us", US),
            deployment("unknown", "groq/unknown", None),
            deployment("both", "cerebras/both", EU),
            deployment("both", "groq/both", US),
            # One model at two places: only labels tell them apart.
            deployment("twin", "openai/twin", EU),
            {**deployment("twin", "openai/twin", US), "model_info": {"id": "twin us", "labels": US}},
        ],
        "router_settings": {
            "model_group_alias": {"nick": "us"},
            "fallbacks": [{"first": ["us", "nick", "unknown"]}],
            "default_fallbacks": ["us"],
            "num_retries": 0,
        },
        "general_settings": {
            "master_key": MASTER_KEY,
            "custom_auth": "governance.proxy.auth.user_api_key_auth",
            "enforce_fallback_model_access": False,
        },
    }
    with start(yaml.safe_dump(POLICY), configuration) as running:
        yield running


def abroad(providers: Any) -> int:
    return sum(providers.stats(f"groq/{model}")["received"] for model in ("us", "unknown", "both"))


@pytest.mark.parametrize("model", ["first", "default"])
def test_no_fallback_of_the_router_leaves_the_region(labelled, providers, model: str) -> None:
    providers.fail(f"cerebras/{model}", status=500)
    before = abroad(providers)

    assert labelled.chat(model, key=SECRET).status_code >= 400
    assert abroad(providers) == before
    assert labelled.chat(model, key=f"{SECRET}-free").status_code == 200
    assert abroad(providers) == before + 1


def test_no_fallback_of_the_callers_leaves_the_region(labelled, providers) -> None:
    providers.fail("cerebras/default", status=500)
    before = abroad(providers)
    answer = labelled.chat("default", key=SECRET, fallbacks=["us", "unknown", "fast/x"])

    assert answer.status_code == 200, answer.text
    assert answer.headers["x-governance-target"] == "group:first"
    assert abroad(providers) == before


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/responses", "/v1/messages"])
@pytest.mark.parametrize("name", ["us", "nick", "unknown", "groq/us"])
def test_no_name_and_no_api_is_a_way_out(labelled, providers, path: str, name: str) -> None:
    before = abroad(providers)
    body = {"model": name, "messages": [{"role": "user", "content": "Hello"}], "input": "Hello", "max_tokens": 9}
    answer = labelled.client.post(path, json=body, headers={"authorization": f"Bearer {SECRET}"})

    assert answer.status_code == 403, answer.text
    assert "label_mismatch" in answer.text
    assert abroad(providers) == before


def test_of_a_group_only_those_that_satisfy_are_chosen(labelled, providers) -> None:
    before = abroad(providers)

    assert {labelled.chat("both", key=SECRET).status_code for _ in range(12)} == {200}
    assert abroad(providers) == before


def test_one_model_at_two_places_is_served_from_the_right_one_and_the_record_says_so(labelled) -> None:
    for _ in range(8):
        answer = labelled.chat("twin", key=SECRET)
        record = labelled.decision(answer.headers["x-governance-decision-id"])
        assert [attempt["labels"] for attempt in record["attempts"]] == [{"region": "eu", "zdr": "true"}]


def test_a_callers_header_tightens_and_never_loosens(labelled) -> None:
    def asked(header: str, key: str) -> Any:
        body = {"model": "us", "messages": [{"role": "user", "content": "Hello"}]}
        headers = {"authorization": f"Bearer {key}", "x-governance-require": header}
        return labelled.client.post("/v1/chat/completions", json=body, headers=headers)

    assert asked("region=us", f"{SECRET}-free").status_code == 200
    assert asked("region=eu", f"{SECRET}-free").status_code == 403
    assert asked("region=us", SECRET).status_code == 403
    assert asked("region", f"{SECRET}-free").status_code == 400


def test_an_address_or_account_of_the_callers_and_what_is_not_governed_are_refused(labelled) -> None:
    answer = labelled.chat("first", key=SECRET, api_key="mine")
    assert answer.status_code in (400, 403), answer.text
    files = labelled.client.post(
        "/v1/files",
        files={"file": ("batch.jsonl", b"{}")},
        data={"purpose": "batch"},
        headers={"authorization": f"Bearer {SECRET}"},
    )
    assert files.status_code == 403, files.text
    assert "team research requires" in files.text


@pytest.mark.parametrize(
    "path", ["/v1/messages/count_tokens", "/v1/responses/input_tokens", "/utils/token_counter?call_endpoint=true"]
)
def test_no_prompt_is_sent_anywhere_to_count_its_tokens(labelled, path: str) -> None:
    body = {"model": "us", "messages": [{"role": "user", "content": "Hello"}], "input": "Hello"}

    def asked(key: str, **headers: str) -> Any:
        return labelled.client.post(path, json=body, headers={"authorization": f"Bearer {key}", **headers})

    bound, free = asked(SECRET), asked(f"{SECRET}-free")
    tightened = asked(f"{SECRET}-free", **{"x-governance-require": "region=eu"})

    assert (bound.status_code, tightened.status_code) == (403, 403), (bound.text, tightened.text)
    assert "team research requires" in bound.text
    assert "x-governance-require requires" in tightened.text
    assert "requires region" not in free.text


def test_where_the_data_of_a_team_went_is_told(labelled) -> None:
    labelled.chat("both", key=SECRET)
    answer = labelled.client.get(
        "/governance/api/residency", params={"team": "research"}, headers={"authorization": f"Bearer {MASTER_KEY}"}
    )

    assert answer.status_code == 200, answer.text
    went = answer.json()["went"]
    assert {row["labels"]["region"] for row in went} == {"eu"}
    assert {row["team"] for row in went} == {"research"}
