"""Base64 is never text, wherever it stands, and what is text counts, wherever it stands."""

from __future__ import annotations

import base64
import random
from typing import Any

import pytest

from governance.intake.estimate import estimate_tokens
from governance.intake.read import read_request
from governance.model import Request

DATA = base64.b64encode(random.Random(1).randbytes(150_000)).decode()
PNG, PDF = f"data:image/png;base64,{DATA}", f"data:application/pdf;base64,{DATA}"
TEXT = "The report of last week names three reasons for the delay. " * 40
ENCODED = base64.b64encode(TEXT.encode()).decode()


def user(*parts: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": list(parts)}]}


def google(part: Any) -> dict[str, Any]:
    return {"contents": [{"role": "user", "parts": [part]}]}


def given(result: Any) -> dict[str, Any]:
    return {"input": [{"type": "function_call_output", "call_id": "c", "output": result}]}


def read(body: dict[str, Any], call_type: str = "acompletion") -> Request:
    return read_request(call_type, {"model": "m", **body})


INLINE = {"inlineData": {"mimeType": "image/png", "data": DATA}}
ANTHROPIC = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": DATA}}

PICTURES = {
    "chat": user({"type": "image_url", "image_url": {"url": PNG}}),
    "chat, short": user({"type": "image_url", "image_url": PNG}),
    "chat, file": user({"type": "file", "file": {"filename": "a.pdf", "file_data": PDF}}),
    "chat, file without a type": user({"type": "file", "file": {"filename": "a.pdf", "file_data": DATA}}),
    "chat, a tool's parts": {"messages": [{"role": "tool", "content": [{"type": "image_url", "image_url": PNG}]}]},
    "messages": user(ANTHROPIC),
    "messages, a tool's result": user({"type": "tool_result", "tool_use_id": "t", "content": [ANTHROPIC]}),
    "messages, what a tool was given": user({"type": "tool_use", "name": "f", "input": {"shown": ANTHROPIC}}),
    "messages, a resource of a tool's server": user(
        {"type": "resource", "resource": {"uri": "a://b", "mimeType": "image/png", "blob": DATA}}
    ),
    "responses": {"input": [{"role": "user", "content": [{"type": "input_image", "image_url": PNG}]}]},
    "responses, file": {"input": [{"role": "user", "content": [{"type": "input_file", "file_data": PDF}]}]},
    "responses, a tool's result": given([{"type": "input_image", "image_url": PNG}]),
    "responses, a screen": {
        "input": [{"type": "computer_call_output", "output": {"type": "computer_screenshot", "image_url": PNG}}]
    },
    "responses, a picture that was made": {"input": [{"type": "image_generation_call", "id": "i", "result": DATA}]},
    "Google": google(INLINE),
    "Google, snake case": google({"inline_data": {"mime_type": "image/png", "data": DATA}}),
    "Google, a tool's result": google({"functionResponse": {"name": "f", "response": {"content": [INLINE]}}}),
    "Google, a tool's parts": google({"functionResponse": {"name": "f", "response": {}, "parts": [INLINE]}}),
    "Google, a tool's result, deep": google({"functionResponse": {"name": "f", "response": {"a": {"b": [INLINE]}}}}),
    "a protocol of tools": google(
        {"functionResponse": {"response": {"content": [{"type": "image", "mimeType": "image/png", "data": DATA}]}}}
    ),
    "Bedrock": user({"image": {"format": "png", "source": {"bytes": DATA}}}),
    "an embedding": {"input": PNG},
    "embeddings": {"input": [PNG]},
    "an embedding of parts": {"input": [{"content": [{"type": "image_base64", "image_base64": PNG}]}]},
    "an embedding by its name": {"input": [{"image": DATA}]},
    "an embedding of Google's": {"input": [{"image": {"bytesBase64Encoded": DATA}}]},
    "thoughts that nobody can read": user({"type": "redacted_thinking", "data": DATA}, INLINE),
    "thoughts of another API": {"input": [{"type": "reasoning", "summary": [], "encrypted_content": DATA}, PNG]},
}


@pytest.mark.parametrize("where", PICTURES)
def test_data_is_never_text(where: str) -> None:
    tokens = read(PICTURES[where]).prompt_tokens

    assert 800 <= tokens <= 850


@pytest.mark.parametrize("where", [name for name in PICTURES if "file" not in name])
def test_every_picture_is_counted_as_one(where: str) -> None:
    assert read(PICTURES[where], "aembedding").images == 1


def test_a_picture_that_a_tool_gave_needs_a_model_that_sees() -> None:
    for where in ("messages, a tool's result", "responses, a tool's result", "Google, a tool's parts"):
        assert read(PICTURES[where]).capabilities == {"vision"}


def test_what_a_picture_is_called_and_told_beside_it_counts() -> None:
    beside = user({"type": "image_url", "image_url": {"url": PNG}, "text": TEXT})

    assert read(beside).prompt_tokens == pytest.approx(800 + estimate_tokens(TEXT), abs=10)


def test_a_picture_that_is_described_is_text() -> None:
    assert read({"input": [{"image": "a cat"}]}).images == 0


@pytest.mark.parametrize("text", ["data: the report, base64 or not", "data:,hello", "data:text/plain,hello, you"])
def test_a_text_that_begins_like_data_is_text(text: str) -> None:
    tokens = read({"input": text}).prompt_tokens

    assert tokens == estimate_tokens(text)


TEXTS = {
    "chat, file": user({"type": "file", "file": {"file_data": f"data:text/plain;base64,{ENCODED}"}}),
    "chat, file with a character set": user(
        {"type": "file", "file": {"file_data": f"data:text/markdown;charset=utf-8;base64,{ENCODED}"}}
    ),
    "chat, file by its name": user({"type": "file", "file": {"filename": "a.csv", "file_data": ENCODED}}),
    "chat, file as it is": user({"type": "file", "file": {"filename": "a.md", "file_data": TEXT}}),
    "responses, file": {
        "input": [{"content": [{"type": "input_file", "file_data": f"data:application/json;base64,{ENCODED}"}]}]
    },
    "messages, document": user(
        {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": TEXT}}
    ),
    "messages, document of parts": user(
        {"type": "document", "source": {"type": "content", "content": [{"type": "text", "text": TEXT}]}}
    ),
    "messages, document in base64": user(
        {"type": "document", "source": {"type": "base64", "media_type": "text/plain", "data": ENCODED}}
    ),
    "messages, context of a document": user(
        {"type": "document", "source": {"type": "content", "content": []}, "title": "a", "context": TEXT}
    ),
    "messages, a tool's result": user({"type": "tool_result", "content": [{"type": "text", "text": TEXT}]}),
    "messages, a tool's plain result": user({"type": "tool_result", "content": TEXT}),
    "messages, what was found": user(
        {"type": "search_result", "title": "a", "content": [{"type": "text", "text": TEXT}]}
    ),
    "messages, what code said": user(
        {"type": "code_execution_tool_result", "content": {"type": "code_execution_result", "stdout": TEXT}}
    ),
    "messages, thoughts": {"messages": [{"role": "assistant", "content": [{"type": "thinking", "thinking": TEXT}]}]},
    "chat, thoughts": {
        "messages": [
            {
                "role": "assistant",
                "content": None,
                "reasoning_content": TEXT,
                "thinking_blocks": [{"type": "thinking", "thinking": TEXT}],
            }
        ]
    },
    "chat, what a tool is given": {
        "messages": [{"role": "assistant", "tool_calls": [{"id": "c", "function": {"name": "f", "arguments": TEXT}}]}]
    },
    "chat, what a free tool is given": {
        "messages": [{"role": "assistant", "tool_calls": [{"id": "c", "custom": {"name": "f", "input": TEXT}}]}]
    },
    "chat, what was refused": {"messages": [{"role": "assistant", "refusal": TEXT}]},
    "chat, a prediction": {"prediction": {"type": "content", "content": TEXT}},
    "chat, a prediction of parts": {"prediction": {"type": "content", "content": [{"type": "text", "text": TEXT}]}},
    "chat, a schema": {
        "response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": {"description": TEXT}}}
    },
    "responses, a schema": {"text": {"format": {"type": "json_schema", "schema": {"description": TEXT}}}},
    "messages, a schema": {"output_config": {"format": {"type": "json_schema", "schema": {"description": TEXT}}}},
    "Google, a schema": {"generationConfig": {"responseSchema": {"description": TEXT}}},
    "responses, a tool's result": given(TEXT),
    "responses, a tool's parts": given([{"type": "input_text", "text": TEXT}]),
    "responses, a shell": {"input": [{"type": "shell_call_output", "output": [{"stdout": TEXT, "stderr": ""}]}]},
    "responses, what was found": {"input": [{"type": "file_search_call", "results": [{"text": TEXT}]}]},
    "responses, thoughts": {"input": [{"type": "reasoning", "summary": [{"type": "summary_text", "text": TEXT}]}]},
    "Google, a file of text": google({"inlineData": {"mimeType": "text/plain", "data": ENCODED}}),
    "Google, a tool's file of text": google(
        {"functionResponse": {"response": {"inlineData": {"mimeType": "text/csv", "data": ENCODED}}}}
    ),
    "Google, beside a picture that is nowhere": google({"text": TEXT, "thoughtSignature": DATA}),
    "Bedrock, a file of text": user({"document": {"format": "txt", "name": "a", "source": {"bytes": ENCODED}}}),
}


@pytest.mark.parametrize("where", TEXTS)
def test_what_the_model_reads_counts_wherever_it_stands(where: str) -> None:
    tokens = read(TEXTS[where]).prompt_tokens

    assert tokens == pytest.approx(estimate_tokens(TEXT), rel=0.08, abs=12)


def test_a_file_of_text_needs_no_model_that_reads_other_files() -> None:
    assert read(TEXTS["chat, file"]).capabilities == set()
    assert read(PICTURES["chat, file"]).capabilities == {"pdf_input"}


def test_a_long_file_of_text_is_estimated_by_pieces_of_it() -> None:
    long = base64.b64encode((TEXT * 500).encode()).decode()
    body = google({"inlineData": {"mimeType": "text/plain", "data": long}})

    assert read(body).prompt_tokens == pytest.approx(500 * estimate_tokens(TEXT), rel=0.1)


@pytest.mark.parametrize("data", ["!!!", "QQ", "Q", "=", "\ud800", "Ã" * 500, "A" * 5_001])
def test_what_is_no_base64_after_all_is_read_all_the_same(data: str) -> None:
    for body in (
        google({"inlineData": {"mimeType": "text/plain", "data": data}}),
        {"input": f"data:a/b;base64,{data}"},
    ):
        assert read(body).prompt_tokens >= 0


def test_audio_in_a_url_counts_by_its_length() -> None:
    heard = user({"type": "audio_url", "audio_url": {"url": "data:audio/wav;base64," + "A" * (60 * 32_000 * 4 // 3)}})

    assert read(heard).audio_tokens == 60 * 32


def test_an_address_in_what_a_tool_gave_is_text() -> None:
    shown = {"type": "image", "url": "https://example.com/cat.png", "mimeType": "image/png"}
    body = google({"functionResponse": {"response": {"shown": shown}}})

    assert 10 < read(body).prompt_tokens < 60
