"""From which day a model is passed over, and whom that day is about."""

from __future__ import annotations

from typing import Any

import pytest

from governance.catalog import Catalog, Sources, screen
from governance.catalog.retirement import retires_at_s
from governance.model import Request, Target

DAY = "2027-01-14"
DAY_S = 1_799_884_800.0
MAP: dict[str, Any] = {
    "old": {"litellm_provider": "openai", "deprecation_date": DAY},
    "azure/old": {"litellm_provider": "azure", "deprecation_date": "2027-03-01"},
    "new": {"litellm_provider": "openai"},
}


def deployment(group: str, model: str, /, info: Any = None, **params: Any) -> dict[str, Any]:
    return {"model_name": group, "litellm_params": {"model": model, **params}, "model_info": info or {}}


def end(target: str, *deployments: dict[str, Any], overrides: Any = None) -> float | None:
    return Catalog(deployments or None, Sources(MAP, {}, overrides or {})).facts(target).retires_at_s


def reason(at_s: float | None) -> str | None:
    found = screen(Request("x", models=Catalog(None, MAP), at_s=at_s), Target("openai/old")).rejected
    return f"{found.code} ({found.detail})" if found else None


def test_a_model_serves_until_the_day_begins() -> None:
    assert reason(DAY_S - 1) is None
    assert reason(DAY_S) == "retired (switched off by its provider on 2027-01-14)"
    assert reason(None) is None, "who does not say when asks about no day"


@pytest.mark.parametrize(
    "written", ["", None, "soon", "never", "2027-13-01", 5, "date when the model becomes deprecated"]
)
def test_what_is_no_day_is_never(written: Any) -> None:
    assert retires_at_s(written) is None


def test_a_moment_counts_as_its_day() -> None:
    assert retires_at_s("2027-01-14T18:00:00Z") == DAY_S


def test_the_policy_and_the_deployment_know_better_than_the_map() -> None:
    later = {"deprecation_date": "2027-02-01"}

    assert end("openai/old", overrides={"openai/old": later}) == retires_at_s("2027-02-01")
    assert end("openai/old", overrides={"openai/old": {"deprecation_date": "never"}}) is None
    assert end("openai/old", deployment("old", "openai/old", later)) == retires_at_s("2027-02-01")


@pytest.mark.parametrize(
    ("address", "retires"),
    [
        ("https://api.openai.com/v1", True),
        ("https://eu.api.openai.com/v1", True),
        ("http://127.0.0.1:8000/v1", False),
        ("https://openai.com.example.org", False),
    ],
)
def test_a_machine_of_ones_own_outlives_the_makers(address: str, retires: bool) -> None:
    assert (end("openai/old", deployment("old", "openai/old", api_base=address)) is not None) is retires


def test_other_providers_have_days_of_their_own() -> None:
    address = "https://ours.openai.azure.com"

    assert end("azure/old", deployment("old", "azure/old", api_base=address)) == retires_at_s("2027-03-01")
    proxied = deployment("old", "azure/old", api_base="http://127.0.0.1:8000")
    assert end("azure/old", proxied) is None
    borrowed = deployment("ours", "azure/ours", {"base_model": "old"}, api_base=address)
    assert end("azure/ours", borrowed) is None, "its base model's day is that of OpenAI"


def test_a_group_retires_with_its_last_deployment() -> None:
    old, azure, new = (deployment("any", model) for model in ("openai/old", "azure/old", "openai/new"))

    assert end("group:any", old, azure) == retires_at_s("2027-03-01")
    assert end("group:any", old, new) is None
