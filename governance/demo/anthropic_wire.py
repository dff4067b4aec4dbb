"""Anthropic's wire format: messages, whole and streamed, and errors.

Source: https://docs.anthropic.com/en/api/messages-streaming
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from governance.demo.script import Speech, Tool, Turn, objects, speak, text_of, turns_of
from governance.demo.wire import (
    Answer,
    Call,
    Chunk,
    Endpoint,
    Usage,
    Wire,
    json_answer,
    new_id,
    server_sent,
    stream_answer,
)

ERROR_TYPES = {
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}


def error(status: int, message: str) -> dict[str, object]:
    kind = ERROR_TYPES.get(status, "api_error" if status >= 500 else "invalid_request_error")
    return {"type": "error", "error": {"type": kind, "message": message}, "request_id": new_id("req_")}


def error_event(status: int, message: str) -> bytes:
    # In an open stream Anthropic says "overloaded" where an answer of its own would have had status 529.
    return server_sent(error(529 if status == 503 else status, message), "error")


WIRE = Wire(error, error_event)


def messages(call: Call) -> Answer:
    speech = speak(call, _turns(call.body), _tools(call.body))
    usage = call.reported(speech.usage)
    reply: dict[str, object] = {
        "id": new_id("msg_"),
        "type": "message",
        "role": "assistant",
        "model": call.model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
    }
    if call.streams:
        return stream_answer(_chunks(reply, speech, usage))
    content = {**_block(speech), "input": json.loads(speech.text)} if speech.tool else _block(speech, speech.text)
    return json_answer(
        {**reply, "content": [content], "stop_reason": _stop_reason(speech), **_usage_fields(usage)}, usage
    )


def _chunks(reply: Mapping[str, object], speech: Speech, usage: Usage | None) -> Iterator[Chunk]:
    def chunk(kind: str, fields: Mapping[str, object], is_text: bool = False, usage: Usage | None = None) -> Chunk:
        return Chunk(server_sent({"type": kind, **fields}, kind), is_text, usage)

    # The first event reports the input, and of the output what is there already: at most one token.
    opening = Usage(usage.input_tokens, min(1, usage.output_tokens)) if usage else None
    yield chunk("message_start", {"message": {**reply, **_usage_fields(opening)}}, usage=opening)
    yield chunk("content_block_start", {"index": 0, "content_block": _block(speech)})
    yield chunk("ping", {})
    for piece in speech.pieces:
        yield chunk("content_block_delta", {"index": 0, "delta": _delta(speech, piece)}, is_text=True)
    yield chunk("content_block_stop", {"index": 0})
    ending = {"delta": {"stop_reason": _stop_reason(speech), "stop_sequence": None}, **_usage_fields(usage)}
    yield chunk("message_delta", ending, usage=usage)
    yield chunk("message_stop", {})


def _turns(body: Mapping[str, Any]) -> list[Turn]:
    system = [Turn("system", text_of(body["system"]))] if body.get("system") else []
    said = turns_of(body.get("messages"), "messages")
    return system + said if said else []


def _tools(body: Mapping[str, Any]) -> list[Tool]:
    choice = body.get("tool_choice")
    if isinstance(choice, Mapping) and choice.get("type") == "none":
        return []
    return [Tool(str(tool.get("name")), tool.get("input_schema") or {}) for tool in objects(body.get("tools"), "tools")]


def _block(speech: Speech, text: str = "") -> dict[str, object]:
    if speech.tool:
        return {"type": "tool_use", "id": new_id("toolu_"), "name": speech.tool, "input": {}}
    return {"type": "text", "text": text}


def _delta(speech: Speech, piece: str) -> dict[str, object]:
    if speech.tool:
        return {"type": "input_json_delta", "partial_json": piece}
    return {"type": "text_delta", "text": piece}


def _stop_reason(speech: Speech) -> str:
    return "tool_use" if speech.tool else "max_tokens" if speech.cut else "end_turn"


def _usage_fields(usage: Usage | None) -> dict[str, object]:
    if usage is None:
        return {}
    return {
        "usage": {
            "input_tokens": usage.input_tokens,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "output_tokens": usage.output_tokens,
        }
    }


ENDPOINTS = (Endpoint("/v1/messages", WIRE, messages),)
