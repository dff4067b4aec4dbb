"""Bodies that no client of good faith sends: reading them never raises, and never takes long."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from governance.intake import LONGEST_TEXT, read_request
from governance.model import REQUEST_TYPES

KEYS = some.sampled_from(
    [
        "messages",
        "content",
        "input",
        "prompt",
        "contents",
        "parts",
        "type",
        "text",
        "tools",
        "functions",
        "response_format",
        "format",
        "reasoning",
        "effort",
        "thinking",
        "generationConfig",
        "responseSchema",
        "max_tokens",
        "n",
        "model",
        "stream",
        "fallbacks",
        "modalities",
        "mimeType",
        "inlineData",
        "source",
        "system",
    ]
)
WORDS = some.sampled_from(["image", "image_url", "input_file", "enabled", "json_schema", "image/png", "audio", "none"])
PLAIN = some.none() | some.booleans() | some.integers() | some.floats() | WORDS | some.text(max_size=20)
ANYTHING = some.recursive(
    PLAIN,
    lambda inner: some.lists(inner, max_size=5) | some.dictionaries(KEYS | some.text(max_size=5), inner, max_size=6),
    max_leaves=40,
)
BODY = some.dictionaries(KEYS | some.text(max_size=5), ANYTHING, max_size=10)
CALL = some.sampled_from([*REQUEST_TYPES, "acompletion", "agenerate_content_stream", "pass_through_endpoint", ""])


def nested(depth: int, opening: str, closing: str) -> Any:
    return json.loads(opening * depth + closing * depth)


@settings(max_examples=120)
@given(CALL, BODY, some.dictionaries(some.text(max_size=5), ANYTHING, max_size=4), some.lists(ANYTHING, max_size=4))
def test_any_body_is_read(call_type: str, body: dict[str, Any], headers: dict[str, Any], tags: list[Any]) -> None:
    request = read_request(call_type, body, headers=headers, tags=tags)

    assert request.prompt_tokens >= 0
    assert request.output_tokens >= 0
    assert request.choices >= 1
    assert isinstance(request.model, str)
    assert all(isinstance(tag, str) for tag in request.tags)
    assert request in {request}, "a request is a value"


@pytest.mark.parametrize("key", ["messages", "input", "contents", "tools", "system", "type", "metadata", "fallbacks"])
def test_a_body_that_is_nested_as_deep_as_a_parser_reads_it_is_read(key: str) -> None:
    for value in (nested(900, "[", "]"), nested(450, '{"content": [', "]}")):
        assert read_request("acompletion", {"model": "m", key: value}).model == "m"
        assert read_request("acompletion", {"model": "m", "messages": [{key: value}]}).model == "m"


def test_nested_tags_and_headers_are_passed_over() -> None:
    request = read_request("acompletion", {}, tags=[nested(900, "[", "]"), {"a": 1}, None, "team-a", 7])

    assert request.tags == ("team-a", "7")


def test_ten_megabytes_of_text_are_counted_whole() -> None:
    text = "x" * 10_000_000
    request = read_request("acompletion", {"messages": [{"role": "user", "content": text}], "user": text})

    assert request.prompt_tokens == 2_500_000
    assert len(request.params["user"]) == LONGEST_TEXT


def test_ten_megabytes_of_another_script_are_estimated_by_a_sample() -> None:
    assert read_request("aembedding", {"input": "字" * 3_400_000}).prompt_tokens == 2_550_000


def test_a_million_token_ids_are_a_million_tokens() -> None:
    assert read_request("aembedding", {"input": list(range(1_000_000))}).prompt_tokens == 1_000_000


@pytest.mark.parametrize(
    "body",
    [
        {"messages": [{"role": "user", "content": "x"}] * 500_000},
        {"messages": [{"content": [{"type": "text", "text": "x"}] * 100_000}] * 10},
        {"tools": [{"type": "function"}] * 500_000},
        {"tools": {str(i): i for i in range(500_000)}},
        {"input": [["x"] * 1_000] * 1_000},
        {"fallbacks": ["x"] * 500_000},
    ],
    ids=["messages", "parts", "tools", "tool keys", "lists", "fallbacks"],
)
def test_of_half_a_million_pieces_only_the_first_are_looked_at(body: dict[str, Any]) -> None:
    request = read_request("acompletion", body)

    assert request.prompt_tokens <= 2_000_000
    assert len(request.fallbacks) <= 50


def test_a_shared_piece_is_not_walked_without_end() -> None:
    piece: Any = [{"type": "text", "text": "x"}]
    for _ in range(60):
        piece = [{"content": piece}, {"content": piece}]

    assert read_request("acompletion", {"messages": piece}).prompt_tokens <= 20_000
