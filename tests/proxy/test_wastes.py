"""What LiteLLM works out for each request is the same with and without our cures; each test puts LiteLLM back."""

import asyncio
import copy
import datetime
import enum
import pickle
from collections.abc import Callable, Iterator
from contextvars import copy_context
from types import MappingProxyType
from typing import Any

import pytest
from litellm.caching.caching import DualCache
from litellm.litellm_core_utils import litellm_logging
from litellm.litellm_core_utils.litellm_logging import Logging
from litellm.proxy import proxy_server
from litellm.proxy._lazy_features import LAZY_FEATURES, LazyFeature
from litellm.proxy._types import LiteLLMRoutes, UserAPIKeyAuth
from litellm.proxy.auth.route_checks import RouteChecks
from litellm.proxy.config_resolvers.settings_store import SettingsStore
from litellm.proxy.hooks.parallel_request_limiter_v3 import _PROXY_MaxParallelRequestsHandler_v3 as Limiter
from litellm.proxy.utils import InternalUsageCache
from litellm.types.utils import LlmProviders, ModelResponse, Usage

from governance.proxy import wastes
from governance.proxy.wastes.copied import deep_copy
from governance.proxy.wastes.features import features_at_once
from governance.proxy.wastes.limits import unlimited_uncounted
from governance.proxy.wastes.prices import same_reasons
from governance.proxy.wastes.providers import providers_at_once
from governance.proxy.wastes.routes import same_routes
from governance.proxy.wastes.settings import same_configuration, same_settings

ROUTES = (
    "/v1/chat/completions",
    "/chat/completions",
    "/threads/t1/runs",
    "/key/generate",
    "/v1/x:generateContent",
)
LIMITER = Limiter._build_request_rate_limit_descriptors, Limiter.async_log_success_event
ORIGINAL = RouteChecks._route_matches_pattern, proxy_server.ProxyConfig.get_config_state, Logging._zero_cost_finding
MATCHES, VALUE = LazyFeature.matches, LlmProviders.__dict__.get("value")
MANAGES, LOOK_UP = RouteChecks.is_management_route, SettingsStore.get


@pytest.fixture(autouse=True)
def put_back() -> Iterator[None]:
    yield
    matches, state, finding = ORIGINAL
    RouteChecks._route_matches_pattern = staticmethod(matches)  # type: ignore[method-assign]
    proxy_server.ProxyConfig.get_config_state = state  # type: ignore[method-assign]
    Logging._zero_cost_finding = finding  # type: ignore[method-assign]
    RouteChecks.is_management_route = staticmethod(MANAGES)  # type: ignore[method-assign]
    LazyFeature.matches = MATCHES  # type: ignore[method-assign]
    if VALUE is None and "value" in vars(LlmProviders):
        del LlmProviders.value
    SettingsStore.get = LOOK_UP  # type: ignore[method-assign]
    litellm_logging.copy = copy
    Limiter._build_request_rate_limit_descriptors, Limiter.async_log_success_event = LIMITER  # type: ignore[method-assign]


def test_this_litellm_has_what_each_cure_is_for_and_an_operator_may_have_it_left_alone() -> None:
    assert wastes.cure({"GOVERNANCE_CURES": "leave"}) == ()
    assert RouteChecks._route_matches_pattern is ORIGINAL[0]

    assert wastes.cure({}) == (
        "routes",
        "features",
        "providers",
        "settings",
        "configuration",
        "price lists",
        "reasons of a cost of zero",
        "tokens that no limit counts",
    )


def test_routes_match_what_they_matched() -> None:
    pairs = [(route, pattern) for route in ROUTES for group in LiteLLMRoutes for pattern in group.value]
    before = [RouteChecks._route_matches_pattern(route=route, pattern=pattern) for route, pattern in pairs]
    managing = [RouteChecks.is_management_route(route) for route in ROUTES]
    same_routes()

    for _ in range(2):
        assert [RouteChecks._route_matches_pattern(route=r, pattern=p) for r, p in pairs] == before
        assert [RouteChecks.is_management_route(route) for route in ROUTES] == managing
    assert any(before)
    assert set(managing) == {True, False}


def test_features_are_found_by_their_paths_as_before() -> None:
    paths = [*ROUTES, "", "/", "/server/authorize", *(each for f in LAZY_FEATURES for each in f.path_prefixes)]
    paths += [f"/x{suffix}" for feature in LAZY_FEATURES for suffix in feature.path_suffixes]
    before = [[feature.matches(path) for feature in LAZY_FEATURES] for path in paths]
    assert features_at_once()

    assert [[feature.matches(path) for feature in LAZY_FEATURES] for path in paths] == before
    assert {each for of in before for each in of} == {True, False}


def test_providers_have_the_names_they_had() -> None:
    before = [(provider, provider.value, provider.name, str(provider)) for provider in LlmProviders]
    assert providers_at_once()

    assert [(provider, provider.value, provider.name, str(provider)) for provider in LlmProviders] == before
    assert LlmProviders("openai") is LlmProviders.OPENAI
    assert "openai" in LlmProviders._value2member_map_
    assert pickle.loads(pickle.dumps(LlmProviders.OPENAI)) is LlmProviders.OPENAI
    assert copy.deepcopy(LlmProviders.OPENAI) is LlmProviders.OPENAI
    with pytest.raises(AttributeError):
        LlmProviders.OPENAI.value = "other"  # type: ignore[misc]


def test_settings_are_those_of_now() -> None:
    """Of the file, of the database, set and taken away while the proxy runs, null and in no place."""
    assert same_settings()
    store = SettingsStore("general_settings")
    names = ("a", "b", "c", "d")
    steps: list[Callable[[], Any]] = [
        lambda: None,
        lambda: store.load_yaml({"a": 1, "b": None}),
        lambda: store.apply_db_row("general_settings", {"a": 2, "c": [3], "d": None}),
        lambda: store.update(d=4),
        lambda: store.pop("c"),
        lambda: store.apply_runtime_values({"c": {"deep": [5]}}),
        store.clear,
        lambda: store.load_yaml({"d": "file"}),
        lambda: store.apply_db_row("general_settings", {}),
    ]
    seen = []
    for step in steps:
        step()
        expected = [(LOOK_UP(store, name), LOOK_UP(store, name, "else"), name in store) for name in names]
        for _ in range(2):
            assert [(store.get(name), store.get(name, "else"), name in store) for name in names] == expected
        assert all(store.get(name) is LOOK_UP(store, name) for name in names)
        seen.append(expected)

    assert len({repr(each) for each in seen}) > len(steps) - 3, "the steps change what is found"


def test_names_that_are_no_settings_do_not_fill_the_memory() -> None:
    assert same_settings()
    store = SettingsStore("general_settings")
    for number in range(5_000):
        assert store.get(f"name-{number}", number) == number

    assert len(vars(store)["_governance_found"][-1]) < 2_000


def test_the_configuration_is_everybodys_own_copy_and_that_of_now() -> None:
    same_configuration()
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
    copied = deep_copy(value)

    assert copied == value
    assert repr(copied) == repr(copy.deepcopy(value))
    assert (copied is value) == (copy.deepcopy(value) is value)


def test_a_list_in_a_copy_is_another_list() -> None:
    value: dict[str, list[int]] = {"a": [1]}
    deep_copy(value)["a"].append(2)

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
    assert same_reasons(lambda: now_s[0])

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


def counted_of(*calls: tuple[UserAPIKeyAuth, ...]) -> list[str]:
    """What LiteLLM's limiter counts of 30 tokens to each of these, whose limits are looked for as each key of them."""
    counted: list[str] = []

    class Told(Limiter):
        async def async_increment_tokens_with_ttl_preservation(self, pipeline_operations: Any, **of: Any) -> None:
            counted.extend(map(str, pipeline_operations))

    cache = DualCache()
    limiter = Told(InternalUsageCache(cache))

    async def answered(call: str, keys: tuple[UserAPIKeyAuth, ...]) -> None:
        for key in keys:
            data = {"model": "m", "litellm_call_id": call, "messages": [{"role": "user", "content": "hi"}]}
            await limiter.async_pre_call_hook(key, cache, data, "acompletion")
        told = {"metadata": {"user_api_key_hash": keys[0].api_key, "user_api_key_team_id": keys[0].team_id}}
        kwargs = {"litellm_call_id": call, "standard_logging_object": told, "model": "m"}
        answer = ModelResponse(usage=Usage(prompt_tokens=10, completion_tokens=20, total_tokens=30))
        at = datetime.datetime.now()
        await limiter.async_log_success_event(kwargs, answer, at, at)

    for number, keys in enumerate(calls):
        copy_context().run(asyncio.run, answered(f"call-{number}", keys))
    return counted


def test_tokens_are_counted_as_before_where_a_limit_applies_and_else_not() -> None:
    free = UserAPIKeyAuth(api_key="key-1", team_id="team-1")
    limited = UserAPIKeyAuth(api_key="key-2", team_id="team-2", tpm_limit=1000)
    of_team = UserAPIKeyAuth(api_key="key-3", team_id="team-3", team_rpm_limit=1000)
    before = counted_of((free,), (limited,), (of_team,))
    assert unlimited_uncounted()

    after = counted_of((free,), (limited,), (of_team,))

    assert after == [each for each in before if "key-1" not in each and "team-1" not in each]
    assert len(after) < len(before)
    assert [each for each in after if "key-2" in each]
    assert [each for each in after if "team-3" in each]


def test_a_limit_that_one_run_of_a_request_met_is_counted_though_another_met_none() -> None:
    limited, free = UserAPIKeyAuth(api_key="key-1", tpm_limit=1000), UserAPIKeyAuth(api_key="key-1")
    assert unlimited_uncounted()

    assert counted_of((free,)) == []
    assert counted_of((limited, free)) != []
    assert counted_of((free, limited)) != []
