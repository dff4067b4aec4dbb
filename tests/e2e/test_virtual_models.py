"""Virtual models are models of the proxy: listed, and subject to the model lists of keys."""

import json

import pytest


def key(**fields: object) -> str:
    return "sk-" + json.dumps(fields)


def names(proxy, **fields: object) -> set[str]:
    answer = proxy.client.get("/v1/models", headers={"authorization": f"Bearer {key(**fields)}"} if fields else {})
    return {model["id"] for model in answer.json()["data"]}


def test_an_alias_is_listed_for_keys_without_a_list(proxy) -> None:
    assert "light/light" in names(proxy)


def test_an_alias_is_listed_for_keys_whose_wildcard_means_it(proxy) -> None:
    assert names(proxy, models=["light/*"]) == {"light/light"}


def test_an_alias_is_listed_for_keys_that_name_it(proxy) -> None:
    assert names(proxy, models=["light/light"]) == {"light/light"}


def test_a_key_with_other_models_does_not_see_it(proxy) -> None:
    assert "light/light" not in names(proxy, models=["cerebras/glm-4.7-flash"])


@pytest.mark.parametrize("models", [["fast/*"], ["fast/glm-4.7"], []])
def test_a_key_that_may_call_the_virtual_model_is_served(proxy, models: list[str]) -> None:
    assert proxy.chat("fast/glm-4.7", key=key(models=models, user_id="u")).status_code == 200


@pytest.mark.parametrize("model", ["fast/glm-4.7", "light/light"])
def test_a_key_that_may_call_a_target_may_not_therefore_call_the_virtual_model(proxy, model: str) -> None:
    answer = proxy.chat(model, key=key(models=["cerebras/glm-4.7", "cerebras/glm-4.7-flash"]))

    assert answer.status_code == 403


def test_by_targets_a_key_is_served_only_by_what_it_may_call_itself(proxy) -> None:
    answer = proxy.chat("own/glm-4.7", key=key(models=["own/*", "openai/glm-4.7"]))

    assert answer.headers["x-governance-target"] == "openai/glm-4.7"
    record = proxy.decision(answer.headers["x-governance-decision-id"])
    reasons = {candidate["target"]: candidate["reason"] for candidate in record["candidates"]}
    assert reasons == {"openai/glm-4.7": None, "cerebras/glm-4.7": "model_not_allowed"}
    assert record["fallbacks"] == []


def test_by_targets_a_key_that_may_call_none_is_told_so(proxy) -> None:
    answer = proxy.chat("own/glm-4.7", key=key(models=["own/*"]))

    assert answer.status_code == 400
    assert answer.json()["error"]["provider_specific_fields"]["code"] == "no_eligible_target"


def test_a_virtual_name_is_never_passed_on(proxy, providers) -> None:
    answer = proxy.chat(
        "toolbox/no-image",
        messages=[{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:,"}}]}],
    )

    assert answer.status_code == 400
    assert "capability_mismatch" in answer.json()["error"]["message"]
    assert providers.stats("cerebras/no-image")["received"] == 0


def test_a_record_tells_who_asked_but_never_the_key(proxy) -> None:
    secret = key(models=[], user_id="ada", team_id="research", team_alias="Research", key_alias="ci")
    answer = proxy.chat("fast/who", key=secret)

    identity = proxy.decision(answer.headers["x-governance-decision-id"])["identity"]
    assert (identity["user_id"], identity["team_name"], identity["virtual_key_name"]) == ("ada", "Research", "ci")
    assert not identity["virtual_key_id"].startswith("sk-")


def test_a_key_that_may_call_only_the_virtual_model_is_served_by_its_next_target_too(proxy, providers) -> None:
    providers.fail("cerebras/only-virtual", status=500)

    answer = proxy.chat("fast/only-virtual", key=key(models=["fast/*"], user_id="u"))

    assert answer.headers["x-governance-target"] != "cerebras/only-virtual"
    assert answer.status_code == 200
