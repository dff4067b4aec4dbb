"""Google's wire format: generateContent, whole and streamed, and errors.

Source: https://ai.google.dev/api/generate-content
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
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

ERROR_STATUSES = {
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}


def error(status: int, message: str) -> dict[str, object]:
    name = ERROR_STATUSES.get(status, "INTERNAL" if status >= 500 else "INVALID_ARGUMENT")
    return {"error": {"code": status, "message": message, "status": name}}


WIRE = Wire(error)


def generate(call: Call) -> Answer:
    speech = _speak(call)
    usage = call.reported(speech.usage)
    return json_answer({**_candidate(speech, speech.text, ends=True), **_frame(call), **_usage_fields(usage)}, usage)


def stream_generate(call: Call) -> Answer:
    """Events with `alt=sse`; without it, as the real API, one JSON list of all of them."""
    speech = _speak(call)
    usage = call.reported(speech.usage)
    parts = list(_parts(call, speech, usage))
    if call.query.get("alt") != "sse":
        return json_answer([body for body, _ in parts], usage)
    return stream_answer(Chunk(server_sent(body), is_text=True, usage=told) for body, told in parts)


def _parts(call: Call, speech: Speech, usage: Usage | None) -> Iterator[tuple[dict[str, object], Usage | None]]:
    """The replies of a stream, each with what it reports: only the last one tells the output tokens."""
    frame = _frame(call)
    early = Usage(usage.input_tokens, 0) if usage else None
    # Google sends a function call whole, so it is the only part.
    pieces = (speech.text,) if speech.tool else speech.pieces
    for piece in pieces[:-1]:
        yield {**_candidate(speech, piece, ends=False), **frame, **_usage_fields(early)}, early
    yield {**_candidate(speech, pieces[-1], ends=True), **frame, **_usage_fields(usage)}, usage


def _speak(call: Call) -> Speech:
    config = call.body.get("generationConfig")
    limits = config if isinstance(config, Mapping) else {}
    within = replace(call, body={"maxOutputTokens": limits.get("maxOutputTokens")})
    return speak(within, _turns(call.body), _tools(call.body), "maxOutputTokens")


def _turns(body: Mapping[str, Any]) -> list[Turn]:
    system = body.get("systemInstruction") or body.get("system_instruction")
    turns = [Turn("system", text_of(system.get("parts")))] if isinstance(system, Mapping) else []
    said = turns_of(body.get("contents"), "contents", content="parts", silent="user")
    return turns + said if said else []


def _tools(body: Mapping[str, Any]) -> list[Tool]:
    # Google's REST API takes both spellings; SDKs send one, people with curl the other.
    named = [
        tool.get("functionDeclarations") or tool.get("function_declarations")
        for tool in objects(body.get("tools"), "tools")
    ]
    return [
        Tool(str(one.get("name")), one.get("parameters") or one.get("parametersJsonSchema") or {})
        for declarations in named
        for one in objects(declarations, "functionDeclarations")
    ]


def _frame(call: Call) -> dict[str, object]:
    return {"modelVersion": call.model, "responseId": new_id("")}


def _candidate(speech: Speech, piece: str, ends: bool) -> dict[str, object]:
    part = {"functionCall": {"name": speech.tool, "args": json.loads(piece)}} if speech.tool else {"text": piece}
    candidate: dict[str, object] = {"content": {"role": "model", "parts": [part]}, "index": 0}
    if ends:
        candidate["finishReason"] = "MAX_TOKENS" if speech.cut else "STOP"
    return {"candidates": [candidate]}


def _usage_fields(usage: Usage | None) -> dict[str, object]:
    if usage is None:
        return {}
    output = {"candidatesTokenCount": usage.output_tokens} if usage.output_tokens else {}
    return {
        "usageMetadata": {
            "promptTokenCount": usage.input_tokens,
            **output,
            "totalTokenCount": usage.total_tokens,
        }
    }


ENDPOINTS = (
    Endpoint("/v1beta/models/{model:path}:generateContent", WIRE, generate),
    Endpoint("/v1beta/models/{model:path}:streamGenerateContent", WIRE, stream_generate, always_streams=True),
)
