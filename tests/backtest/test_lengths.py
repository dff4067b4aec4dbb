"""How long answers are, also by those that were cut off, and how many tokens a prompt has elsewhere."""

from __future__ import annotations

import random
from statistics import mean, pvariance, variance

import pytest

from governance.backtest.lengths import Lengths
from governance.backtest.prompts import Prompts, other_tokenizer

LENGTHS = range(5, 261)


def learned(mosts: list[int | None], count: int) -> Lengths:
    """So many answers of 5 to 260 tokens, whose callers allow one of these."""
    drawn, found = random.Random(1), Lengths()
    for _ in range(count):
        most, length = drawn.choice(mosts), drawn.choice(LENGTHS)
        cut = most is not None and length >= most
        found.add(most if cut and most else length, cut=cut)
    return found


def under(most: int) -> float:
    return mean(min(length, most) for length in LENGTHS)


def test_answers_that_nobody_cut_off_have_their_mean_and_their_scatter() -> None:
    drawn = random.Random(1)
    lengths = [drawn.randint(1, 300) for _ in range(100)]
    found = Lengths()
    for each in lengths:
        found.add(each, cut=False)
    told = found.allowed(None)

    assert told.mid == pytest.approx(mean(lengths))
    assert told.variance == pytest.approx(pvariance(lengths))
    assert told.high - told.mid == pytest.approx(2 * (variance(lengths) / 100) ** 0.5, rel=0.02)


@pytest.mark.parametrize("most", [32, 64, 256, 512])
def test_who_allows_more_is_answered_at_more_length_than_those_who_were_let_in(most: int) -> None:
    told = learned([64, 64, 64, 64, 256], 400).allowed(most)

    assert told.low < under(most) < told.high
    assert told.high - told.low < 0.35 * under(most)


def test_how_long_answers_are_beyond_what_anybody_allowed_is_a_range_up_to_what_is_allowed() -> None:
    told = learned([64], 200).allowed(256)

    assert told.low < under(64) < under(256) < told.high
    assert told.high > 64 + 0.6 * (256 - 64), "whoever came to 64 may go on to the end"


def test_an_answer_is_never_longer_than_allowed() -> None:
    told = learned([None], 100).allowed(7)

    assert told.low <= told.mid <= told.high <= 7


def test_where_all_were_alike_the_next_may_still_be_another() -> None:
    found = Lengths()
    found.add(64, cut=True, count=60)
    told = found.allowed(64)

    assert told.low < told.mid == told.high == 64
    assert told.variance > 0


def prompts(factor: float, off: int, count: int = 60, seed: int = 1) -> Prompts:
    drawn, found = random.Random(seed), Prompts()
    for _ in range(count):
        estimated = drawn.randint(20, 120)
        found.add(round(factor * estimated) + drawn.choice([-off, off]), estimated)
    return found


def test_a_prompt_is_as_far_off_its_estimate_as_others_were() -> None:
    told = prompts(1.5, 4).of(100)

    assert told.low < 150 < told.high
    assert told.variance == pytest.approx(16, rel=0.2)


def test_what_one_target_has_counted_another_one_of_the_same_tokenizer_counts_alike() -> None:
    assert other_tokenizer(83, prompts(1.1, 4), prompts(1.1, 4, seed=2))[:3] == (83, 83, 83)


def test_another_tokenizer_counts_by_what_estimates_came_to_at_both() -> None:
    told = other_tokenizer(100, prompts(1.0, 1), prompts(1.5, 1))

    assert told.low < 150 < told.high
    assert told.high - told.low < 5
