"""Bodies of every API, as clients send them."""

from __future__ import annotations

from typing import Any

import pytest

from governance.intake.estimate import estimate_tokens
from governance.intake.read import LONGEST_TEXT, fallback_names, read_request
from governance.model import TYPICAL_OUTPUT_TOKENS, Request

IMAGE_URL = {"type": "image_url", "image_url": {"url": "https://example.com/cat.png"}}
TOOL = {"type": "function", "function": {"name": "look_up", "parameters": {"type": "object", "properties": {}}}}


def chat(*parts: Any, **more: Any) -> Request:
    return read_request("acompletion", {"model": "m", "messages": [{"role": "user", "content": list(parts)}], **more})


BODIES = {
    "chat, text": ("acompletion", {"messages": [{"role": "user", "content": "hello"}]}, set(), {"text"}),
    "chat, image": (
        "acompletion",
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "what?"}, IMAGE_URL]}]},
        {"vision"},
        {"text", "image"},
    ),
    "chat, audio": (
        "acompletion",
        {"messages": [{"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": "AA"}}]}]},
        {"audio_input"},
        {"text", "audio"},
    ),
    "chat, file": (
        "acompletion",
        {"messages": [{"role": "user", "content": [{"type": "file", "file": {"file_id": "f"}}]}]},
        {"pdf_input"},
        {"text"},
    ),
    "chat, video": (
        "acompletion",
        {"messages": [{"role": "user", "content": [{"type": "video_url", "video_url": {"url": "v"}}]}]},
        {"video_input"},
        {"text", "video"},
    ),
    "chat, spoken answer": (
        "acompletion",
        {"messages": [], "modalities": ["text", "audio"]},
        set(),
        {"text", "audio_generation"},
    ),
    "messages, image": (
        "anthropic_messages",
        {"messages": [{"role": "user", "content": [{"type": "image", "source": {"type": "base64", "data": "AA"}}]}]},
        {"vision"},
        {"text", "image"},
    ),
    "messages, document": (
        "anthropic_messages",
        {"messages": [{"role": "user", "content": [{"type": "document", "source": {"type": "url", "url": "u"}}]}]},
        {"pdf_input"},
        {"text"},
    ),
    "messages, image in a tool's result": (
        "anthropic_messages",
        {"messages": [{"role": "user", "content": [{"type": "tool_result", "content": [{"type": "image"}]}]}]},
        {"vision"},
        {"text", "image"},
    ),
    "messages, thinking": (
        "anthropic_messages",
        {"messages": [], "thinking": {"type": "enabled", "budget_tokens": 1024}},
        {"reasoning"},
        {"text"},
    ),
    "responses, image": (
        "aresponses",
        {"input": [{"role": "user", "content": [{"type": "input_image", "image_url": "u"}]}]},
        {"vision"},
        {"text", "image"},
    ),
    "responses, file": (
        "aresponses",
        {"input": [{"role": "user", "content": [{"type": "input_file", "file_id": "f"}]}]},
        {"pdf_input"},
        {"text"},
    ),
    "responses, effort and format": (
        "aresponses",
        {"input": "hi", "reasoning": {"effort": "high"}, "text": {"format": {"type": "json_schema"}}},
        {"reasoning", "structured_output"},
        {"text"},
    ),
    "Google, inline image": (
        "agenerate_content",
        {"contents": [{"parts": [{"inlineData": {"mimeType": "image/png", "data": "AA"}}]}]},
        {"vision"},
        {"text", "image"},
    ),
    "Google, file by its address": (
        "agenerate_content",
        {"contents": [{"parts": [{"fileData": {"mimeType": "video/mp4", "fileUri": "u"}}]}]},
        {"video_input"},
        {"text", "video"},
    ),
    "Google, snake case and a schema": (
        "agenerate_content",
        {
            "contents": {"parts": [{"inline_data": {"mime_type": "application/pdf"}}]},
            "generationConfig": {"responseSchema": {"type": "object"}},
        },
        {"pdf_input", "structured_output"},
        {"text"},
    ),
    "tools": ("acompletion", {"messages": [], "tools": [TOOL]}, {"tools"}, {"text"}),
    "functions": ("acompletion", {"messages": [], "functions": [TOOL["function"]]}, {"tools"}, {"text"}),
    "no tools": ("acompletion", {"messages": [], "tools": []}, set(), {"text"}),
    "json mode": ("acompletion", {"response_format": {"type": "json_object"}}, {"structured_output"}, {"text"}),
    "Anthropic's format": (
        "anthropic_messages",
        {"messages": [], "output_format": {"type": "json_schema", "schema": {}}},
        {"structured_output"},
        {"text"},
    ),
    "Anthropic's format, since": (
        "anthropic_messages",
        {"messages": [], "output_config": {"format": {"type": "json_schema", "schema": {}}}},
        {"structured_output"},
        {"text"},
    ),
    "Google, JSON": (
        "agenerate_content",
        {"contents": [], "generationConfig": {"responseMimeType": "application/json"}},
        {"structured_output"},
        {"text"},
    ),
    "Google, plain text": (
        "agenerate_content",
        {"contents": [], "generationConfig": {"responseMimeType": "text/plain"}},
        set(),
        {"text"},
    ),
    "a document that is text": (
        "anthropic_messages",
        {"messages": [{"content": [{"type": "document", "source": {"type": "text", "data": "x"}}]}]},
        set(),
        {"text"},
    ),
    "plain format": ("acompletion", {"response_format": {"type": "text"}}, set(), {"text"}),
    "effort": ("acompletion", {"reasoning_effort": "low"}, {"reasoning"}, {"text"}),
    "no effort": ("acompletion", {"reasoning_effort": "none"}, set(), {"text"}),
    "images": ("aimage_generation", {"prompt": "a cat"}, set(), {"text", "image_generation"}),
    "speech": ("aspeech", {"input": "hello"}, set(), {"text", "audio_generation"}),
    "transcription": ("atranscription", {"file": "x"}, set(), {"text", "audio"}),
    "embedding": ("aembedding", {"input": "hello"}, set(), {"text", "embedding"}),
}


@pytest.mark.parametrize("name", BODIES)
def test_what_a_request_needs_is_read_from_the_body_of_its_api(name: str) -> None:
    call_type, body, needs, modalities = BODIES[name]
    request = read_request(call_type, {"model": "m", **body})

    assert request.capabilities == needs
    assert request.modalities == modalities


HALF = "The report of last week names three reasons for the delay. " * 5
WHOLE = HALF * 2


@pytest.mark.parametrize(
    ("call_type", "body", "turns"),
    [
        ("acompletion", {"messages": [{"role": "user", "content": WHOLE}]}, 1),
        ("acompletion", {"messages": [{"role": "user", "content": [{"type": "text", "text": WHOLE}]}]}, 1),
        ("atext_completion", {"prompt": WHOLE}, 0),
        ("atext_completion", {"prompt": [HALF, HALF]}, 0),
        ("aresponses", {"input": WHOLE}, 0),
        ("aresponses", {"instructions": HALF, "input": [{"role": "user", "content": HALF}]}, 1),
        ("aresponses", {"input": [{"type": "function_call_output", "call_id": "c", "output": WHOLE}]}, 0),
        ("anthropic_messages", {"system": HALF, "messages": [{"role": "user", "content": HALF}]}, 1),
        ("anthropic_messages", {"system": [{"type": "text", "text": WHOLE}], "messages": []}, 0),
        (
            "anthropic_messages",
            {"messages": [{"content": [{"type": "document", "source": {"type": "text", "data": WHOLE}}]}]},
            0,
        ),
        ("agenerate_content", {"contents": [{"parts": [{"text": WHOLE}]}]}, 0),
        ("agenerate_content", {"systemInstruction": {"parts": [{"text": WHOLE}]}, "contents": []}, 0),
        ("aembedding", {"input": [HALF, HALF]}, 0),
        ("arerank", {"query": HALF, "documents": [HALF[: len(HALF) // 2], {"text": HALF[len(HALF) // 2 :]}]}, 0),
        ("amoderation", {"input": WHOLE}, 0),
    ],
)
def test_everything_that_the_model_reads_is_counted_once(call_type: str, body: dict[str, Any], turns: int) -> None:
    tokens = read_request(call_type, {"model": "m", **body}).prompt_tokens

    assert abs(tokens - 4 * turns - estimate_tokens(WHOLE)) <= 1


@pytest.mark.parametrize("given", [list(range(100)), [list(range(50)), list(range(50))]])
def test_a_prompt_of_token_ids_is_not_estimated(given: list[Any]) -> None:
    assert read_request("aembedding", {"input": given}).prompt_tokens == 100


@pytest.mark.parametrize(
    "part",
    [
        {"type": "tool_use", "id": "t", "name": "save", "input": {"text": WHOLE}},
        {"functionCall": {"name": "save", "args": {"text": WHOLE}}},
        {"functionResponse": {"name": "save", "response": {"text": WHOLE}}},
    ],
)
def test_what_a_tool_was_given_and_gave_is_part_of_the_prompt(part: dict[str, Any]) -> None:
    assert chat(part).prompt_tokens > estimate_tokens(WHOLE)


def test_tools_are_part_of_the_prompt() -> None:
    assert chat("hello", tools=[TOOL]).prompt_tokens > chat("hello").prompt_tokens


def test_an_image_counts_as_an_image_however_long_its_data() -> None:
    data = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 4_000_000}}

    assert chat(data).prompt_tokens == chat(IMAGE_URL).prompt_tokens


def test_images_are_counted() -> None:
    request = chat(IMAGE_URL, {"type": "text", "text": "hello"}, IMAGE_URL)

    assert request.images == 2
    assert request.prompt_tokens > 1_600


def test_audio_counts_by_the_length_of_its_data() -> None:
    def heard(size: int, form: str) -> Request:
        return chat({"type": "input_audio", "input_audio": {"data": "A" * size, "format": form}})

    assert heard(10, "wav").audio_tokens == 800
    assert heard(60 * 32_000 * 4 // 3, "wav").audio_tokens == 60 * 32
    assert heard(60 * 8_000 * 4 // 3, "mp3").audio_tokens == 60 * 32
    google = {"inlineData": {"mimeType": "audio/wav", "data": "A" * (60 * 32_000 * 4 // 3)}}
    assert read_request("agenerate_content", {"contents": [{"parts": [google]}]}).audio_tokens == 60 * 32


def test_text_to_be_spoken_is_counted_in_characters() -> None:
    assert read_request("aspeech", {"input": "hello"}).characters == 5
    assert read_request("aspeech", {"input": ["hello"]}).characters == 0
    assert read_request("aembedding", {"input": "hello"}).characters == 0


@pytest.mark.parametrize(
    ("body", "most"),
    [
        ({"max_tokens": 7}, 7),
        ({"max_completion_tokens": 9, "max_tokens": 7}, 9),
        ({"max_output_tokens": "12"}, 12),
        ({"generationConfig": {"maxOutputTokens": 5}}, 5),
        ({"config": {"maxOutputTokens": 5}}, 5),
        ({"max_tokens": 0, "max_output_tokens": 3}, 3),
        ({"max_tokens": None}, None),
        ({"max_tokens": -1}, None),
        ({"max_tokens": True}, None),
        ({"max_tokens": "many"}, None),
        ({"max_tokens": float("inf")}, None),
        ({"max_tokens": 10**13}, None),
        ({}, None),
    ],
)
def test_the_answers_limit_is_found_under_every_name_it_has(body: dict[str, Any], most: int | None) -> None:
    assert read_request("acompletion", body).max_output_tokens == most


def test_several_answers_cost_several_times_as_much() -> None:
    assert chat("hello", max_tokens=10, n=3).output_tokens == 30
    assert chat("hello", n=2).output_tokens == 2 * TYPICAL_OUTPUT_TOKENS
    assert read_request("aembedding", {"input": "hello", "n": 3}).output_tokens == 0


def test_what_the_caller_falls_back_to_is_read_in_each_form() -> None:
    assert list(fallback_names(["a", {"model": "b", "temperature": 0}, "", {}, 7, None, {"model": 3}])) == ["a", "b"]
    assert chat("hello", fallbacks=["openai/gpt-4o", {"model": "fast/m"}]).fallbacks == ("openai/gpt-4o", "fast/m")
    assert chat("hello", fallbacks="openai/gpt-4o").fallbacks == ()


def test_header_and_parameter_names_are_lower_case_and_values_are_short_text() -> None:
    headers = {"X-Tier": "premium", "X-Long": "x" * (LONGEST_TEXT + 1)}
    body = {
        "model": "m",
        "Temperature": 0.5,
        "stream": True,
        "user": "u",
        "messages": [{"content": "secret"}],
        "n": None,
    }
    request = read_request("acompletion", body, headers=headers)

    assert request.headers["x-tier"] == "premium"
    assert len(request.headers["x-long"]) == LONGEST_TEXT
    assert request.params == {"model": "m", "temperature": "0.5", "stream": "true", "user": "u"}


@pytest.mark.parametrize(
    ("call_type", "stream", "streaming"),
    [
        ("acompletion", True, True),
        ("acompletion", False, False),
        ("acompletion", "yes", False),
        ("agenerate_content_stream", None, True),
    ],
)
def test_a_stream_is_asked_for_by_body_or_by_call(call_type: str, stream: Any, streaming: bool) -> None:
    assert read_request(call_type, {"stream": stream}).streaming is streaming


def test_a_call_of_an_unknown_kind_keeps_its_name() -> None:
    assert read_request("acreate_video", {"model": "m"}).request_type == "acreate_video"


@pytest.mark.parametrize(
    ("call_type", "body", "choices"),
    [
        ("atext_completion", {"prompt": ["one", "two", "three"]}, 3),
        ("atext_completion", {"prompt": [[1, 2], [3, 4]], "n": 2}, 4),
        ("atext_completion", {"prompt": [1, 2, 3]}, 1),
        ("atext_completion", {"prompt": "one", "best_of": 5, "n": 2}, 5),
        ("atext_completion", {"prompt": []}, 1),
        ("agenerate_content", {"generationConfig": {"candidateCount": 4}}, 4),
        ("acompletion", {"prompt": ["not", "read"]}, 1),
    ],
)
def test_every_answer_that_is_made_is_counted(call_type: str, body: dict[str, Any], choices: int) -> None:
    assert read_request(call_type, {"model": "m", **body}).choices == choices
