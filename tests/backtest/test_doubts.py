"""What hangs on answers that nobody has seen is told as a guess, however sure it looks in the middle."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from governance.backtest.done import Done
from governance.backtest.doubts import Doubts
from governance.backtest.figures import Figure
from governance.backtest.run import backtest
from governance.backtest.sums import Money
from governance.ledger import Reading
from governance.model import Window
from governance.traffic import Size, Told, TraceLine, Used
from tests.backtest.workload import CATALOG, NOON_US, arrivals, policy

WINDOW = Window("words", "team:a", "tokens", 1000, 60)
PACE = "rate_limits:\n- {name: pace, subject: {team: x}, requests: 1/minute}\n"
WORDS = "rate_limits:\n- {name: words, subject: {team: x}, tokens: MOST/minute}\n"


def read(used: int, amount: int = 100) -> Reading:
    return Reading(WINDOW, used, amount, used + amount <= WINDOW.amount, None, None)


@pytest.mark.parametrize(
    ("used", "least", "most"),
    [(900, 0.4, 0.5), (850, 0.01, 0.2), (700, 0.0, 0.0), (901, 0.4, 0.5), (950, 0.01, 0.2), (1100, 0.0, 0.0)],
)
def test_it_grows_the_closer_a_window_is_to_being_full(used: int, least: float, most: float) -> None:
    doubts = Doubts()
    doubts.note(read(0), 900, 100.0)
    reading = read(used)

    assert least <= doubts.chance([(reading, True)], 110.0, refused=not reading.fits) <= most


def test_what_has_left_a_window_is_doubted_no_more() -> None:
    doubts = Doubts()
    doubts.note(read(0), 900, 90.0)
    doubts.note(read(0), 400, 100.0)

    assert (
        doubts.chance([(read(880), True)], 149.0, refused=False)
        > doubts.chance([(read(880), True)], 151.0, refused=False)
        > 0
    )
    assert doubts.chance([(read(900), True)], 161.0, refused=False) == 0


def test_who_is_refused_by_another_window_too_is_refused_either_way() -> None:
    doubts, other = Doubts(), Reading(replace(WINDOW, limit="pace", unit="requests"), 1000, 1, False, None, None)
    doubts.note(read(0), 900, 100.0)

    assert doubts.chance([(read(901), True)], 110.0, refused=True) > 0
    assert doubts.chance([(read(901), True), (other, True)], 110.0, refused=True) == 0


def test_what_only_watches_refuses_nobody() -> None:
    doubts, watching = Doubts(), replace(WINDOW, mode="shadow")
    doubts.note(read(0), 900, 100.0)

    assert doubts.chance([(read(900)._replace(window=watching), True)], 110.0, refused=False) == 0


def lines() -> list[TraceLine]:
    """Answers of 5 to 260 tokens, and then a team of which the first and the last request were answered."""
    drawn = random.Random(1)
    learned = [
        replace(line, size=Size(100, 512), used=Used(100, length, usd_micros=round(15 + 0.6 * length)))
        for line, length in zip(arrivals(240), drawn.choices(range(5, 261), k=240), strict=True)
    ]
    ours = []
    for number in range(3):
        one = replace(learned[0], id=f"x{number}", at_us=NOON_US + 200_000_000 + number * 25_000_000)
        ours.append(
            replace(one, who=replace(one.who, team="x"), size=Size(100, 200), used=Used(100, 50, usd_micros=45))
        )
    refused = replace(ours[1], told=Told("", "refuse", code="requests_exhausted", limit="pace"), hops=(), used=None)
    return [*learned, ours[0], replace(refused, end_us=0), replace(ours[2], at_us=NOON_US + 261_000_000)]


@pytest.mark.parametrize(("most", "label"), [(2000, "exact"), (575, "estimated")])
def test_nobody_is_surely_let_in_behind_an_answer_that_may_be_longer(most: int, label: str) -> None:
    found = backtest(policy(PACE), policy(WORDS.replace("MOST", str(most))), lines(), catalog=CATALOG)
    refused = found.totals.refused

    assert refused.active == Figure.exactly(1)
    assert refused.candidate.label == label
    assert (refused.candidate.mid, refused.candidate.low) == (0, 0)
    assert (refused.candidate.high or 0) == (0 if label == "exact" else 1)


def test_a_range_does_not_add_up_errors_that_know_nothing_of_each_other() -> None:
    money = Money()
    money.add(Done("route", exact_cost=False, cost=(970, 1000, 1030), variance=400), 1.0)

    assert money.figure == Figure.between(950, 1000, 1050)


def test_what_somebody_cost_who_may_have_been_refused_is_a_range() -> None:
    money = Money()
    money.add(Done("route", exact=False, cost=(100, 100, 100), doubt=0.5), 1.0)

    assert money.figure == Figure.between(0, 100, 200)
