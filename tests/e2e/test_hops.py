"""Limits hold at every hop, and answers tell what is left."""

import asyncio
import re

import httpx
import pytest

from tests.patience import ANSWER_S

POLICY = """\
version: 1
routing_profiles:
  - name: Hops
    virtual_provider: hops
    targets:
      - {provider: cerebras, priority: 1, limits: {requests: 100/minute}}
      - {provider: groq, priority: 2, limits: {requests: 2/minute}}
      - {provider: openai, priority: 3, limits: {requests: 100/minute, tokens: 50k/minute}}
  - name: Last resort
    virtual_provider: resort
    targets:
      - {provider: cerebras, priority: 1, limits: {requests: 1/minute, when_full: last}}
      - {provider: groq, priority: 2, limits: {requests: 100/minute}}
"""


@pytest.fixture(scope="module")
def hops(start):
    with start(POLICY) as running:
        yield running


def test_a_fallback_is_counted_and_when_it_is_full_the_one_behind_it_answers(hops, providers) -> None:
    providers.fail("cerebras", status=500)

    served = [hops.chat("hops/counted").headers["x-governance-target"] for _ in range(4)]

    assert served == ["groq/counted"] * 2 + ["openai/counted"] * 2
    assert providers.stats("groq/counted")["received"] == 2


def test_a_fallback_that_fills_up_meanwhile_is_skipped_at_its_hop(hops, providers) -> None:
    """Both requests see room at groq when they are decided; the windows are asked again when they get there."""
    providers.fail("cerebras/late", status=500, latency_ms=800)

    async def race() -> list[str]:
        headers = {"authorization": "Bearer sk-end-to-end-tests-only"}
        body = {"model": "hops/late", "messages": [{"role": "user", "content": "Hello"}]}
        async with httpx.AsyncClient(base_url=hops.url, timeout=ANSWER_S, headers=headers) as client:
            answers = await asyncio.gather(*(client.post("/v1/chat/completions", json=body) for _ in range(5)))
        return sorted(answer.headers["x-governance-target"] for answer in answers)

    assert asyncio.run(race()) == ["groq/late"] * 2 + ["openai/late"] * 3
    assert providers.stats("groq/late")["received"] == 2


def test_a_full_target_may_be_the_last_resort(hops) -> None:
    hops.chat("resort/last")
    answer = hops.chat("resort/last")

    record = hops.decision(answer.headers["x-governance-decision-id"])
    assert (record["model"], record["fallbacks"]) == ("groq/last", ["cerebras/last"])


def test_answers_tell_the_limits_and_what_is_left(hops) -> None:
    headers = hops.chat("hops/left").headers

    assert headers["x-ratelimit-limit-requests"] == "100"
    assert headers["x-ratelimit-remaining-requests"] == "99"
    assert headers["ratelimit-policy"] == '"Hops: * requests";q=100;w=60'
    assert re.fullmatch(r'"Hops: \* requests";r=99;t=\d+', headers["ratelimit"])
