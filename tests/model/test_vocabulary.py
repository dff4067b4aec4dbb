from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from governance.model import REQUEST_TYPES
from governance.model.vocabulary import CAPABILITIES, capability, request_type


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("chat_completion", "chat"),
        ("acompletion", "chat"),
        ("Chat_Completion_Stream", "chat"),
        ("agenerate_content_stream", "chat"),
        ("text_completion", "completion"),
        ("atext_completion", "completion"),
        ("responses_stream", "responses"),
        ("anthropic_messages", "messages"),
        ("embeddings", "embedding"),
        ("aembedding", "embedding"),
        (" image ", "image_generation"),
        ("audio_transcription", "transcription"),
        ("text_to_speech", "speech"),
        ("arerank", "rerank"),
        ("moderations", "moderation"),
    ],
)
def test_a_request_type_is_known_by_the_names_of_litellm_and_of_other_gateways(word: str, meant: str) -> None:
    assert request_type(word) == meant


@pytest.mark.parametrize("name", REQUEST_TYPES)
def test_our_own_names_streamed_or_not_mean_themselves(name: str) -> None:
    assert request_type(name) == request_type(f"{name}_stream") == name


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("image", "vision"),
        ("image_url", "vision"),
        ("Function-Calling", "tools"),
        ("json_schema", "structured_output"),
        ("thinking", "reasoning"),
        ("pdf", "pdf_input"),
        ("stream", "streaming"),
    ],
)
def test_a_capability_is_known_by_the_names_of_other_gateways(word: str, meant: str) -> None:
    assert capability(word) == meant


@pytest.mark.parametrize("name", CAPABILITIES)
def test_our_own_capabilities_mean_themselves(name: str) -> None:
    assert capability(name) == name


@pytest.mark.parametrize("word", ["", "_stream", "chatting", "chat_stream_stream", "vision "])
def test_words_that_name_no_request_type_name_none(word: str) -> None:
    assert request_type(word) is None


@given(some.text())
def test_any_word_names_one_of_ours_or_none(word: str) -> None:
    assert request_type(word) in {None, *REQUEST_TYPES}
    assert capability(word) in {None, *CAPABILITIES}
