"""What answers used lately, and what a request reserves by it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from governance.engine.habits import Learned
from governance.model import TYPICAL_OUTPUT_TOKENS, Request, Usage, Window
from governance.model.facts import ModelFacts

TOKENS = Window("l", "team:a", "tokens", 100_000, 60)
MONEY = Window("l", "team:a", "usd_micros", 1_000_000, 60)


def learned(*outputs: int, model: str = "m", estimated: int = 100, inputs: int | None = 100) -> Learned:
    habits = Learned()
    for output in outputs:
        habits.note(model, "chat", estimated, Usage(inputs, output))
    return habits


def amount(request: Request, window: Window = TOKENS, model: str | None = None) -> int | None:
    charge = request.charge(window, ModelFacts(input_price=1.0, output_price=2.0), model)
    return charge and charge.amount


def test_before_twenty_answers_nothing_is_typical() -> None:
    assert learned(*[50] * 19).typical_output_tokens("m", "chat") is None
    assert learned(*[50] * 19).prompt_factor("m", "chat") is None
    assert learned(*[50] * 20).typical_output_tokens("m", "chat") == 50
    assert learned(*[50] * 20).prompt_factor("m", "chat") == 1.0


def test_answers_that_differ_are_typically_one_deviation_longer_than_their_mean() -> None:
    assert learned(*[50, 150] * 200).typical_output_tokens("m", "chat") == pytest.approx(150, abs=5)


def test_the_last_answers_count_most() -> None:
    assert 10 <= (learned(*[1_000] * 50, *[10] * 300).typical_output_tokens("m", "chat") or 0) <= 30


def test_an_answer_without_text_is_at_least_one_token() -> None:
    assert learned(*[0] * 20).typical_output_tokens("m", "chat") == 1


@pytest.mark.parametrize(("inputs", "factor"), [(130, 1.3), (50, 0.5), (10, 0.5), (1_000, 2.0)])
def test_prompts_are_corrected_within_bounds(inputs: int, factor: float) -> None:
    assert learned(*[5] * 30, inputs=inputs).prompt_factor("m", "chat") == pytest.approx(factor)


def test_models_and_types_are_learned_apart() -> None:
    habits = learned(*[50] * 20)

    assert habits.typical_output_tokens("other", "chat") is None
    assert habits.typical_output_tokens("m", "completion") is None


def test_what_is_not_reported_teaches_nothing() -> None:
    habits = learned(*[50] * 20, inputs=None)
    habits.note("m", "chat", 100, Usage(None, None, 5))
    habits.note("m", "chat", 100, Usage())

    assert habits.typical_output_tokens("m", "chat") == 50
    assert habits.prompt_factor("m", "chat") is None


def test_several_answers_at_once_are_each_a_part() -> None:
    habits = Learned()
    for _ in range(20):
        habits.note("m", "chat", 100, Usage(100, 90), choices=3)

    assert habits.typical_output_tokens("m", "chat") == 30


def test_the_models_seen_longest_ago_are_forgotten() -> None:
    habits = learned(*[50] * 20)
    for number in range(5_000):
        habits.note(f"model {number}", "chat", 1, Usage(1, 1))

    assert habits.typical_output_tokens("m", "chat") is None


def test_a_request_reserves_what_is_typical_of_the_model_asked_for_or_charged() -> None:
    habits = learned(*[50] * 20, inputs=150)
    request = Request("m", prompt_tokens=100, habits=habits)

    assert amount(request) == 150 + 50
    assert amount(request, MONEY) == 150 + 2 * 50
    assert amount(replace(request, choices=2)) == 150 + 2 * 50
    assert amount(request, model="a/other") == 100 + TYPICAL_OUTPUT_TOKENS
    assert amount(replace(request, model="x"), model="m") == 150 + 50
    assert request.output_tokens == 50


def test_what_the_caller_allows_is_reserved_whatever_is_typical() -> None:
    request = Request("m", prompt_tokens=100, max_output_tokens=700, habits=learned(*[50] * 20))

    assert amount(request) == 800


def test_a_correction_alone_makes_no_request_larger_than_a_window() -> None:
    request = Request("m", prompt_tokens=100, max_output_tokens=20, habits=learned(*[5] * 20, inputs=200))

    assert amount(request, replace(TOKENS, amount=500)) == 220
    assert amount(request, replace(TOKENS, amount=150)) == 150
    assert amount(request, replace(TOKENS, amount=110)) == 120, "what it asks for does not fit"


def test_a_short_answer_that_the_caller_had_cut_off_teaches_nothing() -> None:
    habits = learned(*[500] * 20)
    for _ in range(40):
        habits.note("m", "chat", 100, Usage(100, 1), allowed=1)
    assert habits.typical_output_tokens("m", "chat") == 500

    for _ in range(200):
        habits.note("m", "chat", 100, Usage(100, 900), allowed=900)
    assert (habits.typical_output_tokens("m", "chat") or 0) > 800
