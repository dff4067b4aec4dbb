"""Our cost of every model of the map against LiteLLM's own `response_cost`, for one synthetic answer of each mode."""

from __future__ import annotations

from collections import defaultdict
from typing import Any, Final

import litellm
import pytest
from litellm import EmbeddingResponse, ImageResponse, ModelResponse, RerankResponse, TranscriptionResponse
from litellm.llms.base_llm.ocr.transformation import OCRResponse, OCRUsageInfo
from litellm.llms.base_llm.search.transformation import SearchResponse
from litellm.types.utils import Usage as LitellmUsage
from litellm.types.videos.main import VideoObject

from governance.catalog import Catalog, Sources
from governance.catalog.prices import installed_prices
from governance.model import Request, Window
from governance.proxy.usage import measured

TOKENS = LitellmUsage(prompt_tokens=100, completion_tokens=50, total_tokens=150)
SIZE = {"size": "1024x1024"}

# Our request type and LiteLLM's call type of each mode that can be priced.
MODES: Final = {
    "chat": ("chat", "acompletion"),
    "responses": ("responses", "acompletion"),
    "completion": ("completion", "atext_completion"),
    "embedding": ("embedding", "aembedding"),
    "image_generation": ("image_generation", "aimage_generation"),
    "image_edit": ("image_generation", "aimage_edit"),
    "audio_transcription": ("transcription", "atranscription"),
    "audio_speech": ("speech", "aspeech"),
    "rerank": ("rerank", "arerank"),
    "moderation": ("moderation", "amoderation"),
    "ocr": ("ocr", "aocr"),
    "video_generation": ("video_generation", "acreate_video"),
    "search": ("search", "asearch"),
    "vector_store": ("vector_store", "avector_store_search"),
}
# What no price list of requests is about, or cannot be known before; docs/costs.md says so.
NOT_PRICED: Final = {"realtime", "decisions", "evaluation", "extraction", "guardrail"}
# Where we count more than LiteLLM, by mode and provider; docs/costs.md has the same table.
EXPLAINED: Final = {
    (
        "chat",
        "replicate",
    ): "LiteLLM counts the seconds of what it takes for an unknown model; the map has prices by tokens",
    ("chat", "together_ai"): "LiteLLM counts by the size in a model's name; the map has a price for that size's name",
    ("image_generation", "openai"): "no model has such a name: LiteLLM joins size, quality and name",
    (
        "image_generation",
        "vertex_ai-language-models",
    ): "an answer without usage: LiteLLM counts the text, we the images",
    ("audio_speech", "openai"): "LiteLLM counts the text alone; what is spoken costs more, and is guessed",
    ("audio_speech", "dashscope"): "LiteLLM counts the text alone; what is spoken costs more, and is guessed",
    ("audio_speech", "azure"): "LiteLLM counts the text alone; what is spoken costs more, and is guessed",
    ("audio_speech", "gemini"): "LiteLLM counts the text alone; what is spoken costs more, and is guessed",
    ("audio_speech", "vertex_ai"): "LiteLLM counts the text alone; what is spoken costs more, and is guessed",
}


def answer_of(mode: str) -> Any:
    if mode == "embedding":
        return EmbeddingResponse(model="m", data=[], usage=LitellmUsage(prompt_tokens=100, total_tokens=100))
    if mode in ("image_generation", "image_edit"):
        return ImageResponse(created=1, data=[{"url": "u"}, {"url": "u"}])
    if mode == "audio_transcription":
        heard = TranscriptionResponse(text="x")
        heard._hidden_params = {"audio_transcription_duration": 12.5}
        return heard
    if mode == "audio_speech":
        return None
    if mode == "rerank":
        return RerankResponse(id="1", results=[], meta={"billed_units": {"search_units": 3}})
    if mode == "ocr":
        told = OCRUsageInfo(pages_processed=7, pages_processed_annotation=3, credits=9.5)
        return OCRResponse(pages=[], model="m", usage_info=told)
    if mode == "video_generation":
        return VideoObject(id="v", object="video", status="completed", usage={"duration_seconds": 4.5})
    if mode == "vector_store":
        return {"object": "vector_store.search_results.page", "search_query": "q", "data": []}
    if mode == "search":
        return SearchResponse(results=[])
    return ModelResponse(model="m", choices=[{"message": {"content": "x" * 200}}], usage=TOKENS)


# What LiteLLM prices by something else than its map, so that a budget knows no price before the call.
UNPRICED_BEFORE: Final = {"together_ai/togethercomputer/CodeLlama-34b-Instruct": "by the size in its name"}
MONEY: Final = Window("money", "everyone:", "usd_micros", 10**12, "month")


def litellm_usd(name: str, provider: str, mode: str, answer: Any) -> float | None:
    """LiteLLM's cost; None where it cannot tell any."""
    more: dict[str, Any] = {"prompt": "x" * 1000} if mode == "audio_speech" else {}
    if mode in ("image_generation", "image_edit"):
        more |= {"n": 2, "quality": "standard", **SIZE}
    if mode == "search":
        more |= {"optional_params": {"query": "q"}}
    if isinstance(answer, OCRResponse):
        # LiteLLM goes by the model that answered.
        answer = answer.model_copy(update={"model": name.removeprefix(f"{provider}/")})
    try:
        usd = litellm.completion_cost(
            completion_response=answer, model=name, custom_llm_provider=provider, call_type=MODES[mode][1], **more
        )
        if not usd and isinstance(answer, ModelResponse):
            # It has lost the name on the way to its prices.
            usd = sum(litellm.cost_per_token(model=name, custom_llm_provider=provider, usage_object=answer.usage))
    except Exception:  # LiteLLM raises whatever it meets where it has no price
        return None
    return float(usd)


def compared() -> tuple[dict[tuple[str, str], list[str]], list[str]]:
    """Every difference, by mode and provider; and the models that nothing can be reserved for, though LiteLLM has a
    price.
    """
    sources = Sources(installed_prices())
    found, unpriced = defaultdict(list), []
    for name, entry in installed_prices().items():
        mode = entry.get("mode")
        if mode not in MODES:
            continue
        provider, answer = entry["litellm_provider"], answer_of(mode)
        usd = litellm_usd(name, provider, mode, answer)
        target = name if name.startswith(f"{provider}/") else f"{provider}/{name}"
        request = Request(
            target,
            request_type=MODES[mode][0],
            characters=1000 if mode == "audio_speech" else 0,
            choices=2 if mode.startswith("image") else 1,
            params=SIZE,
        )
        told = {"response_cost": usd, "custom_llm_provider": provider}
        facts = Catalog(None, sources).facts(target)
        ours = measured(told, answer, request, facts).cost_usd_micros
        if usd and request.charge(MONEY, facts) is None:
            unpriced.append(name)
        if usd and (ours is None or not -0.51 <= ours - usd * 1e6 <= 1.01):
            found[mode, provider].append(f"{name}: {ours} for LiteLLM's {usd * 1e6:.2f}")
    return found, unpriced


Compared = tuple[dict[tuple[str, str], list[str]], list[str]]


@pytest.fixture(scope="module")
def differences(monkeypatch_module: pytest.MonkeyPatch) -> Compared:
    monkeypatch_module.setattr(litellm, "model_cost", dict(installed_prices()))
    monkeypatch_module.setattr(litellm, "suppress_debug_info", True)
    return compared()


@pytest.fixture(scope="module")
def monkeypatch_module() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        yield patch


def test_no_difference_to_litellms_cost_is_unexplained(differences: Compared) -> None:
    assert {of: told for of, told in differences[0].items() if of not in EXPLAINED} == {}


def test_nothing_is_counted_at_less_than_litellm_has_for_it(differences: Compared) -> None:
    for told in differences[0].values():
        for each in told:
            ours, litellms = each.rsplit(": ", 1)[1].split(" for LiteLLM's ")
            assert float(ours) > float(litellms), each


def test_what_litellm_has_a_price_for_can_be_reserved(differences: Compared) -> None:
    assert set(differences[1]) <= UNPRICED_BEFORE.keys()


def test_every_mode_of_the_map_is_priced_or_said_not_to_be() -> None:
    modes = {entry.get("mode") for entry in installed_prices().values()}

    # The map explains itself in one entry, and some have no mode.
    assert {mode for mode in modes if mode and not mode.startswith("one of")} <= MODES.keys() | NOT_PRICED
