"""Conversations whose history a provider keeps: they go on where it is, or say that they cannot."""

import pytest

from tests.e2e.remembering import remembering

POLICY = """
version: 1
failover: {}
routing_profiles:
- name: Talk
  virtual_provider: talk
  strategy: weighted
  targets: [{group: one}, {group: two}, {group: pool, weight: 2}]
- {name: Stuck, virtual_provider: stuck, targets: [{group: stuck}]}
- {name: Two alone, virtual_provider: other, targets: [{group: two}]}
"""


def deployment(group: str, account: str) -> dict[str, object]:
    params = {"model": "openai/gpt-5", "api_key": f"sk-{account}", "api_base": f"{{url}}/{account}/v1"}
    return {"model_name": group, "litellm_params": params, "model_info": {"id": f"of-{account}"}}


@pytest.fixture(scope="module")
def accounts():
    with remembering() as found:
        yield found


@pytest.fixture(scope="module")
def talking(start, configuration, accounts):
    config = configuration()
    pairs = (("one", "one"), ("two", "two"), ("pool", "left"), ("pool", "right"), ("stuck", "here"), ("stuck", "there"))
    entries = [deployment(*pair) for pair in pairs]
    for entry in entries:
        entry["litellm_params"]["api_base"] = entry["litellm_params"]["api_base"].format(url=accounts.url)
    config["model_list"] = entries
    config["router_settings"] = {
        "optional_pre_call_checks": ["encrypted_content_affinity", "responses_api_deployment_check"],
        "model_group_affinity_config": {"stuck": ["deployment_affinity"]},
    }
    with start(POLICY, config) as running:
        yield running


def say(proxy, model="talk/any", before=None, **more):
    body = {"model": model, "input": "Go on.", **more} | ({"previous_response_id": before} if before else {})
    return proxy.client.post("/v1/responses", json=body)


def account_of(answer) -> str:
    return answer.json()["output"][0]["content"][0]["text"]


def test_every_turn_goes_to_the_deployment_that_has_the_one_before(talking, accounts) -> None:
    where = set()
    for _ in range(12):
        answer = first = say(talking)
        for _ in range(3):
            answer = say(talking, before=answer.json()["id"])
            assert answer.status_code == 200, answer.text
            assert account_of(answer) == account_of(first)
        where.add(account_of(first))

    assert accounts.lost == 0
    assert len(where) > 1, "conversations begin everywhere"


def test_encrypted_reasoning_goes_back_to_who_has_the_key(talking, accounts) -> None:
    where = set()
    for _ in range(8):
        asked = {"store": False, "include": ["reasoning.encrypted_content"]}
        first = say(talking, **asked)
        output = first.json()["output"]
        account = output[-1]["content"][0]["text"]
        turns = [*output, {"role": "user", "content": "Go on."}]
        answers = [say(talking, input=turns, **asked) for _ in range(2)]
        assert [answer.json()["output"][-1]["content"][0]["text"] for answer in answers] == [account] * 2
        where.add(account)

    assert len(where) > 1
    assert accounts.lost == 0


def test_litellms_own_affinity_holds_behind_a_profile(talking, accounts) -> None:
    for _ in range(12):
        assert talking.chat("stuck/any").status_code == 200

    assert sorted(accounts.received[name] for name in ("here", "there")) == [0, 12]


def test_a_conversation_that_is_elsewhere_is_refused_with_what_to_do(talking, accounts) -> None:
    first = next(answer for answer in iter(lambda: say(talking), None) if account_of(answer) != "two")

    refused = say(talking, "other/any", before=first.json()["id"])

    assert refused.status_code == 409, refused.text
    assert refused.json()["error"]["provider_specific_fields"]["code"] == "conversation_elsewhere"
    assert "send the whole conversation" in refused.json()["error"]["message"]
    record = talking.decision(refused.headers["x-governance-decision-id"])
    assert {candidate["reason"] for candidate in record["candidates"]} == {"conversation_elsewhere"}
    assert accounts.lost == 0


def test_who_has_it_is_left_alone_and_nobody_else_is_asked(talking, accounts) -> None:
    first = next(answer for answer in iter(lambda: say(talking), None) if account_of(answer) == "one")
    accounts.ill.add("one")
    try:
        failed = say(talking, before=first.json()["id"])
        # Whoever begins anew finds out that it is ill, and goes elsewhere; then it is left alone.
        begun = [say(talking) for _ in range(30)]
        refused = say(talking, before=first.json()["id"])
    finally:
        accounts.ill.clear()

    assert failed.status_code == 503
    assert {answer.status_code for answer in begun} == {200}
    assert refused.status_code == 409, refused.text
    assert "cooling_down" in refused.text
    assert int(refused.headers["retry-after"]) >= 1
    assert accounts.lost == 0


def test_inside_a_group_litellms_own_cool_down_is_a_conflict_too(talking, accounts) -> None:
    first = next(answer for answer in iter(lambda: say(talking), None) if account_of(answer) == "left")
    accounts.ill.add("left")
    try:
        answers = [say(talking, before=first.json()["id"]) for _ in range(6)]
    finally:
        accounts.ill.clear()

    assert {answer.status_code for answer in answers} <= {503, 409}, [answer.text for answer in answers]
    assert accounts.lost == 0
