"""Every kind of endpoint that LiteLLM serves: governed, and settled to what the provider reported."""

from typing import Any

import httpx
import pytest

TEXT = [{"role": "user", "content": "Hello"}]
REPORTED = {"input_tokens": 100, "output_tokens": 20}


def used(proxy, answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    record: dict[str, Any] = proxy.decision(answer.headers["x-governance-decision-id"])
    assert record["attempts"][-1]["outcome"] == "ok"
    return record


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("virtual", ["alone", "across", "goog", "life"])
@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/chat/completions", {"messages": TEXT}),
        ("/v1/responses", {"input": "Hello"}),
        ("/v1/messages", {"max_tokens": 50, "messages": TEXT}),
    ],
)
def test_text_is_settled_whatever_the_api_and_the_provider(
    proxy, providers, path: str, body: dict[str, Any], virtual: str, stream: bool
) -> None:
    providers.fail("*", usage=REPORTED)

    record = used(proxy, proxy.client.post(path, json={"model": f"{virtual}/text", "stream": stream, **body}))

    assert (record["usage"]["input_tokens"], record["usage"]["output_tokens"]) == (100, 20)


@pytest.mark.parametrize(
    ("virtual", "target", "method"),
    [
        ("goog", "gemini", "generateContent"),
        ("alone", "openai", "generateContent"),
        ("alone", "openai", "streamGenerateContent?alt=sse"),
    ],
)
def test_googles_api_is_governed_and_settled(proxy, providers, virtual: str, target: str, method: str) -> None:
    providers.fail("*", usage=REPORTED)
    model = f"google-api-{method[:6]}"
    body = {"contents": [{"role": "user", "parts": [{"text": "Hello"}]}]}

    answer = proxy.client.post(f"/v1beta/models/{virtual}/{model}:{method}", json=body)

    assert answer.status_code == 200, answer.text
    proxy.settles(f"{virtual}/{model}", f"{target}/{model}", {"requests": 1, "tokens": 120})


def test_a_stream_of_which_litellm_tells_nothing_keeps_what_was_reserved(proxy) -> None:
    """Google's own streams, at Google's models: LiteLLM calls no hook when they have ended."""
    body = {"contents": [{"role": "user", "parts": [{"text": "Hello"}]}], "generationConfig": {"maxOutputTokens": 300}}

    answer = proxy.client.post("/v1beta/models/goog/untold:streamGenerateContent?alt=sse", json=body)

    assert answer.status_code == 200, answer.text
    proxy.settles("goog/untold", "gemini/untold", {"requests": 1, "tokens": 302})


def test_completions_are_settled(proxy, providers) -> None:
    providers.fail("*", usage=REPORTED)

    record = used(proxy, proxy.client.post("/v1/completions", json={"model": "alone/completed", "prompt": "Hello"}))

    assert record["usage"]["output_tokens"] == 20


def test_embeddings_are_settled_without_output(proxy) -> None:
    record = used(
        proxy, proxy.client.post("/v1/embeddings", json={"model": "alone/text-embedding-3-small", "input": "Hello"})
    )

    assert record["usage"]["output_tokens"] == 0
    assert record["usage"]["input_tokens"] > 0


def counted_once(proxy, providers, virtual: str, target: str) -> None:
    """For endpoints whose answers carry none of our headers: the target was asked once, and once is counted."""
    assert providers.stats(target)["received"] == 1
    proxy.settles(virtual, target, {"requests": 1, "concurrent": 0})


def test_images_are_counted(proxy, providers) -> None:
    answer = proxy.client.post("/v1/images/generations", json={"model": "alone/gpt-image-1", "prompt": "a cat"})

    assert answer.status_code == 200, answer.text
    counted_once(proxy, providers, "alone/gpt-image-1", "openai/gpt-image-1")


def test_speech_is_counted(proxy, providers) -> None:
    answer = proxy.client.post("/v1/audio/speech", json={"model": "alone/tts-1", "input": "Hello", "voice": "alloy"})

    assert answer.status_code == 200, answer.text
    counted_once(proxy, providers, "alone/tts-1", "openai/tts-1")


def test_transcriptions_are_counted(proxy, providers) -> None:
    files = {"file": ("a.wav", b"RIFF0000WAVE", "audio/wav")}
    answer = proxy.client.post("/v1/audio/transcriptions", data={"model": "alone/whisper-1"}, files=files)

    assert answer.status_code == 200, answer.text
    counted_once(proxy, providers, "alone/whisper-1", "openai/whisper-1")


def test_moderations_are_counted(proxy, providers) -> None:
    answer = proxy.client.post("/v1/moderations", json={"model": "alone/omni-moderation-latest", "input": "Hello"})

    assert answer.status_code == 200, answer.text
    counted_once(proxy, providers, "alone/omni-moderation-latest", "openai/omni-moderation-latest")


def test_rerank_is_counted(proxy, providers) -> None:
    body = {"model": "rank/rerank-v3.5", "query": "Hello", "documents": ["a", "b"]}
    answer = proxy.client.post("/v1/rerank", json=body)

    assert answer.status_code == 200, answer.text
    counted_once(proxy, providers, "rank/rerank-v3.5", "cohere/rerank-v3.5")


def test_a_pass_through_request_passes(proxy) -> None:
    answer = proxy.client.post("/raw/chat", json={"model": "passed-through", "messages": TEXT})

    assert answer.status_code == 200, answer.text
    assert "openai/passed-through" in answer.text


def test_a_virtual_model_cannot_be_passed_through(proxy, providers) -> None:
    answer = proxy.client.post("/raw/chat", json={"model": "fast/passed-through", "messages": TEXT})

    assert answer.status_code == 400, answer.text
    assert "cannot be routed" in answer.text
    assert providers.stats("openai/fast/passed-through")["received"] == 0


@pytest.mark.parametrize(
    ("path", "body", "header"),
    [
        ("/v1/images/generations", {"prompt": "a cat"}, False),
        ("/v1/audio/speech", {"input": "Hello", "voice": "alloy"}, True),
        ("/v1/moderations", {"input": "Hello"}, True),
        ("/v1/rerank", {"query": "Hello", "documents": ["a"]}, False),
    ],
)
def test_other_endpoints_refuse_with_429_too(proxy, path: str, body: dict[str, Any], header: bool) -> None:
    model = f"small/{path.rpartition('/')[2]}"
    for _ in range(2):
        proxy.chat(model)

    answer = proxy.client.post(path, json={"model": model, **body})

    assert answer.status_code == 429
    assert "room again in" in answer.text
    assert ("retry-after" in answer.headers) is header
