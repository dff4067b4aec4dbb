"""Bodies that no client of good faith sends: reading them never raises, and never takes long."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from governance.intake.read import LONGEST_TEXT, read_request
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

    assert request.prompt_tokens == pytest.approx(10_000_000 * 0.2, rel=0.05)
    assert len(request.params["user"]) == LONGEST_TEXT


def test_ten_megabytes_of_another_script_are_estimated_by_a_sample() -> None:
    assert read_request("aembedding", {"input": "字" * 3_400_000}).prompt_tokens == pytest.approx(
        3_400_000 * 0.8, rel=0.05
    )


def test_a_million_token_ids_are_a_million_tokens() -> None:
    assert read_request("aembedding", {"input": list(range(1_000_000))}).prompt_tokens == 1_000_000


@pytest.mark.parametrize(
    ("body", "tokens"),
    [
        ({"messages": [{"role": "user", "content": "hello"}] * 500_000}, 500_000 * 5),
        ({"messages": [{"content": [{"type": "text", "text": "hello"}] * 100_000}] * 10}, 1_000_000),
        ({"messages": [{"role": "user", "content": "字句" * 5_000}] * 2_000}, 2_000 * 7_840),
        ({"input": [[1, 2, 3]] * 100_000}, 300_000),
        ({"input": [["hello"] * 1_000] * 1_000}, 1_000_000),
    ],
    ids=["turns", "parts", "long texts", "token ids", "lists"],
)
def test_of_many_pieces_some_are_looked_at_and_the_others_taken_to_be_like_them(
    body: dict[str, Any], tokens: float
) -> None:
    assert read_request("acompletion", body).prompt_tokens == pytest.approx(tokens, rel=0.3)


@pytest.mark.parametrize(
    "body",
    [
        {"tools": [{"type": "function"}] * 500_000},
        {"tools": {str(i): i for i in range(500_000)}},
        {"fallbacks": [{}] * 500_000},
        {"modalities": ["text"] * 500_000},
        {f"x-{i}": "x" for i in range(500_000)},
    ],
    ids=["tools", "tool keys", "fallbacks", "modalities", "parameters"],
)
def test_of_half_a_million_entries_only_the_first_are_kept(body: dict[str, Any]) -> None:
    request = read_request("acompletion", body, tags=["x"] * 500_000)

    assert request.prompt_tokens <= 10_000_000
    assert len(request.fallbacks) <= 50
    assert len(request.params) <= 256
    assert len(request.tags) <= 256


def test_pieces_of_two_lengths_are_judged_by_both() -> None:
    turns = [{"content": "word " * 400}] * 1_000 + [{"content": "word"}] * 9_000

    assert read_request("acompletion", {"messages": turns}).prompt_tokens == pytest.approx(360_000, rel=0.5)


def test_an_image_among_many_turns_is_found() -> None:
    turns: list[Any] = [{"role": "user", "content": "hello"} for _ in range(200)]
    turns[137] = {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "u"}}]}

    assert read_request("acompletion", {"messages": turns}).capabilities == {"vision"}


def test_a_shared_piece_is_not_walked_without_end() -> None:
    piece: Any = [{"type": "text", "text": "x"}]
    for _ in range(60):
        piece = [{"content": piece}, {"content": piece}]

    assert read_request("acompletion", {"messages": piece}).prompt_tokens <= 20_000
