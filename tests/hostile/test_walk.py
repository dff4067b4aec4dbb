"""Every route and every field of the installed LiteLLM, on a real proxy in front of a provider that records.

In short here; in full, which takes many minutes, by `make fuzz`.
"""

import os
import random
from collections.abc import Callable, Iterable
from typing import Final

import pytest

from tests.hostile import fields
from tests.hostile.attack import Found, attack
from tests.hostile.gateway import Gateway
from tests.hostile.recorder import Call
from tests.hostile.routes import Probe, probes
from tests.hostile.verdict import secrets_in
from tests.hostile.walk import reached

FULL: Final = os.environ.get("GOVERNANCE_FUZZ") == "full"
SEED: Final = int(os.environ.get("GOVERNANCE_FUZZ_SEED", "20"))
# Where a caller whom nothing binds must be served, or the walk would find nothing because nothing works.
SERVING: Final = (
    *("/v1/chat/completions", "/v1/completions", "/v1/embeddings", "/v1/moderations", "/v1/audio/speech"),
    *("/v1/audio/transcriptions", "/v1/responses", "/v1/responses/compact", "/v1/rerank", "/v1/ocr", "/v1/videos"),
    *("/v1/images/generations", "/v1/images/edits", "/v1/batches", "/v1/vector_stores", "/v1beta/interactions"),
    *("/v1beta/models/{model_name}:generateContent", "/openai_passthrough/{endpoint}", "/raw/chat", "/v1/rag/query"),
)


@pytest.fixture(scope="module")
def every_route(gateway: Gateway) -> list[Probe]:
    return probes(gateway.openapi())


def sampled(found: list[Probe], count: int) -> list[Probe]:
    return found if FULL else random.Random(SEED).sample(found, min(count, len(found)))


def tell(what: str, found: Found) -> None:
    print(f"\n{what}: {found}")
    assert not found.wrong, "\n".join(found.wrong[:100])


def anything(calls: Iterable[Call]) -> list[str]:
    return reached(calls) + [str(call) for call in calls if call.method not in ("CONNECT",) and call.path != "/mcp"]


def others_than(*providers: str) -> Callable[[Iterable[Call]], list[str]]:
    allowed = tuple(f"POST /{provider}/" for provider in providers)
    return lambda calls: [call for call in reached(calls) if not call.startswith(allowed)]


def nothing(calls: Iterable[Call]) -> list[str]:
    return []


def test_what_a_caller_may_do_whom_nothing_binds_reaches_providers(gateway: Gateway, every_route: list[Probe]) -> None:
    served = set()
    for probe in every_route:
        if probe.method == "POST" and probe.route in SERVING:
            found = attack(gateway, [probe], "unbound", nothing)
            served.add(probe.route) if found.calls else None

    assert served == set(SERVING)


def test_no_route_reaches_a_provider_for_a_caller_whose_budget_is_spent(
    gateway: Gateway, every_route: list[Probe]
) -> None:
    tell("routes x spent budget", attack(gateway, every_route, "spent", reached))


def test_a_key_with_a_list_of_models_reaches_no_other(gateway: Gateway, every_route: list[Probe]) -> None:
    chosen = sampled(every_route, 60)
    tell("routes x list of models", attack(gateway, chosen, "listed", others_than("cerebras")))
    allowed = [probe.asking("allowed/walked") for probe in chosen]
    tell("routes x listed model", attack(gateway, allowed, "listed", others_than("cerebras")))


def test_without_a_key_no_route_reaches_anything(gateway: Gateway, every_route: list[Probe]) -> None:
    tell("routes x no key", attack(gateway, sampled(every_route, 60), None, anything))


def test_fields_of_any_type_and_value_harm_nobody_and_are_counted(gateway: Gateway) -> None:
    chosen = list(fields.bodies(SEED)) if FULL else random.Random(SEED).sample(fields.sample(SEED, 100), 150)
    tell(
        "fields x wrong types and hostile values",
        attack(gateway, chosen, "rich", others_than("cerebras", "groq"), counted=True),
    )


def test_values_inside_of_fields_harm_nobody_and_are_counted(gateway: Gateway) -> None:
    chosen = fields.inside(SEED, 3_000 if FULL else 60)
    tell("inside of fields", attack(gateway, chosen, "rich", others_than("cerebras", "groq"), counted=True))


def test_no_key_of_the_operator_stands_in_for_an_empty_one(gateway: Gateway) -> None:
    names = ("api_key", "api_base", "base_url", "headers", "extra_headers")
    chosen = [fields.probe(path, name, value) for path in fields.BODIES for name in names for value in (None, "", {})]
    tell("empty credentials", attack(gateway, chosen, "rich", others_than("cerebras", "groq"), counted=True))


def test_headers_of_any_value_harm_nobody_and_are_counted(gateway: Gateway) -> None:
    chosen = sampled(list(fields.with_headers()), 60)
    tell("headers x hostile values", attack(gateway, chosen, "rich", others_than("cerebras", "groq"), counted=True))


def test_no_field_and_no_header_opens_what_a_spent_budget_closes(gateway: Gateway) -> None:
    chosen = sampled([*fields.bodies(SEED, (fields.CHAT,)), *fields.with_headers()], 60)
    tell("fields x spent budget", attack(gateway, chosen, "spent", reached))


def test_nothing_that_the_proxy_writes_or_shows_has_a_secret(gateway: Gateway) -> None:
    """The last one: of everything that was sent before."""
    gateway.chat("rich", "two/told")

    found = [line for where, text in gateway.told() for line in secrets_in(where, text)]
    assert not found, "\n".join(found)
