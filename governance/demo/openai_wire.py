"""OpenAI's wire format: chat completions, completions, embeddings and errors.

Source: https://platform.openai.com/docs/api-reference
"""

import base64
import hashlib
import struct
from collections.abc import Iterator, Mapping
from typing import Any

from governance.demo.script import Speech, Tool, Turn, objects, speak, text_of, token_count, turns_of, whole_number
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

DONE = Chunk(b"data: [DONE]\n\n")

REPORT_UNASKED = ("cerebras", "mistral")
"""Providers whose chat streams report usage in the event that ends the text, asked or not. LiteLLM 1.106 counts on it:
it never asks these two."""

ERROR_CODES = {401: "invalid_api_key", 404: "model_not_found", 429: "rate_limit_exceeded"}

# OpenAI itself says "invalid_request_error" for 401, but then LiteLLM goes by its exact message and not by the status.
ERROR_TYPES = {401: "authentication_error", 403: "permission_error", 429: "requests"}


def error(status: int, message: str) -> dict[str, object]:
    kind = ERROR_TYPES.get(status, "server_error" if status >= 500 else "invalid_request_error")
    return {"error": {"message": message, "type": kind, "param": None, "code": ERROR_CODES.get(status)}}


WIRE = Wire(error)


def chat(call: Call) -> Answer:
    turns = turns_of(call.body.get("messages"), "messages")
    # The old name and the new one; the API takes either.
    limit_field = "max_tokens" if call.body.get("max_completion_tokens") is None else "max_completion_tokens"
    speech = speak(call, turns, _tools(call.body), limit_field)
    choices = range(whole_number(call.body.get("n"), "n", 128))
    usage = call.reported(Usage(speech.usage.input_tokens, speech.usage.output_tokens * len(choices)))
    reply: dict[str, object] = {
        "id": new_id("chatcmpl-"),
        "created": now_s(),
        "model": call.model,
        "service_tier": "default",
        "system_fingerprint": "fp_demo",
    }
    if call.streams:
        return stream_answer(_chat_chunks(call, reply, speech, choices, usage))
    message: dict[str, object] = {"role": "assistant", "content": speech.text, "refusal": None, "annotations": []}
    if speech.tool:
        message |= {"content": None, "tool_calls": [_tool_call(speech.tool, speech.text)]}
    reply |= {
        "object": "chat.completion",
        "choices": [
            {"index": index, "message": message, "logprobs": None, "finish_reason": _finish_reason(speech)}
            for index in choices
        ],
        **_usage_fields(usage),
    }
    return json_answer(reply, usage)


def _chat_chunks(
    call: Call, reply: Mapping[str, object], speech: Speech, choices: range, usage: Usage | None
) -> Iterator[Chunk]:
    frame = {**reply, "object": "chat.completion.chunk"}
    if _asks_for_usage(call.body):
        frame["usage"] = None

    def chunk(
        index: int, delta: object, finish_reason: str | None = None, is_text: bool = False, told: Usage | None = None
    ) -> Chunk:
        choice = {"index": index, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        return Chunk(server_sent({**frame, **_usage_fields(told), "choices": [choice]}), is_text, told)

    for index in choices:
        opening: dict[str, object] = {"role": "assistant", "content": "", "refusal": None}
        if speech.tool:
            opening |= {"content": None, "tool_calls": [{"index": 0, **_tool_call(speech.tool, "")}]}
        yield chunk(index, opening)
    for piece in speech.pieces:
        delta = {"tool_calls": [{"index": 0, "function": {"arguments": piece}}]} if speech.tool else {"content": piece}
        for index in choices:
            yield chunk(index, delta, is_text=True)
    unasked = usage if call.provider in REPORT_UNASKED else None
    for index in choices:
        yield chunk(index, {}, _finish_reason(speech), told=unasked)
    yield from _ending(call, frame, usage if unasked is None else None)


def completions(call: Call) -> Answer:
    """One choice for each prompt of the list; a prompt of token numbers is answered as one without text."""
    prompt = call.body.get("prompt")
    if prompt is None:
        raise BadRequest("you must provide a `prompt`")
    is_batch = isinstance(prompt, list) and bool(prompt) and not isinstance(prompt[0], int)
    speeches = [speak(call, [Turn("user", text_of(one))]) for one in (prompt if is_batch else [prompt])]
    counted = Usage(
        sum(speech.usage.input_tokens for speech in speeches), sum(speech.usage.output_tokens for speech in speeches)
    )
    usage = call.reported(counted)
    reply = {"id": new_id("cmpl-"), "object": "text_completion", "created": now_s(), "model": call.model}
    if call.streams:
        return stream_answer(_completion_chunks(call, reply, speeches, usage))
    choices = [_completion_choice(index, speech.text, _finish_reason(speech)) for index, speech in enumerate(speeches)]
    return json_answer({**reply, "choices": choices, **_usage_fields(usage)}, usage)


def _completion_chunks(
    call: Call, reply: Mapping[str, object], speeches: list[Speech], usage: Usage | None
) -> Iterator[Chunk]:
    frame = {**reply, "usage": None} if _asks_for_usage(call.body) else dict(reply)
    for index, speech in enumerate(speeches):
        for piece in speech.pieces:
            yield Chunk(server_sent({**frame, "choices": [_completion_choice(index, piece, None)]}), is_text=True)
        yield Chunk(server_sent({**frame, "choices": [_completion_choice(index, "", _finish_reason(speech))]}))
    yield from _ending(call, frame, usage)


def embeddings(call: Call) -> Answer:
    """Vectors of 8 numbers, or `dimensions`, that follow from the text alone; each text's tokens are counted."""
    given = call.body.get("input")
    if not isinstance(given, str | list) or not given:
        raise BadRequest("`input` must be a text, a list of texts, or token numbers")
    inputs = given if isinstance(given, list) and not isinstance(given[0], int) else [given]
    dimensions = call.body.get("dimensions") or 8
    if not isinstance(dimensions, int):
        raise BadRequest("`dimensions` must be an integer")
    counted = Usage(sum(token_count(one) if isinstance(one, str) else len(one) for one in inputs), 0)
    usage = call.reported(counted)
    as_base64 = call.body.get("encoding_format") == "base64"
    vectors = [
        {"object": "embedding", "index": index, "embedding": _vector(str(one), dimensions, as_base64)}
        for index, one in enumerate(inputs)
    ]
    reply: dict[str, object] = {"object": "list", "data": vectors, "model": call.model}
    if usage is not None:
        reply["usage"] = {"prompt_tokens": usage.input_tokens, "total_tokens": usage.total_tokens}
    return json_answer(reply, usage)


def _vector(text: str, dimensions: int, as_base64: bool) -> list[float] | str:
    digest = hashlib.sha256(text.encode()).digest()
    vector = [digest[position % len(digest)] / 255 - 0.5 for position in range(dimensions)]
    return base64.b64encode(struct.pack(f"<{dimensions}f", *vector)).decode() if as_base64 else vector


def _asks_for_usage(body: Mapping[str, Any]) -> bool:
    options = body.get("stream_options")
    return isinstance(options, Mapping) and options.get("include_usage") is True


def _usage_fields(usage: Usage | None) -> dict[str, object]:
    """The `usage` member of a reply, or nothing when none is reported."""
    if usage is None:
        return {}
    return {
        "usage": {
            "prompt_tokens": usage.input_tokens,
            "completion_tokens": usage.output_tokens,
            "total_tokens": usage.total_tokens,
            "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
        }
    }


def _ending(call: Call, frame: Mapping[str, object], usage: Usage | None) -> Iterator[Chunk]:
    """What comes after the last choice of a stream: the usage that is still to be told, if it is asked for."""
    if usage is not None and _asks_for_usage(call.body):
        yield Chunk(server_sent({**frame, "choices": [], **_usage_fields(usage)}), usage=usage)
    yield DONE


def tokens(usage: Usage) -> dict[str, object]:
    """How OpenAI's newer APIs report them."""
    return {
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "total_tokens": usage.total_tokens,
    }


def _tools(body: Mapping[str, Any]) -> list[Tool]:
    if body.get("tool_choice") == "none":
        return []
    functions = [tool.get("function") for tool in objects(body.get("tools"), "tools")]
    return [
        Tool(str(function.get("name")), function.get("parameters") or {})
        for function in functions
        if isinstance(function, Mapping)
    ]


def _tool_call(name: str, arguments: str) -> dict[str, object]:
    return {"id": new_id("call_"), "type": "function", "function": {"name": name, "arguments": arguments}}


def _finish_reason(speech: Speech) -> str:
    return "tool_calls" if speech.tool else "length" if speech.cut else "stop"


def _completion_choice(index: int, text: str, finish_reason: str | None) -> dict[str, object]:
    return {"index": index, "text": text, "logprobs": None, "finish_reason": finish_reason}


ENDPOINTS = (
    Endpoint("/v1/chat/completions", WIRE, chat),
    Endpoint("/v1/completions", WIRE, completions),
    Endpoint("/v1/embeddings", WIRE, embeddings),
)
