"""`min_confidence`: what the classifier is less sure of than the policy asks for says nothing."""

from __future__ import annotations

import json

import pytest

from governance.engine.host import Host
from governance.model.classification import Classification
from governance.model.errors import PolicyError
from governance.model.talk import Talk
from governance_plugins.task_routing import TaskRouting
from governance_plugins.task_routing.sureness import at_least
from governance_plugins.task_routing.turns import Turns
from tests.plugins.test_task_routing import LAB, decide


def half_sure(text: str) -> Classification:
    return Classification("creative" if "poem" in text else "code", 0.9 if "code" in text else 0.6, ("words",))


def test_what_is_less_sure_is_general_and_says_what_it_might_be() -> None:
    assert at_least(half_sure, 0.6)("poem").task == "creative"
    assert at_least(half_sure, None)("poem").task == "creative"
    assert at_least(half_sure, 0.7)("poem") == Classification("general", 0.6, ("unsure, at best creative", "words"))


def test_a_classifier_that_says_itself_that_it_is_unsure_is_told_once() -> None:
    unsure = Classification("general", 0.3, ("unsure, at best code",))

    assert at_least(lambda _: unsure, 0.5)("x") is unsure


def test_an_unsure_turn_keeps_the_task_of_the_conversation() -> None:
    talk = Talk(
        ("and now write the poem that we spoke about in the morning", "fix this code in the parser please"), True
    )

    assert Turns(half_sure, "x").decide(talk).task == "code"
    assert Turns(at_least(half_sure, 0.7), "x").decide(talk).task == "code"
    assert Turns(at_least(half_sure, 0.95), "x").decide(talk).task == "general"


def test_a_policy_sets_it() -> None:
    text = "Refactor this Python function"

    assert decide("auto", text, section=LAB | {"min_confidence": 0.5}).trace.notes["task"] == "code"
    assert decide("auto", text, section=LAB | {"min_confidence": 1}).trace.notes["task"] == "general"
    assert TaskRouting.Config().min_confidence is None


@pytest.mark.parametrize("value", [-0.1, 1.5, 50])
def test_what_is_no_share_is_refused(value: float) -> None:
    with pytest.raises(PolicyError, match=r"task_routing.min_confidence: "):
        Host.parse(json.dumps({"version": 1, "task_routing": {"min_confidence": value}}))
