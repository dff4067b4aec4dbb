"""Limits by the metadata of the verified key or team, and the names of whom limits count."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from governance.engine.engine import Engine
from governance.engine.host import Host
from governance.engine.levels import LastSeen
from governance.ledger import Reading
from governance.ledger.listing import Listing, lists_of
from governance.ledger.memory import MemoryLedger
from governance.limits import names_of
from governance.limits.subjects import spoken
from governance.model import Identity, Request, Window
from governance.model.errors import PolicyError

DIGEST = "9f" * 32


def engine(subject: Any, **limit: Any) -> Engine:
    given = {"name": "cost centres", "subject": subject, "requests": "1/minute", **limit}
    return Engine(Host.parse(yaml.safe_dump({"version": 1, "rate_limits": [given]})), MemoryLedger(lambda: 1000.0))


def asked(**metadata: Any) -> Request:
    return Request("openai/m", identity=Identity(virtual_key_id=DIGEST, metadata=metadata))


async def subjects(of: Engine, request: Request) -> list[str]:
    return [window["subject"] for window in (await of.admit(request)).trace.record()["windows"]]


@pytest.mark.parametrize("subject", [{"metadata": "cost_center"}, {"metadata": {"cost_center": "*"}}])
async def test_each_value_of_a_key_of_metadata_is_counted_by_itself(subject: Any) -> None:
    limited = engine(subject)

    assert (await limited.admit(asked(cost_center="4711"))).refusal is None
    refused = (await limited.admit(asked(cost_center=4711))).refusal
    assert refused is not None
    assert "limit cost centres of metadata cost_center=4711 is used up" in refused.message
    assert (await limited.admit(asked(cost_center="4712"))).refusal is None


async def test_who_has_no_such_metadata_is_not_counted() -> None:
    limited = engine({"metadata": "cost_center"})
    nothing: list[dict[str, Any]] = [{}, {"cost_center": ""}, {"cost_center": None}, {"cost_center": {"a": "b"}}]

    for metadata in nothing * 2:
        assert await subjects(limited, asked(**metadata)) == []


async def test_metadata_that_a_caller_writes_is_not_looked_at() -> None:
    limited = engine({"metadata": "cost_center"})
    own = Request("openai/m", params={"cost_center": "1"}, tags=("cost_center=1",), headers={"cost_center": "1"})

    assert await subjects(limited, own) == []


async def test_one_value_alone_can_be_limited() -> None:
    limited = engine({"metadata": {"cost_center": 4711}})

    assert await subjects(limited, asked(cost_center="4711")) == ["metadata:cost_center=4711"]
    assert await subjects(limited, asked(cost_center="4712")) == []


async def test_metadata_combines_with_other_subjects() -> None:
    limited = engine({"metadata": {"cost_center": "*", "region": "eu"}, "model": "*"})

    assert await subjects(limited, asked(cost_center="a", region="eu")) == [
        "metadata:cost_center=a && metadata:region=eu && model:m"
    ]
    assert await subjects(limited, asked(cost_center="a", region="us")) == []


@pytest.mark.parametrize(
    ("value", "counted"),
    [
        (True, ["metadata:cost_center=true"]),
        (4.5, ["metadata:cost_center=4.5"]),
        (["a", "b", {"c": 1}], ["metadata:cost_center=a", "metadata:cost_center=b"]),
        ("a && team:b", [f"metadata:cost_center=a ++ team:b… {'x' * 32}"]),
    ],
)
async def test_plain_values_and_each_of_a_list_are_counted(value: Any, counted: list[str]) -> None:
    found = await subjects(engine({"metadata": "cost_center"}), asked(cost_center=value))

    assert [len(subject) for subject in found] == list(map(len, counted))
    assert all(told.partition("…")[0] == wanted.partition("…")[0] for told, wanted in zip(found, counted, strict=True))


@pytest.mark.parametrize(
    ("subject", "words"),
    [
        ({"metadata": "*"}, "needs a key such as cost_center"),
        ({"metadata": ""}, "needs a key such as cost_center"),
        ({"metadata": {}}, "needs a key such as cost_center"),
        ({"metadata": 5}, "needs a key such as cost_center"),
        ({"metadata": {"a": None}}, "`a` needs a value"),
        ({"metadata": {"a=b": "c"}}, "no `=`"),
        ({"metadata": "x" * 81}, "at most 80 characters"),
    ],
)
def test_what_names_no_key_of_metadata_is_refused(subject: Any, words: str) -> None:
    with pytest.raises(PolicyError, match=words):
        engine(subject)


async def test_a_budget_counts_by_metadata_too() -> None:
    assumed = {"assume": {"input": "1 USD/1M", "output": "1 USD/1M"}}
    budget = {"name": "each", "subject": {"metadata": "cost_center"}, "amount": "5 USD/month", "unpriced": assumed}
    policy = yaml.safe_dump({"version": 1, "budgets": [budget]})
    limited = Engine(Host.parse(policy), MemoryLedger(lambda: 1000.0))

    assert await subjects(limited, asked(cost_center="a")) == ["metadata:cost_center=a"]


def test_how_full_limits_by_metadata_are_is_seen_by_conditions() -> None:
    levels = LastSeen(clock=lambda: 1000.0)
    window = Window("each", "team:t && metadata:cost_center=a", "requests", 10, 60)
    levels.note([(Reading(window, 7, 0, True, 0, 1060.0), False)])
    who = Identity(team_id="t", metadata={"cost_center": "a"})

    assert levels.percent(Request("m", identity=who)).request == 70
    assert levels.percent(Request("m", identity=Identity(team_id="t", metadata={"cost_center": "b"}))).request == 0
    assert "metadata:cost_center=a" in names_of(Request("m", identity=who), ["cost_center"])


NAMED = Identity(
    virtual_key_id=DIGEST, virtual_key_name="ci", team_id="t-42", team_name="Research", customer_id="c", user_id="u"
)


@pytest.mark.parametrize(
    ("subject", "told", "name", "said"),
    [
        ({"virtual_key": "*"}, f"virtual_key:{DIGEST}", "ci", "virtual_key ci (9f9f9f9f9f9f…)"),
        ({"virtual_key": DIGEST}, f"virtual_key:{DIGEST}", "ci", "virtual_key ci (9f9f9f9f9f9f…)"),
        ({"team": "*"}, "team:t-42", "Research", "team Research (t-42)"),
        ({"team": "Research"}, "team:Research", None, "team Research"),
        ({"customer": "*"}, "customer:c", None, "customer c"),
        ({"user": "*"}, "user:u", None, "user u"),
        (
            {"team": "*", "user": "*", "model": "*"},
            "team:t-42 && user:u && model:m",
            "Research && user:u && model:m",
            "team Research (t-42) and user u and model m",
        ),
    ],
)
async def test_who_is_counted_by_an_id_is_shown_by_its_name(
    subject: Any, told: str, name: str | None, said: str
) -> None:
    limited = engine(subject)
    request = Request("openai/m", identity=NAMED)
    (window,) = (await limited.admit(request)).trace.record()["windows"]
    refusal = (await limited.admit(request)).refusal

    assert (window["subject"], window["name_of_subject"]) == (told, name)
    assert spoken(told, name) == said
    if "model" not in subject:
        assert refusal is not None
        assert f"of {said} is used up" in refusal.message


async def test_a_key_that_gets_another_name_keeps_its_count_and_shows_the_new_one() -> None:
    limited = engine({"virtual_key": "*"})
    await limited.admit(Request("openai/m", identity=Identity(virtual_key_id=DIGEST, virtual_key_name="old")))
    (window,) = (
        await limited.admit(Request("openai/m", identity=Identity(virtual_key_id=DIGEST, virtual_key_name="new")))
    ).trace.record()["windows"]

    assert (window["name_of_subject"], window["used_before"]) == ("new", 1)


def test_a_window_is_found_by_the_name_of_whom_it_counts() -> None:
    window = Window("each", f"virtual_key:{DIGEST} && model:m", "requests", 10, 60, name_of_subject="CI && model:m")

    assert listed(window, "virtual_key:ci", None)
    assert not listed(window, "team:ci", None)


def listed(window: Window, subject: str | None, limit: str | None) -> bool:
    """Whether a window is in the lists of this subject and this limit."""
    return set(Listing(limit, subject).lists) <= set(lists_of(window))
