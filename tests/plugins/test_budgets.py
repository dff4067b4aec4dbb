"""`budgets`: money per period of the calendar, for whoever, whatever serves."""

from datetime import datetime, timezone
from typing import Any

import pytest
import yaml

from governance.catalog import Catalog
from governance.engine.engine import Engine
from governance.engine.host import Host
from governance.engine.simulation import GivenUse, SimulationInput, simulate
from governance.ledger.memory import MemoryLedger
from governance.model import Failure, Identity, Request, Usage
from governance.model.errors import PolicyError

PRICES: dict[str, Any] = {
    name: {"litellm_provider": name.split("/")[0], "input_cost_per_token": price, "output_cost_per_token": price}
    for name, price in {"a/dear": 10e-6, "b/cheap": 1e-6, "local/free": 0.0}.items()
}
MODELS = Catalog(None, PRICES)
CI = Identity(virtual_key_id="k1", team_id="research")


class Clock:
    """Begins on the last day of February of a leap year, an hour before midnight UTC."""

    def __init__(self, moment: str = "2028-02-29T23:00:00+00:00") -> None:
        self.now_s = datetime.fromisoformat(moment).timestamp()

    def __call__(self) -> float:
        return self.now_s

    def to(self, moment: str) -> None:
        self.now_s = datetime.fromisoformat(moment).timestamp()


def engine(*budgets: dict[str, Any], clock: Clock | None = None, **sections: Any) -> Engine:
    clock = clock or Clock()
    named = [{"name": f"budget {i}", "subject": {"team": "research"}, **budget} for i, budget in enumerate(budgets)]
    policy = yaml.safe_dump({"version": 1, **sections, "budgets": named}, sort_keys=False)
    return Engine(Host.parse(policy), MemoryLedger(clock), clock=clock)


def asked(model: str = "b/cheap", tokens: int = 1_000, **given: Any) -> Request:
    """By the prices above, `tokens` micro-dollars on b/cheap."""
    return Request(model, identity=CI, prompt_tokens=tokens, max_output_tokens=1, models=MODELS, **given)


async def spend(of: Engine, micros: int) -> None:
    decision = await of.admit(asked(tokens=micros - 1))
    await of.settle(decision, "b/cheap", Usage(micros - 1, 1, micros))


async def refusal(of: Engine, request: Request) -> Any:
    return (await of.admit(request)).refusal


CENT = {"amount": "0.01 USD/month"}  # 10,000 micro-dollars


async def test_money_is_reserved_to_the_micro_dollar_and_settled_to_what_was_used() -> None:
    limited = engine(CENT)
    first = await limited.admit(asked(tokens=9_998))  # and one of output: 9,999

    assert await refusal(limited, asked(tokens=1)) is not None
    await limited.settle(first, "b/cheap", Usage(500, 20, 520))
    assert await refusal(limited, asked(tokens=9_479)) is None
    assert (await refusal(limited, asked(tokens=1))).code == "cost_exhausted"


async def test_a_budget_that_is_used_up_is_402_with_the_true_time_until_its_period_ends() -> None:
    limited = engine({"name": "research monthly", **CENT})
    await spend(limited, 10_000)

    told = await refusal(limited, asked())

    assert (told.status, told.code, told.limit, told.retry_after_s) == (402, "cost_exhausted", "research monthly", 3600)
    assert told.message.endswith("is used up (0.01 USD/month); room again in 1 h")


async def test_a_request_dearer_than_the_budget_is_told_that_waiting_does_not_help() -> None:
    told = await refusal(engine(CENT), asked(tokens=20_000))

    assert (told.status, told.code, told.retry_after_s) == (400, "cost_exhausted", None)
    assert "more than limit budget 0 of team research ever holds" in told.message


@pytest.mark.parametrize(
    ("amount", "zone", "spent_at", "still_full_at", "new_at"),
    [
        ("month", "UTC", "2028-02-29T23:00:00+00:00", "2028-02-29T23:59:59+00:00", "2028-03-01T00:00:00+00:00"),
        (
            "month",
            "Europe/Berlin",
            "2028-02-29T22:00:00+00:00",
            "2028-02-29T22:59:59+00:00",
            "2028-02-29T23:00:00+00:00",
        ),
        ("month", "UTC", "2027-02-28T12:00:00+00:00", "2027-02-28T23:59:59+00:00", "2027-03-01T00:00:00+00:00"),
        ("year", "UTC", "2027-12-31T23:59:58+00:00", "2027-12-31T23:59:59+00:00", "2028-01-01T00:00:00+00:00"),
        ("quarter", "UTC", "2027-04-01T00:00:00+00:00", "2027-06-30T23:59:59+00:00", "2027-07-01T00:00:00+00:00"),
        ("week", "UTC", "2027-05-03T00:00:00+00:00", "2027-05-09T23:59:59+00:00", "2027-05-10T00:00:00+00:00"),
        # The clocks go forward on 28 March 2027 in Berlin: that day has 23 hours; back on 31 October: 25.
        ("day", "Europe/Berlin", "2027-03-27T23:00:00+00:00", "2027-03-28T21:59:59+00:00", "2027-03-28T22:00:00+00:00"),
        ("day", "Europe/Berlin", "2027-10-30T22:00:00+00:00", "2027-10-31T22:59:59+00:00", "2027-10-31T23:00:00+00:00"),
    ],
)
async def test_a_period_ends_when_the_calendar_of_its_time_zone_says_so(
    amount: str, zone: str, spent_at: str, still_full_at: str, new_at: str
) -> None:
    clock = Clock(spent_at)
    limited = engine({"amount": f"0.01 USD/{amount}", "timezone": zone}, clock=clock)
    await spend(limited, 10_000)

    clock.to(still_full_at)
    told = await refusal(limited, asked())
    assert told.retry_after_s == datetime.fromisoformat(new_at).timestamp() - clock.now_s
    clock.to(new_at)
    assert await refusal(limited, asked()) is None


async def test_a_rolling_budget_gives_room_only_when_what_was_spent_has_left_its_window() -> None:
    clock = Clock("2028-02-15T12:00:00+00:00")
    limited = engine({"amount": "0.01 USD/month", "rolling": True}, clock=clock)
    await spend(limited, 10_000)

    clock.to("2028-03-01T00:00:00+00:00")
    assert await refusal(limited, asked()) is not None, "a new month of the calendar is no new window"
    clock.to("2028-03-16T12:00:01+00:00")
    assert await refusal(limited, asked()) is None


async def test_every_level_is_charged_and_every_level_must_have_room() -> None:
    limited = engine({"amount": "0.01 USD/day"}, {"amount": "0.015 USD/month"}, {"subject": "everyone", **CENT})
    await spend(limited, 6_000)

    windows = (await limited.admit(asked(tokens=3_999))).trace.record()["windows"]

    assert [(w["limit"], w["used_before"], w["reserved"]) for w in windows] == [
        (name, 6_000, 4_000) for name in ("budget 0", "budget 1", "budget 2")
    ]


PROFILE = {
    "routing_profiles": [
        {
            "name": "Both",
            "virtual_provider": "both",
            "targets": [
                {"provider": "a", "model": "dear", "virtual_model": "m"},
                {"provider": "b", "model": "cheap", "virtual_model": "m"},
            ],
        }
    ]
}


async def test_the_first_target_that_the_budget_can_pay_for_serves() -> None:
    limited = engine(CENT, **PROFILE)

    decision = await limited.admit(asked("both/m", tokens=2_000))

    assert decision.trace.model == "b/cheap"
    assert decision.trace.record()["candidates"][0]["reason"] == "cost_exhausted"


async def test_when_no_target_can_be_paid_for_it_is_the_budget_that_refuses() -> None:
    limited = engine({"name": "monthly", **CENT}, **PROFILE)
    await spend(limited, 10_000)

    told = await refusal(limited, asked("both/m"))

    assert (told.status, told.limit) == (402, "monthly")


async def test_a_failed_attempt_gives_its_money_back_and_the_next_target_is_charged_by_its_own_price() -> None:
    limited = engine({"amount": "1 USD/month"}, **PROFILE)
    decision = await limited.admit(asked("both/m"))
    await limited.attempt(decision, "a/dear")
    await limited.fail(decision, Failure("overloaded", 529))
    await limited.attempt(decision, "b/cheap")

    (reading,) = await limited.ledger.read([decision.fallbacks[0].charges[0].window])

    assert reading.used == 1_001


async def test_a_model_without_a_price_is_refused_unless_the_budget_says_otherwise() -> None:
    unknown = asked("c/unknown")

    told = await refusal(engine(CENT), unknown)
    assert (told.status, told.code) == (400, "no_eligible_target")
    assert "c/unknown: unpriced (its price is unknown, so budget budget 0 cannot be kept)" in told.message
    assert await refusal(engine({"unpriced": "allow", **CENT}), unknown) is None


async def test_an_assumed_price_is_reserved_and_settled() -> None:
    limited = engine({"unpriced": {"assume": {"input": "3 USD/1M", "output": "15 USD/1M"}}, **CENT})
    decision = await limited.admit(asked("c/unknown", tokens=1_000))
    assert decision.trace.record()["windows"][0]["reserved"] == 3_015

    await limited.settle(decision, "c/unknown", Usage(1_000, 100, None))

    assert decision.trace.usage == Usage(1_000, 100, 4_500)
    (reading,) = await limited.ledger.read([decision.target.charges[0].window])  # type: ignore[union-attr]
    assert reading.used == 4_500


async def test_what_is_free_is_served_from_a_budget_that_is_used_up() -> None:
    limited = engine(CENT)
    await spend(limited, 10_000)

    assert await refusal(limited, asked("local/free")) is None


async def test_a_budget_that_degrades_serves_something_cheaper_and_counts_on() -> None:
    limited = engine({"name": "monthly", "on_exceeded": {"route_to": "both/m"}, **CENT}, **PROFILE)
    await spend(limited, 10_000)

    record = (await limited.admit(asked("a/dear", tokens=10))).trace.record()

    assert (record["outcome"], record["model"], record["profile"]) == ("route", "a/dear", "Both")
    assert record["degraded_by"] == "monthly"
    assert [(w["limit"], w["mode"], w["reserved"], w["fits"]) for w in record["windows"]] == [
        ("monthly", "shadow", 110, False)
    ]


async def test_a_second_budget_bounds_what_a_degraded_request_may_still_cost() -> None:
    limited = engine(
        {"name": "soft", "on_exceeded": {"route_to": "b/cheap"}, **CENT}, {"name": "hard", "amount": "0.02 USD/month"}
    )
    assert await refusal(limited, asked(tokens=9_999)) is None
    assert await refusal(limited, asked(tokens=9_999)) is None

    told = await refusal(limited, asked())

    assert (told.status, told.limit) == (402, "hard")


async def test_two_budgets_that_degrade_to_each_other_end() -> None:
    limited = engine(
        {"name": "one", "on_exceeded": {"route_to": "a/dear"}, **CENT},
        {"name": "two", "on_exceeded": {"route_to": "b/cheap"}, **CENT},
    )
    await spend(limited, 10_000)

    record = (await limited.admit(asked())).trace.record()

    assert (record["outcome"], record["degraded_by"]) == ("route", "one")


async def test_a_limit_that_degrades_does_not_pay_for_the_callers_own_fallback() -> None:
    limited = engine({"on_exceeded": {"route_to": "b/cheap"}, **CENT})
    await spend(limited, 10_000)

    decision = await limited.admit(asked("a/dear", fallbacks=("a/dear",)))

    assert (decision.trace.model, decision.trace.fallbacks) == ("b/cheap", ())


async def test_when_nothing_cheaper_can_serve_it_is_the_budget_that_refuses() -> None:
    catalog = Catalog([{"model_name": "b/cheap", "litellm_params": {"model": "b/cheap"}}], PRICES)
    limited = engine({"name": "monthly", "on_exceeded": {"route_to": "gone/model"}, **CENT})
    await spend(limited, 10_000)

    record = (await limited.admit(asked().but(models=catalog))).trace.record()

    told = record["refusal"]
    assert (told["status"], told["limit"], told["retry_after_s"]) == (402, "monthly", 3600)
    assert [(w["limit"], w["mode"], w["fits"]) for w in record["windows"]] == [("monthly", "enforce", False)]
    assert [(c["target"], c["reason"]) for c in record["candidates"]] == [("gone/model", "not_configured")]


async def test_what_is_passed_through_cannot_be_degraded_and_is_refused() -> None:
    limited = engine({"on_exceeded": {"route_to": "b/cheap"}, **CENT})
    await spend(limited, 10_000)

    told = await refusal(limited, asked("a/dear", 10, request_type="pass_through", fallbacks=("local/free",)))

    assert (told.status, told.code) == (402, "cost_exhausted")


async def test_a_body_that_tells_no_size_is_charged_what_it_turns_out_to_cost() -> None:
    limited = engine(CENT)
    decision = await limited.admit(asked(tokens=0, request_type="pass_through"))

    await limited.settle(decision, "b/cheap", Usage(9_000, 1_000, 10_000))

    assert (await refusal(limited, asked())).code == "cost_exhausted"


async def test_what_is_passed_through_reserves_the_answer_that_its_body_allows() -> None:
    limited = engine(CENT)

    decision = await limited.admit(asked(tokens=1_000, request_type="pass_through").but(max_output_tokens=8_000))

    assert [reading.amount for reading, _ in decision.trace.windows] == [9_000]


async def test_what_is_passed_through_reserves_a_typical_answer_beside_its_prompt() -> None:
    limited = engine(CENT)

    decision = await limited.admit(asked(tokens=1_000, request_type="pass_through").but(max_output_tokens=None))

    assert [reading.amount for reading, _ in decision.trace.windows] == [2_024]


async def test_a_budget_in_shadow_mode_has_no_say_in_what_the_others_count() -> None:
    def assume(price: str) -> dict[str, Any]:
        return {"unpriced": {"assume": {"input": price, "output": price}}, **CENT}

    limited = engine(assume("1 USD/1M"), {"mode": "shadow", **assume("100 USD/1M")})
    decision = await limited.admit(asked("c/unknown", tokens=10))

    await limited.settle(decision, "c/unknown", Usage(10, 10, None))

    assert decision.trace.usage == Usage(10, 10, 20)


@pytest.mark.parametrize(
    ("budget", "message"),
    [
        ({"amount": "0 USD/month"}, "must be above 0"),
        ({"amount": "5 EUR/month"}, "must be money in USD, the only currency, per period, such as 500 USD/month"),
        ({"amount": "€5/month"}, "must be money in USD, the only currency, per period, such as 500 USD/month"),
        ({"amount": "5 USD"}, "must be money per period, such as 500 USD/month"),
        ({"amount": "5/month"}, "must be money per period, such as 500 USD/month"),
        ({"amount": "5 USD/30s"}, "`30s` is no period of the calendar (hour, day, week, month, quarter, year)"),
        ({"amount": "5 USD/0s"}, "at least one second"),
        ({"amount": []}, "must not be empty"),
        ({"amount": ["1 USD/day", "2 USD/day"]}, "two amounts for the same period"),
        ({"amount": ["1 USD/day", "2 USD/24h"], "rolling": True}, "two amounts for the same period"),
        ({"amount": "5 USD/day", "timezone": "Mars/Base"}, "`Mars/Base` is no time zone"),
        ({"amount": "5 USD/day", "rolling": True, "timezone": "Europe/Berlin"}, "a rolling budget has no calendar"),
        ({"amount": "5 USD/day", "alert_at": ["120%"]}, "must be percentages such as 80%"),
        ({"amount": "5 USD/day", "subject": {"squad": "x"}}, "`squad` is no kind of subject; known: virtual_key"),
        ({"amount": "5 USD/day", "subject": {"team": ""}}, "`team` needs an id or a name"),
        ({"amount": "5 USD/day", "subject": {}}, "must be `everyone` or a mapping"),
        ({"amount": "5 USD/day", "unpriced": {"assume": {"input": "3 USD", "output": "1 USD/1M"}}}, "3 USD/1M"),
        ({"amount": "5 USD/day", "mode": "shadow", "on_exceeded": {"route_to": "x"}}, "changes nothing"),
    ],
)
def test_a_budget_with_a_mistake_is_refused_with_what_would_be_right(budget: dict[str, Any], message: str) -> None:
    with pytest.raises(PolicyError, match="budgets") as refused:
        engine(budget)

    assert message in str(refused.value)


def test_a_moment_of_these_tests_is_what_it_says() -> None:
    assert datetime.fromtimestamp(Clock().now_s, timezone.utc).isoformat() == "2028-02-29T23:00:00+00:00"


async def test_a_simulation_states_what_a_window_has_used_once_though_the_request_is_decided_twice() -> None:
    budget = {
        "name": "soft",
        "subject": "everyone",
        "amount": "0.01 USD/day",
        "on_exceeded": {"route_to": "b/cheap"},
        "unpriced": {"assume": {"input": "1 USD/1M", "output": "1 USD/1M"}},
    }
    host = Host.parse(yaml.safe_dump({"version": 1, "budgets": [budget]}))
    given = SimulationInput(body={"model": "a/dear"}, usage=[GivenUse(limit="soft", used=10_000)])

    record = (await simulate(host, given, Catalog(None, {}))).trace.record()

    assert (record["degraded_by"], record["windows"][0]["used_before"]) == ("soft", 10_000)
