"""What `failover: {}` does for a profile of two targets, on a real proxy: the ill one is left alone."""

import concurrent.futures
import socket

import pytest

from tests.patience import tries

POLICY = """\
version: 1
access: {body: {output_limit: clamp}}
failover: {}
routing_profiles:
  - name: Pair
    virtual_provider: pair
    targets:
      - {provider: cerebras, priority: 1}
      - {provider: openai, priority: 2}
  - name: Gone
    virtual_provider: gone
    targets:
      - {provider: nowhere, priority: 1}
      - {provider: openai, priority: 2}
  - name: Single
    virtual_provider: single
    targets: [{provider: cerebras}]
"""


@pytest.fixture(scope="module")
def closed_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


@pytest.fixture(scope="module")
def by_default(start, configuration, closed_port):
    shut = {"model": "hosted_vllm/m", "api_key": "x", "api_base": f"http://127.0.0.1:{closed_port}/v1"}
    config = configuration(
        model_list=[{"model_name": "nowhere/*", "litellm_params": {**shut, "model": "hosted_vllm/*"}}]
    )
    for deployment in config["model_list"]:
        deployment["model_info"] = {"max_output_tokens": 100}
    with start(POLICY, config) as running:
        yield running


@pytest.mark.parametrize("fault", [{"status": 500}, {"status": 503}, {"status": 529}, {"status": 408}])
def test_a_dead_primary_is_asked_three_times_at_most_for_eleven_requests(by_default, providers, fault) -> None:
    model = f"dead-{fault['status']}"
    providers.fail(f"cerebras/{model}", **fault)

    answers = [by_default.chat(f"pair/{model}") for _ in range(11)]

    assert {answer.status_code for answer in answers} == {200}
    assert 1 <= providers.stats(f"cerebras/{model}")["received"] <= 3


def test_a_primary_that_cannot_be_reached_is_left_alone(by_default) -> None:
    first, second = by_default.chat("gone/x"), by_default.chat("gone/x")

    record = by_default.decision(first.headers["x-governance-decision-id"])
    assert [(a["outcome"], a.get("whose")) for a in record["attempts"]] == [("failed", "way"), ("ok", None)]
    assert second.headers["x-governance-attempts"] == "1"


def test_after_a_cool_down_one_of_twenty_reaches_the_sick_target(by_default, providers) -> None:
    providers.fail("cerebras/sick", status=429, retry_after_s=2, times=1)
    by_default.chat("pair/sick")
    providers.fail("cerebras/sick", status=503, latency_ms=1_500)
    for _ in tries():
        if by_default.chat("single/sick").status_code != 503 or providers.stats("cerebras/sick")["received"] > 1:
            break
    before = providers.stats("cerebras/sick")["received"]
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: by_default.chat("pair/sick"), range(20)))

    assert {answer.status_code for answer in answers} == {200}
    assert providers.stats("cerebras/sick")["received"] - before <= 1


def test_a_rate_limit_that_nobody_could_make_good_says_when_to_come_back(by_default, providers) -> None:
    for provider, seconds in (("cerebras", 40), ("openai", 20)):
        providers.fail(f"{provider}/busy", status=429, retry_after_s=seconds)

    answer = by_default.chat("pair/busy")

    assert answer.status_code == 429
    assert answer.headers["retry-after"] == "20"
    assert answer.headers["x-governance-attempts"] == "2"


def test_a_target_is_asked_for_no_longer_answers_than_it_makes(by_default) -> None:
    answer = by_default.chat("pair/clamped", max_tokens=50_000)

    assert answer.status_code == 200, answer.text
    record = by_default.decision(answer.headers["x-governance-decision-id"])
    assert record["candidates"][0]["detail"] == "allows 50,000 output tokens, makes 100, which are asked for"
