"""What the fake providers answer, as the official SDKs read it."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from anthropic import AsyncAnthropic
from openai import AsyncOpenAI, AsyncStream

HI: Any = [{"role": "user", "content": "Say hi to me"}]
SAID = "Hello from openai/gpt-4o. You said: Say hi to me"
USE_TOOL: Any = [{"role": "user", "content": "Use the tool, please"}]
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
CHAT_TOOLS: Any = [{"type": "function", "function": {"name": "weather", "strict": True, "parameters": SCHEMA}}]
ARGUMENTS = '{"city": "demo"}'

Stats = Callable[[], Awaitable[Any]]


async def text_of(stream: AsyncStream[Any]) -> str:
    return "".join([chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices])


async def test_a_chat_answer_says_who_served_it_and_what_it_used(gpt: AsyncOpenAI, stats: Stats) -> None:
    answer = await gpt.chat.completions.create(model="gpt-4o", messages=HI)

    assert answer.choices[0].message.content == SAID
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage is not None
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens, answer.usage.total_tokens) == (3, 9, 12)
    assert (await stats())["openai/gpt-4o"] == {
        "received": 1,
        "ok": 1,
        "failed": 0,
        "disconnected": 0,
        "in_flight": 0,
        "max_in_flight": 1,
        "input_tokens": 3,
        "output_tokens": 9,
        "by_path": {"/v1/chat/completions": 1},
    }


async def test_a_chat_stream_says_the_same_and_reports_usage_only_when_asked(gpt: AsyncOpenAI, stats: Stats) -> None:
    assert await text_of(await gpt.chat.completions.create(model="gpt-4o", messages=HI, stream=True)) == SAID
    assert (await stats())["openai/gpt-4o"]["output_tokens"] == 0

    stream = await gpt.chat.completions.create(
        model="gpt-4o", messages=HI, stream=True, stream_options={"include_usage": True}
    )
    chunks = [chunk async for chunk in stream]

    assert [chunk.usage for chunk in chunks[:-1]] == [None] * (len(chunks) - 1)
    assert chunks[-1].choices == []
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens == 9
    assert chunks[-2].choices[0].finish_reason == "stop"
    assert (await stats())["openai/gpt-4o"]["output_tokens"] == 9


async def test_cerebras_reports_the_usage_of_a_stream_unasked(server: str, gpt: AsyncOpenAI) -> None:
    cerebras = gpt.with_options(base_url=f"{server}/cerebras/v1")

    chunks = [c async for c in await cerebras.chat.completions.create(model="glm-4.7", messages=HI, stream=True)]

    assert chunks[-1].choices[0].finish_reason == "stop"
    assert chunks[-1].usage is not None


async def test_a_limit_cuts_the_answer_and_its_count(gpt: AsyncOpenAI) -> None:
    answer = await gpt.chat.completions.create(model="gpt-4o", messages=HI, max_completion_tokens=2, n=3)

    assert [choice.message.content for choice in answer.choices] == ["Hello from "] * 3
    assert answer.choices[0].finish_reason == "length"
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 6


async def test_the_word_tool_makes_it_call_the_first_tool_until_that_has_answered(gpt: AsyncOpenAI) -> None:
    whole = await gpt.chat.completions.create(model="m", messages=USE_TOOL, tools=CHAT_TOOLS)

    assert whole.choices[0].finish_reason == "tool_calls"
    assert whole.choices[0].message.tool_calls is not None
    call: Any = whole.choices[0].message.tool_calls[0]
    assert (call.function.name, call.function.arguments) == ("weather", ARGUMENTS)

    result: Any = {"role": "tool", "tool_call_id": call.id, "content": "sunny"}
    said: Any = [*USE_TOOL, whole.choices[0].message, result]
    after = await gpt.chat.completions.create(model="m", messages=said, tools=CHAT_TOOLS)
    assert after.choices[0].message.content == "Hello from openai/m. You said: Use the tool, please"


async def test_a_tool_call_can_be_streamed(gpt: AsyncOpenAI) -> None:
    async with gpt.chat.completions.stream(model="m", messages=USE_TOOL, tools=CHAT_TOOLS) as stream:
        final = await stream.get_final_completion()

    assert final.choices[0].message.tool_calls is not None
    assert final.choices[0].message.tool_calls[0].function.arguments == ARGUMENTS


async def test_completions_answer_each_prompt_of_a_list_and_stream(gpt: AsyncOpenAI) -> None:
    whole = await gpt.completions.create(model="m", prompt=["one", "two"])
    stream = await gpt.completions.create(model="m", prompt="one", stream=True)

    assert [choice.text for choice in whole.choices] == [
        f"Hello from openai/m. You said: {said}" for said in ("one", "two")
    ]
    assert "".join([chunk.choices[0].text async for chunk in stream]) == whole.choices[0].text


async def test_embeddings_follow_from_the_text_alone_in_both_encodings(gpt: AsyncOpenAI) -> None:
    packed = await gpt.embeddings.create(model="e", input=["same text", "other", "same text"])
    plain = await gpt.embeddings.create(model="e", input="same text", encoding_format="float")

    assert packed.data[0].embedding == packed.data[2].embedding != packed.data[1].embedding
    assert packed.data[0].embedding == pytest.approx(plain.data[0].embedding, abs=1e-6)
    assert packed.usage.total_tokens == 5


async def test_responses_whole_and_streamed_are_the_same_answer(gpt: AsyncOpenAI) -> None:
    whole = await gpt.responses.create(model="gpt-4o", input="Say hi to me")
    events = [event async for event in await gpt.responses.create(model="gpt-4o", input=HI, stream=True)]
    cut = await gpt.responses.create(model="gpt-4o", input=HI, max_output_tokens=1)

    assert whole.output_text == SAID
    assert [event.sequence_number for event in events] == list(range(len(events)))
    last = events[-1]
    assert last.type == "response.completed"
    assert last.response.output_text == SAID
    assert "".join(event.delta for event in events if event.type == "response.output_text.delta") == SAID
    assert last.response.usage == whole.usage
    assert (cut.status, cut.output_text) == ("incomplete", "Hello ")


async def test_a_streamed_response_can_call_a_tool(gpt: AsyncOpenAI) -> None:
    tool: Any = {"type": "function", "strict": True, "name": "weather", "parameters": SCHEMA}
    async with gpt.responses.stream(model="m", input=USE_TOOL, tools=[tool]) as stream:
        final = await stream.get_final_response()

    assert final.output[0].type == "function_call"
    assert final.output[0].arguments == ARGUMENTS


async def test_images_audio_and_moderations_answer_in_their_shapes(gpt: AsyncOpenAI) -> None:
    image = await gpt.images.generate(model="gpt-image-1", prompt="a house", n=2)
    link = await gpt.images.generate(model="dall-e-3", prompt="a house")
    heard = await gpt.audio.transcriptions.create(model="whisper-1", file=("hi.wav", b"RIFF"))
    spoken = await gpt.audio.speech.create(model="tts-1", voice="alloy", input="hi")
    verdict = await gpt.moderations.create(input=["peace", "violence"])

    assert image.data is not None
    assert image.usage is not None
    assert (len(image.data), image.usage.output_tokens) == (2, 200)
    assert link.data is not None
    assert link.data[0].url is not None
    assert heard.text == "Hello from openai/whisper-1. You sent: hi.wav (4 bytes)"
    assert spoken.content == b"Hello from openai/tts-1. You said: hi"
    assert [result.flagged for result in verdict.results] == [False, True]


async def test_rerank_orders_documents_in_the_shape_of_the_asked_version(http: httpx.AsyncClient) -> None:
    asked = {"model": "rerank-v3.5", "query": "red house", "documents": ["a dog", "red house", "my house"]}
    first = (await http.post("/cohere/v1/rerank", json={**asked, "return_documents": True})).json()
    second = (await http.post("/cohere/v2/rerank", json={**asked, "top_n": 2})).json()

    assert [result["document"]["text"] for result in first["results"]] == ["red house", "my house", "a dog"]
    assert second["results"] == [{"index": 1, "relevance_score": 1.0}, {"index": 2, "relevance_score": 0.5}]
    assert second["meta"] == {"api_version": {"version": "2"}, "billed_units": {"search_units": 1}}


async def test_messages_whole_and_streamed_are_the_same_answer(claude: AsyncAnthropic, stats: Stats) -> None:
    whole = await claude.messages.create(model="opus", max_tokens=99, system="Be kind.", messages=HI)
    stream = await claude.messages.create(model="opus", max_tokens=99, system="Be kind.", messages=HI, stream=True)
    events = [event async for event in stream]
    text = "".join([event.delta.text for event in events if event.type == "content_block_delta"])  # type: ignore[union-attr]

    assert whole.content[0].type == "text"
    assert whole.content[0].text == text == "Hello from anthropic/opus. You said: Say hi to me"
    assert (whole.usage.input_tokens, whole.usage.output_tokens) == (5, 9)
    assert (events[0].type, events[-2].type, events[-1].type) == ("message_start", "message_delta", "message_stop")
    assert events[-2].usage.output_tokens == 9  # type: ignore[union-attr]
    counted = (await stats())["anthropic/opus"]
    assert (counted["input_tokens"], counted["output_tokens"]) == (10, 18)


async def test_a_streamed_message_can_use_a_tool_or_end_at_its_limit(claude: AsyncAnthropic) -> None:
    tool: Any = {"name": "weather", "input_schema": SCHEMA}
    async with claude.messages.stream(model="opus", max_tokens=99, messages=USE_TOOL, tools=[tool]) as stream:
        calling = await stream.get_final_message()
    async with claude.messages.stream(model="opus", max_tokens=1, messages=HI) as stream:
        cut = await stream.get_final_message()

    assert calling.stop_reason == "tool_use"
    assert calling.content[0].type == "tool_use"
    assert calling.content[0].input == {"city": "demo"}
    assert (cut.stop_reason, cut.usage.output_tokens) == ("max_tokens", 1)


async def test_google_generates_content_whole_and_streamed(http: httpx.AsyncClient) -> None:
    path, asked = "/gemini/v1beta/models/gemini-2.0-flash", {"contents": [{"parts": [{"text": "hi"}]}]}
    whole = (await http.post(f"{path}:generateContent", json=asked)).json()
    events = (await http.post(f"{path}:streamGenerateContent?alt=sse", json=asked)).text.strip().split("\n\n")
    parts = [json.loads(event.removeprefix("data: ")) for event in events]

    said = whole["candidates"][0]["content"]["parts"][0]["text"]
    assert said == "Hello from gemini/gemini-2.0-flash. You said: hi"
    assert "".join(part["candidates"][0]["content"]["parts"][0]["text"] for part in parts) == said
    assert whole["usageMetadata"] == {"promptTokenCount": 1, "candidatesTokenCount": 6, "totalTokenCount": 7}
    assert parts[-1]["usageMetadata"] == whole["usageMetadata"]
    assert [part["candidates"][0].get("finishReason") for part in parts] == [None] * 5 + ["STOP"]


async def test_any_provider_speaks_every_wire_format(server: str, gpt: AsyncOpenAI, claude: AsyncAnthropic) -> None:
    chat = await gpt.with_options(base_url=f"{server}/anthropic/v1").chat.completions.create(model="m", messages=HI)
    message = await claude.with_options(base_url=f"{server}/openai").messages.create(
        model="m", max_tokens=9, messages=HI
    )

    assert str(chat.choices[0].message.content).startswith("Hello from anthropic/m.")
    assert message.content[0].type == "text"
    assert message.content[0].text.startswith("Hello from openai/m.")


async def test_every_provider_lists_models(server: str, gpt: AsyncOpenAI) -> None:
    assert "gpt-4o" in [model.id async for model in gpt.models.list()]
    assert [model.id async for model in gpt.with_options(base_url=f"{server}/mine/v1").models.list()] == ["demo-model"]


@pytest.mark.parametrize(
    ("path", "body", "error"),
    [
        (
            "/openai/v1/chat/completions",
            '{"model": "m"}',
            {
                "error": {
                    "message": "the conversation is empty",
                    "type": "invalid_request_error",
                    "param": None,
                    "code": None,
                }
            },
        ),
        (
            "/anthropic/v1/messages",
            '{"messages": []}',
            {
                "type": "error",
                "error": {"type": "invalid_request_error", "message": "you must provide a `model`, a text"},
            },
        ),
        (
            "/gemini/v1beta/models/m:generateContent",
            "[]",
            {"error": {"code": 400, "message": "the body must be a JSON object", "status": "INVALID_ARGUMENT"}},
        ),
        (
            "/cohere/v2/rerank",
            '{"model": "m"}',
            {"message": "you must provide a `query`, a text, and `documents`, a list"},
        ),
    ],
)
async def test_a_bad_request_is_refused_in_the_wire_format_and_counted_as_failed(
    http: httpx.AsyncClient, stats: Stats, path: str, body: str, error: dict[str, Any]
) -> None:
    answer = await http.post(path, content=body)

    assert answer.status_code == 400
    assert error.items() <= answer.json().items()
    assert [(count["received"], count["failed"]) for count in (await stats()).values()] == [(1, 1)]


async def test_an_unknown_path_is_told_the_known_ones(http: httpx.AsyncClient) -> None:
    answer = await http.post("/openai/chat/completions", json={})

    assert answer.status_code == 404
    assert "no fake provider answers POST /openai/chat/completions" in answer.json()["error"]["message"]
    assert "/v1/chat/completions" in answer.json()["error"]["message"]
