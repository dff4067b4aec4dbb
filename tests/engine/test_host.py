"""Finding plugins, asking them in order, and keeping their faults to themselves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from governance.engine.host import Host
from governance.hookspecs import hookimpl
from governance.model import (
    Charge,
    Failure,
    Recovery,
    Refusal,
    Request,
    Ruling,
    Selection,
    Target,
    Usage,
    Window,
    codes,
)
from governance.policy import Policy
from governance.trace import Trace

MINUTE = Window("limit", "team:research", "requests", 60, 60)
TEAPOT = Refusal(403, "teapot", "no coffee here")
REQUEST = Request("m")


class Rules:
    """Answers `pre_request` as it is told."""

    def __init__(self, answer: Any) -> None:
        self._answer = answer

    @hookimpl
    def pre_request(self, request: Request) -> Any:
        return self._answer(request) if callable(self._answer) else self._answer


class Chooses:
    """Answers `select_targets` as it is told."""

    def __init__(self, answer: Any) -> None:
        self._answer = answer

    @hookimpl
    def select_targets(self, request: Request, targets: Sequence[Target]) -> Any:
        return self._answer(targets) if callable(self._answer) else self._answer


class Needed(Rules):
    on_error = "refuse"


class NeededChoice(Chooses):
    on_error = "refuse"


def raises(_: Any) -> Any:
    raise RuntimeError("out of cheese")


def host(*plugins: object) -> Host:
    return Host(Policy("test", "sha256:0"), [(f"plugin{i}", plugin) for i, plugin in enumerate(plugins)])


def trace() -> Trace:
    return Trace(REQUEST, "sha256:0", 1000.0, "live")


def test_charges_add_up_and_a_rewritten_request_is_what_the_next_plugin_sees() -> None:
    seen: list[Request] = []

    def look(request: Request) -> Ruling:
        seen.append(request)
        return Ruling(charges=(Charge(MINUTE, 2),))

    first = Rules(Ruling(charges=(Charge(MINUTE, 1),), model="other", task="code", notes={"rule": "r"}))
    noted = trace()
    request, charges, refusal = host(first, Rules(look), Rules(None)).pre_request(REQUEST, noted)

    assert (request.model, request.task, refusal) == ("other", "code", None)
    assert [charge.amount for charge in charges] == [1, 2]
    assert seen == [request]
    assert noted.notes == {"rule": "r"}
    assert [(step.plugin, step.did) for step in noted.steps] == [
        ("plugin0", "1 charges, model other"),
        ("plugin1", "1 charges"),
    ]


def test_the_first_refusal_ends_the_round() -> None:
    asked: list[str] = []
    after = Rules(lambda request: asked.append("after"))
    _, _, refusal = host(Rules(Ruling(charges=(Charge(MINUTE, 1),))), Rules(Ruling(refusal=TEAPOT)), after).pre_request(
        REQUEST, trace()
    )

    assert refusal is TEAPOT
    assert asked == []


def test_plugins_are_asked_in_the_order_of_the_policy_and_not_of_registration() -> None:
    asked: list[str] = []

    class Named:
        def __init__(self, name: str) -> None:
            self._name = name

        @hookimpl(tryfirst=True)
        def pre_request(self, request: Request) -> None:
            asked.append(self._name)

    Host(Policy("t", "r"), [(name, Named(name)) for name in "cab"]).pre_request(REQUEST, trace())

    assert asked == ["c", "a", "b"]


def test_each_plugin_gets_the_targets_that_its_predecessor_returned() -> None:
    one, two = Target("a/m"), Target("b/m")
    plugins = (Chooses([one, two]), Chooses(None), Chooses(lambda targets: Selection(targets=targets[::-1])))
    targets, refusal = host(*plugins).select_targets(REQUEST, trace())

    assert (targets, refusal) == ((two, one), None)


def test_targets_that_nobody_proposes_are_none_and_dropped_ones_are_empty() -> None:
    assert host(Chooses(None), Chooses([])).select_targets(REQUEST, trace()) == (None, None)
    assert host(Chooses([Target("a/m")]), Chooses([])).select_targets(REQUEST, trace()) == ((), None)


def test_a_selection_may_refuse_note_and_shadow() -> None:
    shadow = {"name": "s", "would": {"model": "x"}}
    noted = trace()
    selection = Selection(refusal=TEAPOT, notes={"profile": "P"}, shadow=(shadow,))
    _, refusal = host(Chooses(selection), Chooses([Target("a/m")])).select_targets(REQUEST, noted)

    assert refusal is TEAPOT
    assert noted.notes == {"profile": "P"}
    assert noted.shadow == [{"plugin": "plugin0", **shadow}]


def test_the_first_word_on_a_failure_wins() -> None:
    class Recovers:
        def __init__(self, answer: Recovery | None) -> None:
            self._answer = answer

        @hookimpl
        def on_failure(self, target: Target, failure: Failure) -> Recovery | None:
            return self._answer

    plugins = host(Recovers(None), Recovers(Recovery(5.0)), Recovers(Recovery(9.0)))

    assert plugins.on_failure(REQUEST, Target("a/m"), Failure("timeout"), trace()).cool_down_s == 5.0


@pytest.mark.parametrize(
    ("kind", "try_next"),
    [("rate_limited", True), ("server_error", True), ("invalid_request", False), ("content_policy", True)],
)
def test_where_no_plugin_speaks_only_the_requests_own_faults_end_it(kind: str, try_next: bool) -> None:
    assert host().on_failure(REQUEST, Target("a/m"), Failure(kind), trace()).try_next is try_next


def test_all_are_told_of_a_success_whatever_one_does() -> None:
    told: list[int] = []

    class Learns:
        @hookimpl
        def on_success(self, usage: Usage) -> None:
            told.append(usage.input_tokens)
            raise RuntimeError("out of cheese")

    host(Learns(), Learns()).on_success(REQUEST, Target("a/m"), Usage(7), trace())

    assert told == [7, 7]


def test_a_plugin_that_raises_is_passed_over_and_named_in_the_record() -> None:
    noted = trace()
    request, _, refusal = host(Rules(raises), Rules(Ruling(model="other"))).pre_request(REQUEST, noted)

    assert (request.model, refusal) == ("other", None)
    assert noted.steps[0].did == "failed: RuntimeError: out of cheese"


@pytest.mark.parametrize("needed", [Needed(raises), NeededChoice(raises)], ids=["pre_request", "select_targets"])
def test_a_plugin_whose_word_is_needed_refuses_when_it_raises(needed: object) -> None:
    plugins = host(needed, Rules(Ruling(model="other")), Chooses([Target("a/m")]))
    _, _, ruled = plugins.pre_request(REQUEST, trace())
    _, selected = plugins.select_targets(REQUEST, trace())
    refusal = ruled or selected

    assert refusal is not None
    assert (refusal.status, refusal.code) == (503, codes.PLUGIN_ERROR)
    assert "cheese" not in refusal.message, "the fault is for the record, not for the caller"


@pytest.mark.parametrize(
    "answer",
    [
        "refuse",
        True,
        Selection(),
        Ruling(charges=None),  # type: ignore[arg-type]
        Ruling(charges=(MINUTE,)),  # type: ignore[arg-type]
        Ruling(notes=None),  # type: ignore[arg-type]
        Ruling(shadow=("a",)),  # type: ignore[arg-type]
        Ruling(refusal="no"),  # type: ignore[arg-type]
    ],
    ids=repr,
)
def test_a_ruling_of_the_wrong_type_is_a_fault_of_the_plugin(answer: Any) -> None:
    noted = trace()
    _, _, refusal = host(Needed(answer)).pre_request(REQUEST, noted)

    assert refusal is not None
    assert refusal.code == codes.PLUGIN_ERROR
    assert noted.steps[0].did.startswith("failed: TypeError: ")


@pytest.mark.parametrize(
    "answer",
    [
        "a/m",
        7,
        ["a/m"],
        Ruling(),
        Selection(targets=("a/m",)),  # type: ignore[arg-type]
        Selection(targets=None),  # type: ignore[arg-type]
        [Target("a/m", charges=(MINUTE,))],  # type: ignore[arg-type]
    ],
    ids=repr,
)
def test_targets_of_the_wrong_type_are_a_fault_of_the_plugin(answer: Any) -> None:
    targets, refusal = host(Chooses([Target("b/m")]), Chooses(answer)).select_targets(REQUEST, trace())

    assert (targets, refusal) == ((Target("b/m"),), None)


def test_one_plugin_that_cannot_list_its_models_does_not_hide_the_others() -> None:
    class Lists(Rules):
        def virtual_models(self, served: Sequence[str]) -> tuple[str, ...]:
            return tuple(f"v/{name}" for name in self._answer(served))

    plugins = host(Lists(lambda served: served), Rules(None), Lists(raises), Lists(lambda served: served[:1]))

    assert plugins.virtual_models(["a", "b"]) == ("v/a", "v/b")
