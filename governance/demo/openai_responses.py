"""OpenAI's Responses API, whole and streamed.

Source: https://platform.openai.com/docs/api-reference/responses-streaming
"""

from collections.abc import Iterator, Mapping
from typing import Any

from governance.demo import openai_wire
from governance.demo.script import Speech, Tool, Turn, objects, speak, text_of, turns_of
from governance.demo.wire import (
    Answer,
    BadRequest,
    Call,
    Chunk,
    Endpoint,
    Usage,
    Wire,
    json_answer,
    new_id,
    now_s,
    server_sent,
    stream_answer,
)


def error_event(status: int, message: str) -> bytes:
    code = "rate_limit_exceeded" if status == 429 else "server_error"
    # The number is that of no event before it; clients only print it.
    event = {"type": "error", "code": code, "message": message, "param": None, "sequence_number": 1_000_000}
    return server_sent(event, "error")


WIRE = Wire(openai_wire.error, error_event)

ECHOED: dict[str, object] = {
    "instructions": None,
    "metadata": {},
    "temperature": 1.0,
    "top_p": 1.0,
    "tool_choice": "auto",
    "tools": [],
}
"""Fields of the request that the response repeats, with the values they have when the request is silent."""


def responses(call: Call) -> Answer:
    speech = speak(call, _turns(call.body), _tools(call.body), "max_output_tokens")
    usage = call.reported(speech.usage)
    item = _item(speech)
    status = "incomplete" if speech.cut else "completed"
    reply = {
        **_response(call, "in_progress"),
        "status": status,
        "incomplete_details": {"reason": "max_output_tokens"} if speech.cut else None,
        "output": [{**item, "status": status, **_filled(speech)}],
        **_usage_fields(usage),
    }
    if call.streams:
        return stream_answer(_chunks(reply, item, speech, usage))
    return json_answer(reply, usage)


def _chunks(reply: dict[str, object], item: dict[str, object], speech: Speech, usage: Usage | None) -> Iterator[Chunk]:
    number = -1

    def chunk(kind: str, fields: Mapping[str, object], is_text: bool = False, usage: Usage | None = None) -> Chunk:
        nonlocal number
        number += 1
        return Chunk(server_sent({"type": kind, "sequence_number": number, **fields}, kind), is_text, usage)

    begun = {**reply, "status": "in_progress", "incomplete_details": None, "output": [], "usage": None}
    place: dict[str, object] = {"item_id": item["id"], "output_index": 0}
    yield chunk("response.created", {"response": begun})
    yield chunk("response.in_progress", {"response": begun})
    yield chunk("response.output_item.added", {"output_index": 0, "item": {**item, "status": "in_progress"}})
    if speech.tool:
        for piece in speech.pieces:
            yield chunk("response.function_call_arguments.delta", {**place, "delta": piece}, is_text=True)
        yield chunk("response.function_call_arguments.done", {**place, "name": speech.tool, "arguments": speech.text})
    else:
        place["content_index"] = 0
        yield chunk("response.content_part.added", {**place, "part": _part("")})
        for piece in speech.pieces:
            yield chunk("response.output_text.delta", {**place, "delta": piece, "logprobs": []}, is_text=True)
        yield chunk("response.output_text.done", {**place, "text": speech.text, "logprobs": []})
        yield chunk("response.content_part.done", {**place, "part": _part(speech.text)})
    yield chunk(
        "response.output_item.done", {"output_index": 0, "item": {**item, "status": reply["status"], **_filled(speech)}}
    )
    yield chunk(f"response.{reply['status']}", {"response": reply}, usage=usage)


def _turns(body: Mapping[str, Any]) -> list[Turn]:
    turns = [Turn("system", text_of(body["instructions"]))] if body.get("instructions") else []
    given = body.get("input")
    if given is None:
        raise BadRequest("you must provide an `input`")
    if isinstance(given, str):
        return [*turns, Turn("user", given)]
    # Items without a role are calls of tools and their outputs.
    return turns + turns_of(given, "input", silent="tool")


def _tools(body: Mapping[str, Any]) -> list[Tool]:
    if body.get("tool_choice") == "none":
        return []
    return [
        Tool(str(tool.get("name")), tool.get("parameters") or {})
        for tool in objects(body.get("tools"), "tools")
        if tool.get("type") == "function"
    ]


def _response(call: Call, status: str) -> dict[str, object]:
    return {
        "id": new_id("resp_"),
        "object": "response",
        "created_at": now_s(),
        "status": status,
        "model": call.model,
        "error": None,
        "incomplete_details": None,
        "output": [],
        "parallel_tool_calls": True,
        "previous_response_id": None,
        "max_output_tokens": call.body.get("max_output_tokens"),
        **ECHOED,
        **{name: call.body[name] for name in ECHOED if call.body.get(name) is not None},
        "usage": None,
    }


def _item(speech: Speech) -> dict[str, object]:
    """The one output item of the reply, as it is before its first piece."""
    if speech.tool:
        return {
            "type": "function_call",
            "id": new_id("fc_"),
            "call_id": new_id("call_"),
            "name": speech.tool,
            "arguments": "",
        }
    return {"type": "message", "id": new_id("msg_"), "role": "assistant", "content": []}


def _filled(speech: Speech) -> dict[str, object]:
    return {"arguments": speech.text} if speech.tool else {"content": [_part(speech.text)]}


def _part(text: str) -> dict[str, object]:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def _usage_fields(usage: Usage | None) -> dict[str, object]:
    if usage is None:
        return {}
    return {
        "usage": {
            **openai_wire.tokens(usage),
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens_details": {"reasoning_tokens": 0},
        }
    }


ENDPOINTS = (Endpoint("/v1/responses", WIRE, responses),)
