"""The plugin `failover` on a real proxy: who is left alone, for how long, and how often a request is tried."""

import time

import pytest

from tests.patience import tries

POLICY = """\
version: 1
failover:
  max_attempts: 2
  cool_down: {rate_limited: retry_after, overloaded: 3s, server_error: 30s after 3 in 60s, auth: 5m}
routing_profiles:
  - name: Pair
    virtual_provider: pair
    targets:
      - {provider: cerebras, priority: 1}
      - {provider: groq, priority: 2}
  - name: Three
    virtual_provider: three
    targets:
      - {provider: cerebras, priority: 1}
      - {provider: groq, priority: 2}
      - {provider: openai, priority: 3}
  - name: Single
    virtual_provider: single
    targets: [{provider: cerebras}]
"""


@pytest.fixture(scope="module")
def cooling(start):
    with start(POLICY) as running:
        yield running


def target_of(answer) -> str:
    assert answer.status_code == 200, answer.text
    target: str = answer.headers["x-governance-target"]
    return target


def test_a_rate_limited_target_is_left_alone_as_long_as_its_provider_says(cooling, providers) -> None:
    providers.fail("cerebras/limited", status=429, retry_after_s=3_600, times=1)

    assert target_of(cooling.chat("pair/limited")) == "groq/limited"
    skipped = cooling.chat("pair/limited")
    assert target_of(skipped) == "groq/limited"
    record = cooling.decision(skipped.headers["x-governance-decision-id"])
    assert record["candidates"][0]["reason"] == "cooling_down"
    assert providers.stats("cerebras/limited")["received"] == 1


def test_a_target_is_tried_again_when_its_provider_said_and_no_sooner(cooling, providers) -> None:
    begun = time.monotonic()
    providers.fail("cerebras/recovered", status=429, retry_after_s=3, times=1)
    assert target_of(cooling.chat("pair/recovered")) == "groq/recovered"

    assert any(target_of(cooling.chat("pair/recovered")) == "cerebras/recovered" for _ in tries())
    assert time.monotonic() - begun >= 3


def test_a_refusal_for_cool_down_is_503_and_says_how_long(cooling, providers) -> None:
    providers.fail("cerebras/alone", status=429, retry_after_s=30, times=1)
    cooling.chat("single/alone")

    answer = cooling.chat("single/alone")

    assert answer.status_code == 503
    assert 25 <= int(answer.headers["retry-after"]) <= 30
    assert answer.json()["error"]["provider_specific_fields"]["code"] == "cooling_down"


def test_server_errors_cool_down_only_when_they_repeat(cooling, providers) -> None:
    providers.fail("cerebras/flaky", status=500, times=3)

    assert [target_of(cooling.chat("pair/flaky")) for _ in range(3)] == ["groq/flaky"] * 3
    assert providers.stats("cerebras/flaky")["received"] == 3
    assert target_of(cooling.chat("pair/flaky")) == "groq/flaky"
    assert providers.stats("cerebras/flaky")["received"] == 3


def test_no_more_targets_are_tried_than_the_policy_allows(cooling, providers) -> None:
    for provider in ("cerebras", "groq"):
        providers.fail(f"{provider}/many", status=500)

    answer = cooling.chat("three/many")

    assert answer.status_code == 500
    assert providers.stats("groq/many")["received"] == 1
    assert providers.stats("openai/many")["received"] == 0


def test_a_fallback_that_cools_down_is_skipped_at_once(cooling, providers) -> None:
    providers.fail("groq/skipped", status=429, retry_after_s=60, times=1)
    providers.fail("cerebras/skipped", status=500, times=1)
    cooling.chat("three/skipped")
    providers.fail("cerebras/skipped", status=500, times=1)

    answer = cooling.chat("three/skipped")

    assert target_of(answer) == "openai/skipped"
    assert providers.stats("groq/skipped")["received"] == 1


def test_a_caller_with_credentials_of_its_own_cools_nobody_down(cooling, providers) -> None:
    providers.fail("cerebras/own-key", status=401, times=1)
    cooling.chat("single/own-key", extra_headers={"Authorization": "Bearer mine"})

    assert target_of(cooling.chat("single/own-key")) == "cerebras/own-key"


def test_a_mocked_failure_in_a_fallback_cools_nobody_down(cooling, providers) -> None:
    providers.fail("groq/mocked", status=500, times=1)
    fallbacks = [{"model": "cerebras/mocked", "mock_response": "litellm.RateLimitError"}]
    cooling.chat("groq/mocked", fallbacks=fallbacks)

    assert target_of(cooling.chat("single/mocked")) == "cerebras/mocked"
