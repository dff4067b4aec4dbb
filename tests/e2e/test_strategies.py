"""Strategies `cheapest` and `fastest` on a real proxy: who is asked, who is left alone, and what the record says."""

import pytest

from tests.patience import tries

POLICY = """\
version: 1
failover: {max_elapsed: 2s}
routing_profiles:
  - name: Thrifty
    virtual_provider: thrifty
    strategy: cheapest
    max_price: {output: 20 USD/1M}
    targets: [{provider: groq}, {provider: cerebras}, {provider: openai}]
  - name: Quick
    virtual_provider: quick
    strategy: fastest
    targets: [{provider: cerebras}, {provider: openai}]
  - name: Copied
    virtual_provider: copied
    targets: [{provider: cerebras}]
    mirror: {target: {provider: openai}, share: 100%, budget: 0.01 USD/day}
"""
PRICES = {"groq": 30, "cerebras": 5, "openai": 10}


@pytest.fixture(scope="module")
def measuring(start, configuration):
    config = configuration()
    for deployment in config["model_list"]:
        price = PRICES.get(deployment["litellm_params"]["model"].partition("/")[0], 1)
        prices = {"input_cost_per_token": 0.000001, "output_cost_per_token": price / 1_000_000}
        deployment["model_info"] = {**deployment.get("model_info", {}), **prices}
    with start(POLICY, config) as running:
        yield running


def record_of(proxy, answer):
    return proxy.decision(answer.headers["x-governance-decision-id"])


def test_the_cheapest_serves_and_who_is_dearer_than_allowed_is_told(measuring) -> None:
    record = record_of(measuring, measuring.chat("thrifty/m1", max_tokens=1_000))

    assert record["served"] == "cerebras/m1"
    told = {each["target"]: (each["reason"], each["detail"]) for each in record["candidates"]}
    assert told["groq/m1"] == ("price_too_high", "output costs 30 USD/1M, at most 20 USD/1M is allowed")
    assert told["openai/m1"][1].startswith("cheapest: about 0.01")


def test_the_faster_of_two_serves_and_the_record_tells_both_times(measuring, providers) -> None:
    providers.fail("cerebras/m2", latency_ms=700)
    served = [record_of(measuring, measuring.chat("quick/m2", stream=True))["served"] for _ in range(6)]
    record = record_of(measuring, measuring.chat("quick/m2", stream=True))

    assert set(served[:2]) == {"cerebras/m2", "openai/m2"}, "who was never tried is tried"
    assert set(served[2:]) == {"openai/m2"}
    assert all(" ms to the first token x (" in each["detail"] for each in record["candidates"])


def test_of_a_stream_the_first_token_counts_and_not_how_long_it_takes(measuring, providers) -> None:
    providers.fail("cerebras/m6", chunk_delay_ms=150)
    providers.fail("openai/m6", latency_ms=900)
    served = [record_of(measuring, measuring.chat("quick/m6", stream=True))["served"] for _ in range(5)]

    assert set(served[:2]) == {"cerebras/m6", "openai/m6"}
    assert set(served[2:]) == {"cerebras/m6"}


@pytest.mark.parametrize("virtual", ["thrifty", "quick"])
def test_a_dead_target_is_asked_three_times_at_most_for_eleven_requests(measuring, providers, virtual) -> None:
    model = f"dead-{virtual}"
    providers.fail(f"cerebras/{model}", status=503)

    answers = [measuring.chat(f"{virtual}/{model}") for _ in range(11)]

    assert {answer.status_code for answer in answers} == {200}
    assert 1 <= providers.stats(f"cerebras/{model}")["received"] <= 3


@pytest.mark.parametrize("virtual", ["thrifty", "quick"])
def test_a_request_that_has_taken_too_long_is_not_tried_elsewhere(measuring, providers, virtual) -> None:
    model = f"late-{virtual}"
    providers.fail(f"cerebras/{model}", status=503, latency_ms=2_500)

    answer = measuring.chat(f"{virtual}/{model}")

    assert answer.status_code == 503
    assert providers.stats(f"openai/{model}")["received"] == 0


def test_a_mirror_gets_answered_requests_on_a_budget_of_its_own_and_callers_notice_nothing(
    measuring, providers
) -> None:
    providers.fail("openai/m3", status=500, times=1)
    answers = [measuring.chat("copied/m3", max_tokens=100) for _ in range(2)]
    own = [record_of(measuring, answer) for answer in answers]
    copies = [measuring.mirror_of(record["id"]) for record in own]

    assert [record["served"] for record in own] == ["cerebras/m3"] * 2
    assert own[0]["mirror"] == {"target": "openai/m3", "share": 1.0, "drawn": True, "reason": None}
    assert sorted(str(copy["served"]) for copy in copies) == ["None", "openai/m3"]
    assert {window["limit"] for copy in copies for window in copy["windows"]} == {"Copied: mirror"}
    assert all(len(copy["attempts"]) == 1 for copy in copies)


def test_a_mirror_whose_budget_does_not_hold_a_request_does_not_get_it(measuring, providers) -> None:
    answer = measuring.chat("copied/m4", max_tokens=100_000)

    assert answer.status_code == 200
    metric = 'governance_mirrored_total{outcome="cost_exhausted",profile="Copied"} 1.0'
    assert any(metric in measuring.client.get("/governance/metrics").text for _ in tries())
    assert providers.stats("openai/m4")["received"] == 0
