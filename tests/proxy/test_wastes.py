"""What LiteLLM works out for each request is the same with and without our cures; each test puts LiteLLM back."""

import copy
import datetime
import enum
from collections.abc import Iterator
from types import MappingProxyType
from typing import Any

import pytest
from litellm.litellm_core_utils import litellm_logging
from litellm.litellm_core_utils.litellm_logging import Logging
from litellm.proxy import proxy_server
from litellm.proxy._types import LiteLLMRoutes
from litellm.proxy.auth.route_checks import RouteChecks
from litellm.types.utils import ModelResponse, Usage

from governance.proxy import wastes

ROUTES = (
    "/v1/chat/completions",
    "/chat/completions",
    "/threads/t1/runs",
    "/key/generate",
    "/v1/x:generateContent",
)
ORIGINAL = RouteChecks._route_matches_pattern, proxy_server.ProxyConfig.get_config_state, Logging._zero_cost_finding


@pytest.fixture(autouse=True)
def put_back() -> Iterator[None]:
    yield
    matches, state, finding = ORIGINAL
    RouteChecks._route_matches_pattern = staticmethod(matches)  # type: ignore[method-assign]
    proxy_server.ProxyConfig.get_config_state = state  # type: ignore[method-assign]
    Logging._zero_cost_finding = finding  # type: ignore[method-assign]
    litellm_logging.copy = copy


def test_this_litellm_has_what_each_cure_is_for_and_an_operator_may_have_it_left_alone() -> None:
    assert wastes.cure({"GOVERNANCE_CURES": "leave"}) == ()
    assert RouteChecks._route_matches_pattern is ORIGINAL[0]

    assert wastes.cure({}) == ("routes", "configuration", "price lists", "reasons of a cost of zero")


def test_routes_match_what_they_matched() -> None:
    pairs = [(route, pattern) for route in ROUTES for group in LiteLLMRoutes for pattern in group.value]
    before = [RouteChecks._route_matches_pattern(route=route, pattern=pattern) for route, pattern in pairs]
    wastes.same_routes()

    for _ in range(2):
        assert [RouteChecks._route_matches_pattern(route=r, pattern=p) for r, p in pairs] == before
    assert any(before)


def test_the_configuration_is_everybodys_own_copy_and_that_of_now() -> None:
    wastes.same_configuration()
    config = proxy_server.ProxyConfig()
    config.update_config_state({"litellm_settings": {"default_team_settings": [{"team_id": "a"}]}})
    mine: Any = config.get_config_state()
    mine["litellm_settings"]["default_team_settings"].clear()

    assert isinstance(mine, MappingProxyType)
    assert config.load_team_config("a") == {"team_id": "a"}

    config.update_config_state(
        {"litellm_settings": {"default_team_settings": [{"team_id": "b", "at": datetime.date.max}]}}
    )

    assert config.load_team_config("a") == {}
    assert config.load_team_config("b") == {"team_id": "b", "at": datetime.date.max}


class Word(str, enum.Enum):
    ONE = "one"


@pytest.mark.parametrize(
    "value",
    [
        {"a": [1, 2.5, None, True, {"b": "\ud800"}], "c": ()},
        [Word.ONE, datetime.date.max],
        {"at": {"word": Word.ONE}},
        Word,
    ],
)
def test_a_deep_copy_is_what_python_makes(value: Any) -> None:
    copied = wastes.deep_copy(value)

    assert copied == value
    assert repr(copied) == repr(copy.deepcopy(value))
    assert (copied is value) == (copy.deepcopy(value) is value)


def test_a_list_in_a_copy_is_another_list() -> None:
    value: dict[str, list[int]] = {"a": [1]}
    wastes.deep_copy(value)["a"].append(2)

    assert value == {"a": [1]}


def logging_of(deployment: str, usage: Usage) -> tuple[Logging, ModelResponse]:
    made = Logging("m", [], False, "acompletion", datetime.datetime.now(), "id", "function")
    made.litellm_params = {"metadata": {"model_info": {"id": deployment}}}
    return made, ModelResponse(model="m", usage=usage)


def test_why_an_answer_cost_nothing_is_asked_once_a_minute_for_each_deployment_and_kind_of_tokens() -> None:
    asked: list[str | None] = []

    def finding(self: Logging, result: object, response_cost: float | None, **of: Any) -> Any:
        asked.append(self.get_router_model_id())
        return ("told", "why") if self.get_router_model_id() == "odd" else None

    now_s = [0.0]
    Logging._zero_cost_finding = finding  # type: ignore[method-assign, assignment]
    assert wastes.same_reasons(lambda: now_s[0])

    def ask(deployment: str, prompt_tokens: int = 1, completion_tokens: int = 1, cost: float = 0.0) -> Any:
        made, answer = logging_of(deployment, Usage(prompt_tokens=prompt_tokens, completion_tokens=completion_tokens))
        of: Any = {"calculation_failed": False, "litellm_model_name": None, "router_model_id": None}
        return made._zero_cost_finding(answer, cost, **of)

    for _ in range(3):
        ask("one")
    ask("one", completion_tokens=0)
    ask("two")
    assert asked == ["one", "one", "two"]

    assert [ask("odd"), ask("odd")] == [("told", "why")] * 2, "what there is to tell is told each time"

    now_s[0] = 61.0
    ask("one")
    assert asked[-1] == "one"
