"""Behaviour cases of task routing: areas `infer`, `discover_*`, `sync` and `provider_of_model`.

`conform` runs as stated, `trap` by what the case wants, `policy` by what we decided. Facts come from data: from prices,
from what providers list and from LiteLLM's model map. Where a case guesses them from a name, `DECIDED` says what is so.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from governance.catalog import Catalog, Sources, card, chats, installed_prices, provider_of
from governance.discovery import Source
from governance.discovery.kinds import READERS, ollama, openrouter, vercel
from governance.discovery.kinds.listing import listing_url
from governance.discovery.outbound import Outbound
from governance.discovery.sync import discover
from tests.discovery.fake_provider import FakeProvider
from tests.discovery.kept import InMemory

CASES = yaml.safe_load((Path(__file__).parent / "task-routing-cases.yaml").read_text("utf-8"))["cases"]
AREAS = ("infer", "sync", "provider_of_model")

DECIDED = {
    "inf-02": "a tier is a place among all prices; gpt-4o stands in the third quarter of chat models, so it is high",
    "inf-11": "the context of the retired model is what it was sold with, not that of a later one of the family",
}
PROVIDERS = {"gpt": "openai", "claude": "anthropic", "gemini": "gemini"}


def of(area: str) -> list[Any]:
    cases = [case for case in CASES if case["area"] == area]
    assert cases, f"no cases of {area}"
    return [pytest.param(case, id=case["id"]) for case in cases]


@pytest.fixture
async def provider() -> Any:
    async with FakeProvider().running() as running:
        yield running


@pytest.fixture
def read() -> Callable[..., Any]:
    async def found(source: Source) -> dict[str, dict[str, Any]]:
        async with Outbound(source) as outbound:
            return {each.name: dict(each.entry) for each in await READERS[source.kind](outbound)}

    return found


def known(target: str, discovered: dict[str, Any] | None = None) -> dict[str, Any]:
    return card(Catalog(None, Sources(installed_prices(), discovered or {})), target)


@pytest.mark.parametrize("case", of("infer"))
def test_infer_case(case: dict[str, Any]) -> None:
    model = case["given"]["model"]
    shown = known(f"{PROVIDERS[model.partition('-')[0]]}/{model}")
    want = case["want"] if case["kind"] == "trap" else case["upstream"]

    if "tier" in want:
        assert shown["tier"] == want["tier"]
    if "context" in want:
        assert shown["max_input_tokens"] == want["context"]
    if "vision" in want:
        assert shown["capabilities"]["vision"] is want["vision"]
    if "chat" in want:
        assert ("text" in shown["output_modalities"]) is want["chat"]
        assert shown["output_modalities"] == want["modalities"]


@pytest.mark.parametrize("case", of("discover_openrouter"))
def test_openrouter_case(case: dict[str, Any]) -> None:
    if "base_url" in case["given"]:
        source = Source("openrouter", "openrouter", "openrouter", case["given"]["base_url"])
        assert listing_url(source) == case["upstream"]["url"]
        return
    entry = openrouter.entry({"id": "x", "architecture": {"modality": case["given"]["architecture_modality"]}})

    shown = known("openrouter/x", {"openrouter/x": entry})

    assert shown["input_modalities"] == sorted(case["upstream"]["modalities"])


@pytest.mark.parametrize("case", of("discover_openai"))
async def test_openai_case(case: dict[str, Any], provider: FakeProvider, read: Callable[..., Any]) -> None:
    if "base_url" in case["given"]:
        assert listing_url(Source("openai", "openai", "openai", case["given"]["base_url"])) == case["upstream"]["url"]
        return
    provider.says("/v1/models", {"data": [{"id": name, "object": "model"} for name in case["given"]["ids"]]})

    assert await kept_as_chat("openai", await read(provider.source("openai"))) == case["want"]["kept_as_chat"]


@pytest.mark.parametrize("case", of("discover_groq"))
async def test_groq_case(case: dict[str, Any], provider: FakeProvider, read: Callable[..., Any]) -> None:
    provider.says("/openai/v1/models", {"data": [{"id": name, "active": True} for name in case["given"]["ids"]]})

    assert await kept_as_chat("groq", await read(provider.source("groq"))) == case["upstream"]["kept"]


async def kept_as_chat(provider: str, found: dict[str, dict[str, Any]]) -> list[str]:
    discovered = {f"{provider}/{name}": {"display_name": name, **entry} for name, entry in found.items()}
    return [name for name in found if chats(known(f"{provider}/{name}", discovered)["mode"])]


@pytest.mark.parametrize("case", of("discover_ollama"))
def test_ollama_case(case: dict[str, Any]) -> None:
    item, want = case["given"]["item"], case["upstream"]
    target = f"ollama/{item['name']}"

    shown = known(target, {target: ollama.entry(item, {})})

    assert shown["capabilities"]["vision"] is want["vision"]
    assert (shown["max_input_tokens"], shown["tier"]) == (want["context"], want["tier"])


@pytest.mark.parametrize("case", of("discover_vercel"))
def test_vercel_case(case: dict[str, Any]) -> None:
    target = f"vercel_ai_gateway/{case['given']['id']}"
    shown = known(target, {target: vercel.entry({"id": case["given"]["id"]})})

    assert shown["origin_provider"] == case["upstream"]["origin_provider"]


async def test_dis_23_a_provider_without_its_key_says_so(provider: FakeProvider) -> None:
    [case] = [case for case in CASES if case["id"] == "dis-23"]
    assert case["upstream"]["error"] == "missing_api_key"
    source = provider.source("openai", needs_key=True, key_names=("OPENAI_API_KEY",))

    [outcome] = await discover([source], InMemory().keep)

    assert str(outcome.error).startswith("no key")
    assert provider.asked == []


def test_dis_25_a_model_that_cannot_see_may_still_have_tools() -> None:
    [case] = [case for case in CASES if case["id"] == "dis-25"]
    shown = known("my-vllm/x", {"my-vllm/x": {"supports_vision": case["given"]["vision"]}})

    assert case["want"]["tool_calling"] == "unknown"
    assert shown["capabilities"]["vision"] is False
    assert shown["capabilities"]["tools"] is None


@pytest.mark.parametrize("case", of("sync"))
async def test_sync_case(case: dict[str, Any], provider: FakeProvider) -> None:
    kept, source = InMemory(), provider.source("openai_compatible")
    provider.says("/v1/models", {"data": [{"id": "a"}]})
    await discover([source], kept.keep)
    provider.says("/v1/models", {"data": case["given"]["discovered"]})

    [outcome] = await discover([source], kept.keep)

    assert case["want"]["refuse_or_warn"]
    assert outcome.error == "lists no models at all; what was known is kept"
    assert list(kept.state.sources[source.name].models) == ["a"]


@pytest.mark.parametrize("case", of("provider_of_model"))
def test_provider_of_model_case(case: dict[str, Any]) -> None:
    """A bare name is of the provider that the model map names, else of the only one that lists such a model."""
    assert case["want"]["provider"] == "discovered provider"
    discovered = {"hosted_vllm/only-here": {}, "openai/both": {}, "groq/both": {}}
    catalog = Catalog([{"model_name": "hosted_vllm/*"}], Sources(installed_prices(), discovered))

    assert catalog.served_by("only-here") == (("hosted_vllm", "only-here"),)
    assert catalog.served_by("both") == (("", "both"),), "two list it, and nothing says which is meant"
    assert provider_of("gpt-4o", installed_prices()) == "openai"


def test_every_case_of_these_areas_is_run() -> None:
    areas = {case["area"] for case in CASES if case["area"] in AREAS or case["area"].startswith("discover_")}

    assert areas == {
        "infer",
        "discover_openrouter",
        "discover_openai",
        "discover_groq",
        "discover_ollama",
        "discover_vercel",
        "discover_any",
        "sync",
        "provider_of_model",
    }
    assert {case["id"] for case in CASES if case["area"] == "discover_any"} == {"dis-23", "dis-25"}
