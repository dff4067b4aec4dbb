"""End users and tags are a caller's own words: they count within its team or key, unless a limit says otherwise."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from governance.catalog import Catalog
from governance.engine.engine import Engine
from governance.engine.host import Host
from governance.engine.levels import LastSeen
from governance.engine.simulation import given_from, simulate
from governance.ledger.listing import Listing, lists_of
from governance.ledger.memory import MemoryLedger
from governance.limits.subjects import spoken
from governance.model import Identity, Request
from governance.model.errors import PolicyError

ANNAS = {"end_user_id": "anna"}
ONE = {"name": "each", "requests": "1/minute"}
ASSUMED = {"assume": {"input": "1 USD/1M", "output": "1 USD/1M"}}


def engine(subject: Any, **limit: Any) -> Engine:
    policy = yaml.safe_dump({"version": 1, "rate_limits": [{**ONE, "subject": subject, **limit}]}, sort_keys=False)
    return Engine(Host.parse(policy), MemoryLedger(lambda: 1000.0))


def asked(*said: str, tags: tuple[str, ...] = (), **who: Any) -> Request:
    """A request with these tags, of which `tags` are those of its key or team."""
    return Request("openai/m", identity=Identity(**who, tags=tags), tags=(*tags, *said))


async def subjects(of: Engine, request: Request) -> list[str]:
    return [window["subject"] for window in (await of.admit(request)).trace.record()["windows"]]


@pytest.mark.parametrize("subject", [{"end_user": "*"}, {"end_user": "anna"}])
async def test_nobody_uses_up_an_end_user_of_another_team(subject: Any) -> None:
    limited = engine(subject)
    mine, theirs = (asked(team_id=team, virtual_key_id=f"key of {team}", **ANNAS) for team in ("a", "b"))

    assert (await limited.admit(mine)).refusal is None
    assert (await limited.admit(mine)).refusal is not None
    assert (await limited.admit(theirs)).refusal is None


@pytest.mark.parametrize("subject", [{"tag": "*"}, {"tag": "batch"}])
async def test_nobody_uses_up_a_tag_of_another_team(subject: Any) -> None:
    limited = engine(subject)

    assert (await limited.admit(asked("batch", team_id="a"))).refusal is None
    assert (await limited.admit(asked("batch", team_id="a"))).refusal is not None
    assert (await limited.admit(asked("batch", team_id="b"))).refusal is None


@pytest.mark.parametrize(
    ("who", "owner"),
    [
        ({"team_id": "t-42", "team_name": "Research", "virtual_key_id": "k"}, "team:t-42"),
        ({"team_name": "Research"}, "team:Research"),
        ({"virtual_key_id": "k", "virtual_key_name": "ci", "user_id": "u"}, "virtual_key:k"),
        ({"user_id": "u", "customer_id": "c"}, "user:u"),
        ({"customer_id": "c"}, "customer:c"),
        ({"team_id": "a && end_user:b"}, None),
    ],
)
async def test_it_counts_within_the_team_else_the_key_else_whoever_was_verified(who: Any, owner: str | None) -> None:
    (subject,) = await subjects(engine({"end_user": "*"}), asked(**who, **ANNAS))

    assert subject.endswith(" && end_user:anna")
    assert subject.count(" && ") == 1
    assert owner is None or subject == f"{owner} && end_user:anna"


async def test_a_proxy_that_verifies_nobody_counts_everybody_together() -> None:
    assert await subjects(engine({"end_user": "*"}), asked(**ANNAS)) == ["end_user:anna"]


@pytest.mark.parametrize("subject", [{"end_user": "*"}, {"end_user": "anna"}, {"tag": "*"}, {"tag": "x"}])
async def test_what_is_shared_counts_once_for_all(subject: Any) -> None:
    limited = engine(subject, shared=True)

    first, second = [await subjects(limited, asked("x", team_id=team, **ANNAS)) for team in ("a", "b")]

    assert first == second
    assert " && " not in first[0]
    assert (await limited.admit(asked("x", team_id="c", **ANNAS))).refusal is not None


@pytest.mark.parametrize("subject", [{"tag": "*"}, {"tag": "batch"}])
async def test_a_tag_of_the_key_or_its_team_is_no_claim_and_counts_once_for_all(subject: Any) -> None:
    limited = engine(subject)

    assert await subjects(limited, asked(team_id="a", tags=("batch",))) == ["tag:batch"]
    assert (await limited.admit(asked(team_id="b", tags=("batch",)))).refusal is not None
    assert await subjects(limited, asked("batch", team_id="c")) == ["team:c && tag:batch"]


async def test_who_says_a_tag_that_its_key_has_counts_with_the_others_who_have_it() -> None:
    said_again = asked("batch", "other", team_id="a", tags=("batch",))

    assert await subjects(engine({"tag": "*"}), said_again) == ["tag:batch", "tag:batch", "team:a && tag:other"][1:]


@pytest.mark.parametrize(
    ("subject", "counted"),
    [
        ({"end_user": "*", "model": "*"}, ["team:a && end_user:anna && model:m"]),
        ({"team": "*", "end_user": "*"}, ["team:a && end_user:anna"]),
        ({"end_user": "*", "team": "a"}, ["end_user:anna && team:a"]),
        ({"virtual_key": "*", "tag": "x"}, ["virtual_key:k && tag:x"]),
        ({"user": "*", "end_user": "*"}, ["team:a && user:u && end_user:anna"]),
        ({"metadata": "cost_center", "tag": "x"}, ["team:a && metadata:cost_center=1 && tag:x"]),
        ({"tag": "*", "end_user": "anna"}, ["team:a && tag:v && end_user:anna", "team:a && tag:x && end_user:anna"]),
        ({"tag": "v", "user": "u"}, ["tag:v && user:u"]),
    ],
)
async def test_claims_combine_with_other_subjects(subject: Any, counted: list[str]) -> None:
    who = {"team_id": "a", "virtual_key_id": "k", "user_id": "u", "metadata": {"cost_center": 1}}
    request = asked("x", tags=("v",), **who, **ANNAS)

    assert sorted(await subjects(engine(subject), request)) == sorted(counted)


async def test_a_budget_counts_claims_the_same_way() -> None:
    budget = {"name": "each", "subject": {"end_user": "*"}, "amount": "5 USD/month", "unpriced": ASSUMED}
    own, shared = (
        Engine(Host.parse(yaml.safe_dump({"version": 1, "budgets": [given]})), MemoryLedger(lambda: 1000.0))
        for given in (budget, {**budget, "shared": True})
    )

    assert await subjects(own, asked(team_id="a", **ANNAS)) == ["team:a && end_user:anna"]
    assert await subjects(shared, asked(team_id="a", **ANNAS)) == ["end_user:anna"]


@pytest.mark.parametrize("section", ["rate_limits", "budgets"])
@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize(
    "subject",
    ["everyone", {"team": "*"}, {"model": "*"}, {"team": "*", "end_user": "*"}, {"tag": "x", "virtual_key": "ci"}],
)
def test_what_nobody_claims_cannot_be_shared(section: str, shared: bool, subject: Any) -> None:
    amounts = {"requests": "1/minute"} if section == "rate_limits" else {"amount": "5 USD/month"}
    limit = {"name": "each", "subject": subject, "shared": shared, **amounts}

    with pytest.raises(PolicyError, match=rf"{section}\[0\]\.shared: only a limit of end users or tags"):
        Host.parse(yaml.safe_dump({"version": 1, section: [limit]}))


async def test_the_refusal_and_the_record_say_whose_end_user_it_was() -> None:
    limited = engine({"end_user": "*"})
    request = asked(team_id="t-42", team_name="Research", **ANNAS)
    (window,) = (await limited.admit(request)).trace.record()["windows"]
    refusal = (await limited.admit(request)).refusal

    assert refusal is not None
    assert "limit each of team Research (t-42) and end_user anna is used up" in refusal.message
    assert window["name_of_subject"] == "Research && end_user:anna"
    assert spoken(window["subject"], window["name_of_subject"]) == "team Research (t-42) and end_user anna"


async def test_usage_finds_the_windows_of_an_end_user_in_every_team() -> None:
    limited = engine({"end_user": "*"})
    found = [(await limited.admit(asked(team_id=t, **ANNAS))).trace.windows[0][0].window for t in ("a", "b")]

    assert [listed(window, "end_user:anna", None) for window in found] == [True, True]
    assert [listed(window, "team:a && end_user:anna", None) for window in found] == [True, False]
    assert [listed(window, "team:a", None) for window in found] == [True, False]


async def test_how_full_a_claim_is_is_seen_by_its_own_caller_alone() -> None:
    limited = engine({"end_user": "*"})
    levels = LastSeen(clock=lambda: 1000.0)
    for _ in range(2):
        levels.note((await limited.admit(asked(team_id="a", **ANNAS))).trace.windows)

    assert levels.percent(asked(team_id="a", **ANNAS)).request == 100
    assert levels.percent(asked(team_id="b", **ANNAS)).request == 0


async def test_a_simulated_key_has_the_tags_of_its_metadata_as_a_live_one_has() -> None:
    host = engine({"tag": "*"}).host
    who = {"team_id": "a", "metadata": {"tags": ["batch"]}}
    decision = await simulate(
        host, given_from({"body": {"model": "openai/m"}, "identity": who, "tags": ["said"]}), Catalog(None, {})
    )

    told = [window["subject"] for window in decision.trace.record()["windows"]]
    assert told == ["tag:batch", "team:a && tag:said"]


async def test_invented_tags_of_the_longest_kind_stay_apart_and_short() -> None:
    limited = engine({"tag": "*"})

    told = await subjects(limited, asked(*("x" * 9_000 + last for last in "ab"), team_id="t" * 9_000))

    assert len(set(told)) == 2
    assert all(len(subject.encode()) < 400 for subject in told)


async def test_a_tag_that_is_called_like_all_of_them_is_one_of_many() -> None:
    limited = engine({"tag": "*"})

    assert await subjects(limited, asked("*", "a", team_id="t")) == ["team:t && tag:*", "team:t && tag:a"]
    assert await subjects(limited, asked("*")) == ["tag:*"]


async def test_a_named_tag_counts_whoever_has_it_however_long_it_is() -> None:
    long = "y" * 300

    assert len(await subjects(engine({"tag": long}), asked(long, "a", team_id="t"))) == 1
    assert await subjects(engine({"tag": "batch"}), asked("batches", "*", team_id="t")) == []


def listed(window: Any, subject: str | None, limit: str | None) -> bool:
    """Whether a window is in the lists of this subject and this limit."""
    return set(Listing(limit, subject).lists) <= set(lists_of(window))
