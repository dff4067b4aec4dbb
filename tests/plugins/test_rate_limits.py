"""`rate_limits`: whom a limit counts, what it counts and what a refused caller is told."""

from typing import Any

import pytest
import yaml

from governance.catalog import Catalog
from governance.engine.decision import Decision
from governance.engine.engine import Engine
from governance.engine.host import Host
from governance.ledger.memory import MemoryLedger
from governance.model import Failure, Identity, Request, Usage

NOW_S = 1_795_176_000.0
CI = Identity(virtual_key_id="k1", virtual_key_name="ci", user_id="ann", team_id="t1", team_name="research")
OPS = Identity(virtual_key_id="k2", virtual_key_name="ops", team_id="t2", team_name="ops", customer_id="c1")
EMBED = {"request_type": "embedding"}  # no answer to guess: its tokens are those of the prompt


class Clock:
    now_s = NOW_S

    def __call__(self) -> float:
        return self.now_s


def engine(*limits: dict[str, Any], clock: Clock | None = None, **sections: Any) -> Engine:
    clock = clock or Clock()
    named = [{"name": f"limit {i}", **limit} for i, limit in enumerate(limits)]
    policy = yaml.safe_dump({"version": 1, "rate_limits": named, **sections}, sort_keys=False)
    return Engine(Host.parse(policy), MemoryLedger(clock), clock=clock)


def asked(model: str = "openai/gpt-4o", who: Identity = CI, **given: Any) -> Request:
    return Request(model, identity=who, **given)


async def outcomes(of: Engine, *requests: Request) -> list[str]:
    return [(await of.admit(request)).outcome for request in requests]


ONE = {"requests": "1/minute"}


@pytest.mark.parametrize(
    ("subject", "hits", "misses"),
    [
        ("everyone", [asked(who=OPS)], []),
        ({"team": "research"}, [asked()], [asked(who=OPS)]),
        ({"team": "t1"}, [asked()], [asked(who=OPS)]),
        ({"team": "*"}, [asked()], [asked(who=OPS), asked(who=Identity(user_id="ann"))]),
        ({"virtual_key": "ci"}, [asked()], [asked(who=OPS)]),
        ({"virtual_key": "k1"}, [asked()], [asked(who=OPS)]),
        ({"user": "ann"}, [asked(who=Identity(user_id="ann"))], [asked(who=OPS)]),
        ({"customer": "*"}, [asked(who=OPS)], [asked()]),
        ({"end_user": "eve"}, [asked(who=Identity(end_user_id="eve"))], [asked()]),
        ({"tag": "batch"}, [asked(tags=("x", "batch"))], [asked(tags=("x",))]),
        ({"provider": "openai"}, [asked("openai/o3")], [asked("groq/gpt-4o")]),
        ({"model": "gpt-4o"}, [asked("azure/gpt-4o"), asked("azure/GPT-4o")], [asked("openai/o3")]),
        ({"target": "openai/gpt-4o"}, [asked("openai/gpt-4o")], [asked("azure/gpt-4o")]),
        ({"team": "research", "model": "gpt-4o"}, [asked()], [asked(who=OPS), asked("openai/o3")]),
    ],
    ids=str,
)
async def test_a_limit_counts_its_subject_and_nobody_else(
    subject: Any, hits: list[Request], misses: list[Request]
) -> None:
    first, *more = hits
    limited = engine({"subject": subject, **ONE})

    assert await outcomes(limited, first) == ["pass"]
    assert await outcomes(limited, *(more or hits)) == ["refuse"] * len(more or hits)
    assert await outcomes(limited, *misses) == ["pass"] * len(misses)


async def test_each_one_of_a_star_has_its_own_count() -> None:
    limited = engine({"subject": {"team": "*", "model": "*"}, **ONE})

    assert await outcomes(limited, asked(), asked(who=OPS), asked("openai/o3"), asked()) == ["pass"] * 3 + ["refuse"]


async def test_every_tag_of_a_request_is_counted_separately() -> None:
    limited = engine({"subject": {"tag": "*"}, **ONE})

    assert await outcomes(limited, asked(tags=("a", "b")), asked(tags=("b", "c")), asked(tags=("c",))) == [
        "pass",
        "refuse",
        "pass",
    ]


async def test_every_level_must_have_room_and_a_refusal_counts_nowhere() -> None:
    limited = engine(
        {"subject": {"team": "research"}, "requests": "1/minute"}, {"subject": "everyone", "requests": "2/minute"}
    )

    assert await outcomes(limited, asked(), asked(), asked(who=OPS), asked(who=OPS)) == [
        "pass",
        "refuse",
        "pass",
        "refuse",
    ]


async def test_a_refusal_names_the_limit_and_waiting_exactly_so_long_lets_in() -> None:
    clock = Clock()
    limited = engine({"name": "research team", "subject": {"team": "research"}, "requests": "2/minute"}, clock=clock)
    await outcomes(limited, asked(), asked())
    clock.now_s += 20.25

    refusal = (await limited.admit(asked())).refusal

    assert refusal is not None
    assert (refusal.status, refusal.code, refusal.limit) == (429, "requests_exhausted", "research team")
    assert refusal.message == "limit research team of team research is used up (2 requests/minute); room again in 40 s"
    assert refusal.retry_after_s == 40
    clock.now_s += refusal.retry_after_s
    assert await outcomes(limited, asked()) == ["pass"]


async def test_several_windows_and_units_hold_together() -> None:
    limits = {"requests": ["5/minute", "6/day"], "tokens": "1k/minute", "input_tokens": "1k/hour"}
    limited = engine({"subject": {"team": "*"}, **limits})

    assert await outcomes(limited, *[asked(prompt_tokens=100, **EMBED)] * 5) == ["pass"] * 5
    refusal = (await limited.admit(asked(prompt_tokens=100, **EMBED))).refusal
    assert refusal is not None
    assert refusal.code == "requests_exhausted"
    other = await limited.admit(asked(who=OPS, prompt_tokens=1_001, **EMBED))
    assert other.refusal is not None
    assert (other.refusal.code, other.refusal.retry_after_s) == ("tokens_exhausted", None)


async def test_concurrent_counts_what_is_in_flight() -> None:
    limited = engine({"subject": {"virtual_key": "*"}, "concurrent": 1})
    first = await limited.admit(asked())

    assert await outcomes(limited, asked()) == ["refuse"]
    await limited.release(first)
    assert await outcomes(limited, asked()) == ["pass"]


async def test_a_condition_decides_for_which_requests_a_limit_is() -> None:
    limited = engine({"subject": "everyone", "match": 'headers["x-tier"] == "batch"', **ONE})
    batch = asked(headers={"x-tier": "batch"})

    assert await outcomes(limited, asked(), asked(), batch, batch) == ["pass", "pass", "pass", "refuse"]


async def test_a_shadow_limit_counts_and_tells_what_it_would_have_done() -> None:
    limited = engine({"name": "watch", "subject": "everyone", "mode": "shadow", **ONE})
    await limited.admit(asked())

    decision = await limited.admit(asked())

    assert decision.outcome == "pass"
    record = decision.trace.record()
    would = {"refuse": "requests_exhausted", "subject": "everyone"}
    assert record["shadow"] == [{"plugin": "rate_limits", "name": "watch", "would": would}]
    assert record["windows"][0]["fits"] is False


async def test_a_disabled_limit_limits_nothing() -> None:
    assert await outcomes(engine({"subject": "everyone", "enabled": False, **ONE}), asked(), asked()) == ["pass"] * 2


async def test_what_is_settled_replaces_what_was_guessed() -> None:
    limited = engine({"subject": "everyone", "tokens": "1k/minute"})
    first = await limited.admit(asked(prompt_tokens=100, max_output_tokens=900))
    assert await outcomes(limited, asked(prompt_tokens=10, max_output_tokens=10)) == ["refuse"]

    await limited.settle(first, "openai/gpt-4o", Usage(100, 50, None))

    assert await outcomes(limited, asked(prompt_tokens=50, max_output_tokens=800)) == ["pass"]


# --- limits on what is served ---------------------------------------------------------------------------------------

PROFILE = {
    "routing_profiles": [
        {"name": "Fast", "virtual_provider": "fast", "targets": [{"provider": "groq"}, {"provider": "cerebras"}]},
    ]
}


async def test_a_full_provider_hands_over_to_the_next_target() -> None:
    limited = engine({"subject": {"provider": "groq"}, **ONE}, **PROFILE)

    decisions = [await limited.admit(asked("fast/m")) for _ in range(2)]

    assert [decision.trace.model for decision in decisions] == ["groq/m", "cerebras/m"]
    assert decisions[1].trace.record()["candidates"][0]["reason"] == "requests_exhausted"


async def test_a_limit_on_the_target_holds_at_a_later_attempt_too() -> None:
    limited = engine({"subject": {"target": "cerebras/m"}, **ONE}, **PROFILE)
    decision = await limited.admit(asked("fast/m"))
    await limited.admit(asked("cerebras/m"))
    await limited.attempt(decision, "groq/m")
    await limited.fail(decision, Failure("overloaded", 529))

    refusal = await limited.attempt(decision, "cerebras/m")

    assert decision.trace.model == "groq/m"
    assert refusal is not None
    assert refusal.status == 429


async def test_a_model_that_litellm_tries_by_itself_is_counted_as_well() -> None:
    limited = engine({"subject": {"model": "backup"}, **ONE})
    first, second = [await limited.admit(asked("openai/gpt-4o")) for _ in range(2)]
    for decision in (first, second):
        await limited.attempt(decision, "openai/gpt-4o")
        await limited.fail(decision, Failure("server_error", 500))

    assert await limited.attempt(first, "backup") is None
    assert await limited.attempt(second, "backup") is not None
    await limited.settle(first, "backup", Usage(1, 1, None))
    assert await outcomes(limited, asked("backup")) == ["refuse"], "what was settled stays counted"


async def test_a_model_asked_for_by_name_that_is_full_goes_to_the_callers_own_fallback() -> None:
    limited = engine({"subject": {"model": "gpt-4o"}, **ONE})
    request = asked("openai/gpt-4o", fallbacks=("groq/llama",))
    assert (await limited.admit(request)).outcome == "pass"

    decision: Decision = await limited.admit(request)

    assert (decision.outcome, decision.trace.model, decision.trace.fallbacks) == ("route", "groq/llama", ())


async def test_a_limit_on_a_provider_counts_the_model_groups_that_it_serves() -> None:
    served = [{"model_name": "house", "litellm_params": {"model": "openai/gpt-4o"}}]
    limited = engine({"subject": {"provider": "openai"}, **ONE})
    request = asked("house", models=Catalog(served, {}))

    assert await outcomes(limited, request, request) == ["pass", "refuse"]


async def test_a_limit_that_is_used_up_may_route_elsewhere() -> None:
    limited = engine(
        {"name": "gold", "subject": {"team": "research"}, "on_exceeded": {"route_to": "fast/m"}, **ONE}, **PROFILE
    )
    await limited.admit(asked())

    decision = await limited.admit(asked())

    record = decision.trace.record()
    assert (record["outcome"], record["model"], record["degraded_by"]) == ("route", "groq/m", "gold")
    assert record["windows"][0]["reserved"] == 1, "the limit counts on"
    assert any("gold is used up: asks for fast/m instead" in step["did"] for step in record["steps"])


async def test_limits_of_other_teams_are_not_read() -> None:
    limits = [{"subject": {"team": f"team {i}"}, **ONE} for i in range(2_000)]
    limited = engine(*limits, {"subject": {"team": "research"}, **ONE})

    decision = await limited.admit(asked())

    assert [window["limit"] for window in decision.trace.record()["windows"]] == ["limit 2000"]


async def test_a_request_with_more_tags_than_are_counted_one_by_one_is_refused() -> None:
    many = asked(tags=tuple(f"t{i}" for i in range(33)))
    limit = {"subject": {"tag": "*"}, **ONE}

    told = (await engine(limit).admit(many)).refusal

    assert told is not None
    assert (told.status, told.code) == (400, "no_eligible_target")
    assert told.message == "this request has 33 tags, and at most 32 are counted one by one; send fewer"
    others: list[dict[str, Any]] = [{"mode": "shadow"}, {"match": 'model == "other"'}, {"subject": {"tag": "t32"}}]
    assert [await outcomes(engine({**limit, **other}), many) for other in others] == [["pass"]] * 3


async def test_what_a_callers_tags_and_fallbacks_multiply_to_is_bounded() -> None:
    limits = [{"subject": {"tag": "*", "model": "*"}, "requests": [f"9/{i}s" for i in range(1, 9)]}]
    names = tuple(f"a/{i}" for i in range(20))

    told = (await engine(*limits).admit(asked(tags=tuple(map(str, range(32))), fallbacks=names))).refusal
    fewer = await engine(*limits).admit(asked(fallbacks=("x" * 301, *names)))

    assert told is not None
    assert told.message.startswith("this request would have to be checked against 4,352 windows, of at most 2,000")
    assert fewer.trace.fallbacks == names[:16]


async def test_an_id_that_is_long_or_no_text_is_counted_under_a_short_name_of_its_own() -> None:
    limited = engine({"subject": {"end_user": "*"}, **ONE})
    callers = [Identity(end_user_id="x" * 9_000 + last) for last in "ab"] + [Identity(end_user_id="\ud800")]

    decisions = [await limited.admit(asked(who=who)) for who in (*callers, *callers)]

    assert [decision.outcome for decision in decisions] == ["pass"] * 3 + ["refuse"] * 3
    subjects = [decision.trace.windows[0][0].window.subject for decision in decisions[:3]]
    assert all(len(subject.encode()) < 200 for subject in subjects)


async def test_a_caller_cannot_name_itself_like_two_subjects() -> None:
    limited = engine({"subject": {"end_user": "*"}, **ONE})

    decision = await limited.admit(asked(who=Identity(end_user_id="x && team:research")))

    assert decision.trace.windows[0][0].window.subject.startswith("end_user:x ++ team:research… ")


async def test_no_request_can_ask_for_more_than_windows_can_add_up() -> None:
    limited = engine({"subject": "everyone", "mode": "shadow", "tokens": "100/day"})

    decision = await limited.admit(asked(max_output_tokens=10**12, choices=10**12))

    assert [reading.amount for reading, _ in decision.trace.windows] == [10**12]
    await limited.settle(decision, "openai/gpt-4o", Usage(10**30, 0, 0))
    (reading,) = await limited.ledger.read([decision.trace.windows[0][0].window])
    assert reading.used == 10**12


async def test_a_request_whose_fallback_alone_is_limited_leaves_nothing_open() -> None:
    limited = engine({"subject": {"model": "gpt-4o"}, **ONE})

    decision = await limited.admit(asked("groq/m", fallbacks=("openai/gpt-4o",)))
    assert await limited.attempt(decision, "groq/m") is None
    await limited.settle(decision, "groq/m", Usage(1, 1, 1))

    assert (await limited.ledger.health()).open_reservations == 0
    assert await outcomes(limited, asked("openai/gpt-4o")) == ["pass"]


async def test_a_key_named_like_the_id_of_another_is_not_counted_as_that_one() -> None:
    limited = engine({"subject": {"virtual_key": "ab" * 32}, **ONE})
    namesake = Identity(virtual_key_id="cd" * 32, virtual_key_name="ab" * 32)

    assert await outcomes(limited, *[asked(who=namesake)] * 2) == ["pass", "pass"]
