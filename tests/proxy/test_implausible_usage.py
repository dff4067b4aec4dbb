"""Usage that a request cannot have: counted as the most that it can have, and recorded."""

from __future__ import annotations

from typing import Any

import pytest

from governance.catalog import Catalog
from governance.engine.decision import Decision
from governance.model import Request, Usage
from governance.proxy.usage import usage_of
from governance.trace import Trace

PRICES = {
    "a/known": {
        "litellm_provider": "a",
        "input_cost_per_token": 2e-6,
        "output_cost_per_token": 8e-6,
        "max_input_tokens": 100_000,
        "max_output_tokens": 4_000,
    },
}
HUGE = 10**30


def used(usage: dict[str, Any], kwargs: dict[str, Any] | None = None, **asked: Any) -> Usage:
    model = asked.pop("model", "a/known")
    request = Request(model, models=Catalog(None, PRICES), **{"prompt_tokens": 100, **asked})
    decision = Decision("route", request, Trace(request, "r", 0.0, "live"))
    answer = {"choices": [{"message": {"content": "Hello, how can I help you today?"}}], "usage": usage}
    return usage_of(kwargs or {}, answer, decision, model)


def test_a_prompt_is_not_longer_than_its_estimate_allows() -> None:
    found = used({"prompt_tokens": HUGE, "completion_tokens": 10})

    assert found.input_tokens == 100 * 8 + 2_000
    assert found.implausible == ("input_tokens: about 10^30 reported, 2800 counted",)
    assert found.cost_usd_micros == 2_800 * 2 + 80


def test_long_instructions_of_a_provider_are_believed() -> None:
    assert used({"prompt_tokens": 30_000, "completion_tokens": 10}) == Usage(30_000, 10, 60_080)


def test_a_prompt_whose_parts_we_do_not_see_may_fill_the_model() -> None:
    for unseen in ({"params": {"previous_response_id": "r"}}, {"modalities": frozenset({"text", "image"})}):
        assert used({"prompt_tokens": 90_000, "completion_tokens": 1}, **unseen).input_tokens == 90_000
        assert used({"prompt_tokens": HUGE, "completion_tokens": 1}, **unseen).input_tokens == 100_000


@pytest.mark.parametrize("made", [None, 0, -7, "none", float("nan"), [9], {"tokens": 9}])
@pytest.mark.parametrize("request_type", ["chat", "completion", "responses", "messages"])
def test_an_answer_that_has_text_has_tokens(made: Any, request_type: str) -> None:
    found = used({"prompt_tokens": 100, "completion_tokens": made}, request_type=request_type)

    # "Hello, how can I help you today?" is 9 tokens.
    assert found.output_tokens is not None
    assert 6 <= found.output_tokens <= 14
    assert found.cost_usd_micros == 200 + 8 * found.output_tokens


def test_an_answer_without_text_has_the_tokens_that_are_told() -> None:
    answer = {"choices": [{"message": {"content": ""}}], "usage": {"prompt_tokens": 100, "completion_tokens": 0}}
    request = Request("a/known", models=Catalog(None, PRICES), prompt_tokens=100)
    decision = Decision("route", request, Trace(request, "r", 0.0, "live"))

    assert usage_of({}, answer, decision, "a/known") == Usage(100, 0, 200)


@pytest.mark.parametrize("name", ["completion_tokens", "total_tokens", "reasoning_tokens"])
def test_an_answer_is_not_longer_than_the_caller_or_the_model_allows(name: str) -> None:
    assert used({"prompt_tokens": 10, name: HUGE}).output_tokens == 4_000
    capped = used({"prompt_tokens": 10, name: HUGE}, max_output_tokens=50, choices=2)

    assert capped.output_tokens == 100
    assert capped.implausible


def test_an_answer_that_ends_a_few_tokens_late_is_believed() -> None:
    assert used({"prompt_tokens": 10, "completion_tokens": 52}, max_output_tokens=50) == Usage(10, 52, 20 + 416)


def test_what_a_model_thinks_may_be_more_than_the_caller_allows() -> None:
    thought = {"prompt_tokens": 10, "completion_tokens": 1_500, "reasoning_tokens": 1_400}

    assert used(thought, max_output_tokens=100).output_tokens == 1_500


def test_of_an_unknown_model_an_answer_counts_by_its_text() -> None:
    found = used({"prompt_tokens": 10, "completion_tokens": HUGE}, model="a/unknown")

    assert found.output_tokens == 1_024, "what was reserved for it"
    assert used({"prompt_tokens": 10, "completion_tokens": 50_000}, model="a/unknown").output_tokens == 50_000


def test_a_cost_that_no_request_has_is_not_counted() -> None:
    usage = {"prompt_tokens": 10, "completion_tokens": 1, "cost": 1e12}

    found = used(usage)

    assert found.cost_usd_micros == 28
    assert found.implausible == ("cost: about 10^18 micro-dollars by its provider, not counted",)
    assert used(usage, model="a/unknown").cost_usd_micros is None


@pytest.mark.parametrize("nonsense", [-5, "many", float("inf"), float("nan"), [], {}, True, None, 0])
def test_what_is_no_number_says_nothing(nonsense: Any) -> None:
    assert used({"prompt_tokens": nonsense, "completion_tokens": nonsense}) == Usage(None, None, None)
    assert used({"prompt_tokens": nonsense, "completion_tokens": 7}) == Usage(100, 7, 256)
