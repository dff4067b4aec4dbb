"""Which turn of a conversation says the task, and how much of a conversation is looked at for that."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from governance.catalog import Catalog, installed_prices
from governance.engine.decision import Decision
from governance.engine.host import Host
from governance.engine.simulation import SimulationInput, simulate
from governance.intake.talk import talk_of
from governance.model.classification import Classification, classifier
from governance.model.talk import Talk
from governance_plugins.task_routing.turns import Turns
from tests.plugins.conversations import SHAPES, Shape, sessions, turns

JUDGE = Turns(classifier("heuristic"), "heuristic")
CODING = ("bash", "edit", "read_file")
ASKED = "Write a Python function that parses ISO dates and add a pytest for leap years"
FOLLOW_UPS = """
run the tests; still broken; it hangs; continue; thanks!; ok;
go on; yes do it; why?; same error; make it faster; rename it;
undo that; what does this do?; and now?; looks good; try again; push it;
that didn't work; add a docstring; use the other approach; no, the second one; fix it; nice;
commit this; danke; weiter; läuft immer noch nicht; führ die Tests aus; lance les tests;
ça marche pas; sigue fallando; ejecuta las pruebas; テストを実行して; まだ壊れてる; 続けて;
"""


def task(*said: str, tools: tuple[str, ...] = (), first: bool = True) -> str:
    return JUDGE.decide(Talk(tuple(reversed(said)), first, tools)).task


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


@pytest.mark.parametrize("tools", [(), CODING])
@pytest.mark.parametrize("said", [said.strip() for said in FOLLOW_UPS.split(";") if said.strip()])
def test_a_follow_up_does_not_change_the_task_of_a_coding_session(said: str, tools: tuple[str, ...]) -> None:
    assert task(ASKED, said, tools=tools) == "code"
    assert task(ASKED, "ok", "go on", said, said, tools=tools) == "code"


@pytest.mark.parametrize("tools", [(), CODING])
@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("Something completely different: write a poem about my cat who sleeps all day", "creative"),
        ("Write a haiku about autumn leaves in the rain", "creative"),
        ("Schreib mir ein Gedicht über den Herbst im Wald", "creative"),
    ],
)
def test_what_stands_by_itself_changes_the_task(said: str, expected: str, tools: tuple[str, ...]) -> None:
    assert task(ASKED, "run the tests", said, tools=tools) == expected
    assert task(ASKED, said, "shorter", "thanks!", "another one", tools=tools) == expected


def test_tools_for_code_say_code_where_no_turn_says_more() -> None:
    assert task("look at it and tell me what is wrong", tools=CODING) == "code"
    assert task("look at it and tell me what is wrong", tools=("grep", "list_dir")) == "code"
    assert task("hello", tools=CODING) == "fast"
    assert task("look at it and tell me what is wrong", tools=("get_weather",)) != "code"


def test_files_that_are_named_lead_back_to_code() -> None:
    poem = "Something else: write a poem about my cat who sleeps all day"

    assert task(ASKED, poem, "and in dates.py the constant is wrong", tools=CODING) == "code"


def test_without_any_turn_that_says_more_the_task_is_general() -> None:
    assert task("hm", "xyzzy") == "general"
    assert task() == "general"


@pytest.mark.parametrize("shape", SHAPES)
def test_the_task_changes_only_where_a_person_would_change_it(shape: Shape) -> None:
    count = flips = changes = followed = 0
    for session in sessions():
        before, label = "", ""
        for turn in turns(session, shape):
            found = JUDGE.decide(talk_of(turn.body)).task
            count += 1
            flips += bool(before) and found != before and turn.label == label
            if label and turn.label != label:
                changes += 1
                followed += found in (turn.label, *turn.also_ok)
            before, label = found, turn.label

    assert count >= 400
    assert flips <= count / 20, f"{flips} flips in {count} turns"
    assert followed >= changes * 0.8, f"{followed} of {changes} changes were followed"


def test_the_conversations_are_what_they_are_said_to_be() -> None:
    assert len(sessions()) == 40
    assert all(10 <= len(session["turns"]) <= 30 for session in sessions())
    assert {session["language"] for session in sessions()} == {"en", "de", "fr", "es", "ja"}
    assert len({session["id"] for session in sessions()}) == 40
    assert sum(bool(session["tools"]) for session in sessions()) >= 20


@pytest.mark.parametrize("shape", SHAPES)
def test_while_tools_are_called_the_task_stays_whatever_they_give(shape: Shape) -> None:
    for session in sessions():
        for turn in turns(session, shape):
            found = JUDGE.decide(talk_of(turn.body))
            for step in turn.steps:
                talk = talk_of(step)

                assert talk.calling
                assert JUDGE.decide(talk) == found


def test_of_any_conversation_a_bounded_part_is_judged() -> None:
    seen: list[str] = []

    def unsure(text: str) -> Classification:
        seen.append(text)
        return Classification("general", 0.1, ("unsure, at best code",))

    for length in (10, 300, 4_000, 1_000_000):
        seen.clear()
        said = [user("lorem ipsum " * (length // 12 + 1)) for _ in range(500)]
        Turns(unsure, "unsure").decide(talk_of({"messages": said}))

        assert len(seen) <= 6
        assert sum(min(len(text), 1_000) for text in seen) <= 1_500


def decided(*said: str, **given: Any) -> Decision:
    host = Host.parse(json.dumps({"version": 1, "task_routing": {}}))
    messages = [turn for text in said for turn in (user(text), {"role": "assistant", "content": "Done."})][:-1]
    given = {"body": {"model": "auto", "messages": messages}, **given}
    return asyncio.run(simulate(host, SimulationInput(**given), Catalog(None, installed_prices())))


def test_the_record_says_which_turn_decided_and_never_what_was_said() -> None:
    record = decided(ASKED, "ok", "it hangs").trace.record()

    assert record["request"]["task"] == "code"
    assert record["request"]["task_by"].startswith("classifier heuristic, ")
    assert "sure of the user's first turn (" in record["request"]["task_by"]
    assert record["request"]["task_by"].endswith("; what was said since is too short or unsure to change it")
    assert not any(word in json.dumps(record) for word in ("hangs", "leap", "parses"))


def test_a_single_turn_is_told_as_ever() -> None:
    assert " sure (" in decided(ASKED).trace.record()["request"]["task_by"]


def test_who_names_the_task_is_told_in_place_of_a_turn() -> None:
    record = decided(ASKED, headers={"x-governance-task": "creative"}).trace.record()

    assert (record["request"]["task"], record["request"]["task_by"]) == ("creative", "header x-governance-task")


def test_without_a_task_profile_nothing_is_told_of_a_task() -> None:
    given = {"body": {"model": "openai/gpt-4o", "messages": [user("hi")]}}

    assert "task_by" not in decided("x", **given).trace.record()["request"]
