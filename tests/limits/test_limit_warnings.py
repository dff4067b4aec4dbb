"""What `governance check` says of limits that are allowed and can never work."""

import json
from typing import Any

import pytest

from governance.catalog import Catalog
from governance.engine.host import Host

SERVED = Catalog(
    [
        {"model_name": "house", "litellm_params": {"model": "openai/gpt-4o"}},
        {"model_name": "groq/*", "litellm_params": {"model": "groq/*"}},
    ],
    {},
)
EXACT = Catalog([{"model_name": "house", "litellm_params": {"model": "openai/gpt-4o"}}], {})


def warnings(catalog: Catalog, **limit: Any) -> tuple[str, ...]:
    entry = {"name": "l", "requests": "1/minute", **limit}
    return Host.parse(json.dumps({"version": 1, "rate_limits": [entry]})).warnings(catalog)


@pytest.mark.parametrize(
    ("subject", "catalog"),
    [
        ({"provider": "openai"}, SERVED),
        ({"provider": "groq"}, SERVED),
        ({"model": "gpt-4o"}, EXACT),
        ({"model": "house"}, EXACT),
        ({"model": "llama"}, SERVED),
        ({"target": "openai/gpt-4o"}, SERVED),
        ({"target": "groq/llama"}, SERVED),
        ({"provider": "*"}, EXACT),
        ({"team": "any"}, EXACT),
        ({"provider": "mistral"}, Catalog(None, {})),
    ],
)
def test_a_limit_on_what_is_served_is_fine(subject: Any, catalog: Catalog) -> None:
    assert warnings(catalog, subject=subject) == ()


@pytest.mark.parametrize("subject", [{"provider": "mistral"}, {"model": "gpt-5"}, {"target": "openai/o3"}])
def test_a_limit_on_what_is_not_served_is_told(subject: dict[str, str]) -> None:
    ((kind, name),) = subject.items()

    assert warnings(EXACT, subject=subject) == (
        f"limit l: the proxy serves no {kind} `{name}`; this limit will never count anything",
    )


def test_a_way_out_that_leads_nowhere_is_told() -> None:
    assert warnings(EXACT, subject="everyone", on_exceeded={"route_to": "eco/auto"}) == (
        "limit l: route_to `eco/auto`: no profile has it and the proxy serves no such model",
    )
    assert warnings(EXACT, subject="everyone", on_exceeded={"route_to": "house"}) == ()
