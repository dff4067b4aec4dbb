"""A stream that is cut in the middle and goes on at the next target: LiteLLM 1.109 and later, where it is asked to."""

from importlib.metadata import version

import pytest

pytestmark = pytest.mark.skipif(
    tuple(map(int, version("litellm").split(".")[:2])) < (1, 109), reason="LiteLLM continues streams since 1.109"
)

POLICY = """\
version: 1
routing_profiles:
  - name: Continued
    virtual_provider: continued
    targets:
      - {provider: cerebras, priority: 1, limits: {requests: 100/minute, tokens: 50k/minute}}
      - {provider: openai, priority: 2, limits: {requests: 100/minute, tokens: 50k/minute}}
  - name: Continued twice
    virtual_provider: twice
    targets:
      - {provider: cerebras, priority: 1, limits: {requests: 100/minute, tokens: 50k/minute}}
      - {provider: groq, priority: 2, limits: {requests: 100/minute, tokens: 50k/minute}}
      - {provider: openai, priority: 3, limits: {requests: 100/minute, tokens: 50k/minute}}
rate_limits:
  - {name: everybody, subject: everyone, tokens: 50k/minute}
failover: {cool_down: {server_error: 60s, unknown: 60s, overloaded: 60s}}
"""


@pytest.fixture(scope="module")
def continuing(start, configuration):
    config = configuration(router_settings={"enable_mid_stream_fallback_continuation": True})
    for deployment in config["model_list"]:
        deployment["model_info"] = {"supports_assistant_prefill": True}
    with start(POLICY, config) as running:
        yield running


def test_both_targets_are_charged_for_what_each_of_them_delivered(continuing, providers) -> None:
    providers.fail("cerebras/cut", break_after_chunks=4, break_kind="error_event")
    providers.fail("openai/cut", usage={"input_tokens": 70, "output_tokens": 7})
    answer = continuing.chat("continued/cut", "one two three four five six seven eight", stream=True)

    record = continuing.decision(answer.headers["x-governance-decision-id"])
    assert [(a["target"], a["outcome"]) for a in record["attempts"]] == [
        ("cerebras/cut", "failed"),
        ("openai/cut", "ok"),
    ]
    assert record["attempts"][0]["error"] is not None
    spent = record["usage"]["input_tokens"] + record["usage"]["output_tokens"]
    assert spent > 77, "what was delivered before the cut is part of it"
    providers.heal()
    after = continuing.decision(continuing.chat("continued/cut").headers["x-governance-decision-id"])
    used = {(w["subject"], w["unit"]): w["used_before"] for w in after["windows"]}
    assert used["target:cerebras/cut", "tokens"] == spent - 77
    assert used["target:openai/cut", "tokens"] == 77
    assert used["target:cerebras/cut", "requests"] == used["target:openai/cut", "requests"] == 1
    assert next(amount for (who, unit), amount in used.items() if who.startswith("everyone")) == spent


def test_of_a_stream_that_is_cut_twice_everybody_is_charged_for_the_own_part(continuing, providers) -> None:
    providers.fail("cerebras/torn", break_after_chunks=2, break_kind="error_event")
    providers.fail("groq/torn", break_after_chunks=4, break_kind="error_event")
    providers.fail("openai/torn", usage={"input_tokens": 70, "output_tokens": 7})
    answer = continuing.chat("twice/torn", "one two three four five six seven eight", stream=True)

    record = continuing.decision(answer.headers["x-governance-decision-id"])
    assert [a["outcome"] for a in record["attempts"]] == ["failed", "failed", "ok"]
    spent = record["usage"]["input_tokens"] + record["usage"]["output_tokens"]
    providers.heal()
    after = continuing.decision(continuing.chat("twice/torn").headers["x-governance-decision-id"])
    used = {(w["subject"], w["unit"]): w["used_before"] for w in after["windows"]}
    first, second = used["target:cerebras/torn", "tokens"], used["target:groq/torn", "tokens"]
    assert used["target:openai/torn", "tokens"] == 77
    assert first > 0
    assert second > 0
    assert first + second == spent - 77


def test_a_target_whose_stream_was_cut_cools_down(continuing, providers) -> None:
    providers.fail("cerebras/cools", break_after_chunks=4, break_kind="error_event")
    continuing.chat("continued/cools", "one two three four five six seven eight", stream=True)
    providers.heal()

    assert continuing.chat("continued/cools").headers["x-governance-target"] == "openai/cools"
