"""Models that LiteLLM's router gains, loses or changes while it runs: known within a second, with all that they are."""

from __future__ import annotations

from typing import Any

import litellm
import pytest
from litellm.proxy import proxy_server
from litellm.types.router import Deployment, LiteLLM_Params, ModelInfo

from governance.engine.host import Host
from governance.engine.keyring import may_call
from governance.policy.keys import Key
from governance.proxy.models import ProxyModels
from governance.proxy.router import set_aliases

CHEAP, DEAR = 1e-6, 3e-6


class Followed:
    """A router as the proxy has it, and what is known of it a second later."""

    def __init__(self, router: Any) -> None:
        self.router = router
        self._now_s = 0.0
        self._models = ProxyModels(Host.parse("version: 1"), clock=lambda: self._now_s)

    @property
    def models(self) -> ProxyModels:
        self._now_s += 1.0
        return self._models


def entry(group: str, model: str, **info: Any) -> dict[str, Any]:
    return {
        "model_name": group,
        "litellm_params": {"model": model, "api_key": "none", "mock_response": "here"},
        "model_info": {"id": group, **info},
    }


def deployment(group: str, model: str, **info: Any) -> Deployment:
    given = entry(group, model, **info)
    params = LiteLLM_Params(**given["litellm_params"])
    return Deployment(model_name=group, litellm_params=params, model_info=ModelInfo(**given["model_info"]))


@pytest.fixture
def followed(monkeypatch: pytest.MonkeyPatch) -> Followed:
    given = [entry("a", "openai/first"), entry("b", "groq/second", input_cost_per_token=CHEAP, output_cost_per_token=0)]
    router = litellm.Router(model_list=given, num_retries=0, ignore_invalid_deployments=True)
    monkeypatch.setattr(proxy_server, "llm_router", router)
    return Followed(router)


def price(models: ProxyModels, target: str) -> float | None:
    return models.catalog.facts(target).input_price


def test_a_model_that_is_added_serves(followed: Followed) -> None:
    assert followed.models.catalog.call_name("cerebras/third") is None
    followed.router.add_deployment(deployment("c", "cerebras/third"))

    assert followed.models.catalog.call_name("cerebras/third") == "c"


def test_a_model_that_is_deleted_serves_no_longer(followed: Followed) -> None:
    assert followed.models.catalog.call_name("groq/second") == "b"
    followed.router.delete_deployment("b")

    assert followed.models.catalog.call_name("groq/second") is None


def test_what_a_model_becomes_is_what_is_known_of_it(followed: Followed) -> None:
    assert price(followed.models, "groq/second") == 1.0
    followed.router.upsert_deployment(
        deployment("b", "groq/second", input_cost_per_token=DEAR, output_cost_per_token=0)
    )
    assert price(followed.models, "groq/second") == 3.0
    followed.router.upsert_deployment(deployment("b", "cerebras/other"))

    assert followed.models.catalog.call_name("groq/second") is None
    assert followed.models.catalog.call_name("cerebras/other") == "b"


def test_one_that_takes_the_place_of_another_is_seen_every_time(followed: Followed) -> None:
    for model in (f"groq/m{i}" for i in range(40)):
        followed.router.delete_deployment("b")
        followed.router.add_deployment(deployment("b", model))

        assert followed.models.catalog.call_name(model) == "b"


def test_a_whole_new_list_is_what_counts(followed: Followed) -> None:
    assert followed.models.catalog.call_name("openai/first") == "a"
    followed.router.set_model_list([entry("a", "groq/fresh"), entry("z", "openai/last")])

    assert followed.models.catalog.call_name("openai/first") is None
    assert followed.models.catalog.call_name("openai/last") == "z"


def test_what_a_key_denies_follows(followed: Followed) -> None:
    key = Key.model_validate({"name": "k", "sha256": "ab" * 32, "denied_models": ["cerebras/*"]})
    assert may_call(key, "b", followed.models)
    followed.router.upsert_deployment(deployment("b", "cerebras/other"))

    assert not may_call(key, "b", followed.models)


def test_aliases_and_routing_groups_follow(followed: Followed) -> None:
    assert followed.models.catalog.call_name("group:short") is None
    set_aliases(followed.router, {"short": "b"})
    assert followed.models.catalog.served_by("group:short") == (("groq", "second"),)
    followed.router.update_settings(
        routing_groups=[{"group_name": "both", "models": ["a", "b"], "routing_strategy": "simple-shuffle"}]
    )

    assert followed.models.served_by("both")[:2] == (("openai", "first"), ("groq", "second"))
    assert {("", "a"), ("", "b")} <= set(followed.models.served_by("both")), "who denies a member denies it there too"


def test_between_two_looks_a_request_costs_no_walk_through_the_list(followed: Followed) -> None:
    known = followed.models.catalog

    assert followed._models.catalog is known
    assert followed.models.catalog is known, "nothing has changed"
