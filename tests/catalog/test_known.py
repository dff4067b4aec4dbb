"""What can be relied on where any of several deployments may serve."""

from __future__ import annotations

from governance.catalog.known import dearest, facts_of_any
from governance.model.facts import NO_FACTS, ModelFacts, Prices, Quantities
from governance.model.token_prices import TokenPrices, token_prices

SEES = ModelFacts(frozenset({"vision", "tools"}), 128_000, 16_000, 2.0, 8.0)
BLIND = ModelFacts(frozenset({"tools"}), 32_000, 64_000, 0.0, 0.0)


def test_several_can_do_what_each_of_them_can() -> None:
    facts = facts_of_any([SEES, BLIND])

    assert facts.capabilities == {"tools"}
    assert (facts.max_input_tokens, facts.max_output_tokens) == (32_000, 16_000)


def test_several_cost_what_the_dearest_of_them_costs_for_just_that_use() -> None:
    long_answers = ModelFacts(input_price=1.0, output_price=20.0)
    facts = facts_of_any([SEES, BLIND, long_answers])

    assert facts.cost_usd_micros(100, 0) == 200
    assert facts.cost_usd_micros(100, 100) == 2_100, "not 200 + 2,000: no single one of them takes that"


def test_one_without_a_price_makes_all_unpriced() -> None:
    assert facts_of_any([SEES, ModelFacts()]).cost_usd_micros(1, 1) is None


def test_a_free_one_makes_nothing_free() -> None:
    highest = dearest([SEES.prices, BLIND.prices]).tokens[-1][1]

    assert (highest.input, highest.output) == (SEES.prices.tokens[-1][1].input, SEES.prices.tokens[-1][1].output)


def test_what_one_of_them_says_nothing_of_is_unsaid_of_all() -> None:
    facts = facts_of_any([SEES, ModelFacts(frozenset({"tools"}), unsaid=frozenset({"vision"}))])

    assert (facts.capabilities, facts.unsaid) == ({"tools"}, {"vision"})
    assert facts_of_any([BLIND, ModelFacts(max_input_tokens=1)]).capabilities == frozenset()
    assert "vision" not in facts_of_any([BLIND, ModelFacts(max_input_tokens=1)]).unsaid, "one of them denies it"


def test_several_alike_are_one() -> None:
    assert facts_of_any([SEES, SEES]) is SEES
    assert facts_of_any([]) is NO_FACTS


def test_each_length_of_a_prompt_has_the_dearest_prices_of_that_length() -> None:
    steep = Prices(tokens=((1_000, token_prices(50, 50)), (-1, token_prices(1, 1))))
    flat = Prices(tokens=((-1, TokenPrices(10, 10)),))
    both = dearest([steep, flat])

    assert [(above, prices.input) for above, prices in both.tokens] == [(1_000, 50), (-1, 10)]
    assert both.cost_usd_micros(Quantities(2_000_000, 0)) == steep.cost_usd_micros(Quantities(2_000_000, 0))


def test_modalities_are_those_that_all_take() -> None:
    one = ModelFacts(input_modalities=frozenset({"text", "image"}), output_modalities=frozenset({"text"}))
    other = ModelFacts(input_modalities=frozenset({"text"}))

    assert facts_of_any([one, other]).input_modalities == {"text"}
    assert facts_of_any([one, other]).output_modalities == {"text"}
