"""How the fake providers misbehave on demand, and that they count it truly."""

import asyncio
import subprocess
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import anthropic
import httpx
import openai
import pytest
from anthropic import AsyncAnthropic
from openai import AsyncOpenAI, AsyncStream

HI: Any = [{"role": "user", "content": "Say hi to me"}]
FOREVER_MS = 3_600_000

SetFaults = Callable[[dict[str, Any]], Awaitable[None]]
Stats = Callable[[], Awaitable[Any]]
Until = Callable[..., Awaitable[Any]]


async def stream_of(client: AsyncOpenAI, model: str = "m") -> AsyncStream[Any]:
    options: Any = {"include_usage": True}
    return await client.chat.completions.create(model=model, messages=HI, stream=True, stream_options=options)


async def read(stream: AsyncStream[Any], pieces: list[str], most: int = 1000) -> None:
    """Append what the stream says to `pieces`, until its end or until there are `most`."""
    async for chunk in stream:
        if chunk.choices and chunk.choices[0].delta.content:
            pieces.append(chunk.choices[0].delta.content)
            if len(pieces) == most:
                return


async def test_a_failure_has_its_status_message_and_retry_after(
    gpt: AsyncOpenAI, claude: AsyncAnthropic, faults: SetFaults, stats: Stats
) -> None:
    await faults({"*": {"status": 429, "message": "slow down", "retry_after_s": 7}})

    with pytest.raises(openai.RateLimitError, match="slow down") as from_openai:
        await gpt.chat.completions.create(model="m", messages=HI)
    with pytest.raises(anthropic.RateLimitError, match="slow down") as from_anthropic:
        await claude.messages.create(model="m", max_tokens=9, messages=HI)

    assert from_openai.value.response.headers["retry-after"] == "7"
    assert from_openai.value.code == "rate_limit_exceeded"
    assert from_anthropic.value.response.headers["retry-after"] == "7"
    assert [count["failed"] for count in (await stats()).values()] == [1, 1]


async def test_a_fault_with_times_ends_after_so_many_requests(gpt: AsyncOpenAI, faults: SetFaults) -> None:
    await faults({"openai": {"status": 503, "times": 2}})

    for _ in range(2):
        with pytest.raises(openai.InternalServerError):
            await gpt.chat.completions.create(model="m", messages=HI)
    assert await gpt.chat.completions.create(model="m", messages=HI)


async def test_the_most_specific_fault_wins_alone(gpt: AsyncOpenAI, http: httpx.AsyncClient, faults: SetFaults) -> None:
    async def status(model: str) -> int:
        raw = gpt.with_options(base_url=f"{http.base_url}/groq/v1").chat.completions.with_raw_response
        try:
            return (await raw.create(model=model, messages=HI)).status_code
        except openai.APIStatusError as error:
            return error.status_code

    await faults({"*": {"status": 500}, "groq": {"status": 501}, "groq/meta/llama": {"status": 502}, "groq/well": {}})
    assert [await status(model) for model in ("m", "meta/llama", "well")] == [501, 502, 200]

    await faults({"groq": None})
    assert [await status(model) for model in ("m", "meta/llama", "well")] == [500, 502, 200]


async def test_a_stream_that_is_cut_off_ends_after_so_many_pieces_and_has_failed(
    gpt: AsyncOpenAI, faults: SetFaults, stats: Stats
) -> None:
    await faults({"openai": {"break_after_chunks": 2}})
    pieces: list[str] = []

    with pytest.raises(httpx.RemoteProtocolError):
        await read(await stream_of(gpt), pieces)

    assert pieces == ["Hello ", "from "]
    assert ((await stats())["openai/m"]["failed"], (await stats())["openai/m"]["output_tokens"]) == (1, 0)


async def test_a_stream_can_break_off_with_an_error_event(
    gpt: AsyncOpenAI, claude: AsyncAnthropic, faults: SetFaults, stats: Stats
) -> None:
    await faults({"*": {"break_after_chunks": 0, "break_kind": "error_event", "message": "out of breath"}})

    with pytest.raises(openai.APIError, match="out of breath"):
        await read(await stream_of(gpt), [])
    with pytest.raises(anthropic.APIStatusError, match="out of breath"):
        async for _ in await claude.messages.create(model="m", max_tokens=9, messages=HI, stream=True):
            pass
    events = [event async for event in await gpt.responses.create(model="r", input="hi", stream=True)]
    assert events[-1].type == "error"
    assert events[-1].message == "out of breath"

    assert [count["failed"] for count in (await stats()).values()] == [1, 1, 1]
    assert (await stats())["anthropic/m"]["input_tokens"] == 3, "the message_start had told it"


async def test_an_answer_that_is_not_streamed_breaks_before_its_only_piece(
    gpt: AsyncOpenAI, faults: SetFaults, stats: Stats
) -> None:
    await faults({"openai": {"break_after_chunks": 0, "times": 1}})

    with pytest.raises(openai.APIConnectionError):
        await gpt.chat.completions.create(model="m", messages=HI)
    assert (await stats())["openai/m"]["failed"] == 1


@pytest.mark.parametrize("fault", [{"latency_ms": FOREVER_MS}, {"break_after_chunks": 0, "break_kind": "hang"}])
async def test_a_client_that_gives_up_waiting_is_counted_as_disconnected(
    gpt: AsyncOpenAI, faults: SetFaults, until: Until, fault: dict[str, Any]
) -> None:
    await faults({"openai": fault})

    with pytest.raises(openai.APITimeoutError):
        await gpt.with_options(timeout=httpx.Timeout(60, read=0.1)).chat.completions.create(model="m", messages=HI)
    await until("openai/m", received=1, in_flight=0, disconnected=1)


async def test_a_stream_that_hangs_stays_open_until_the_client_leaves(
    gpt: AsyncOpenAI, faults: SetFaults, until: Until
) -> None:
    await faults({"openai": {"break_after_chunks": 3, "break_kind": "hang"}})
    pieces: list[str] = []
    stream = await stream_of(gpt)
    await read(stream, pieces, most=3)

    await until("openai/m", in_flight=1)
    await stream.close()
    await until("openai/m", received=1, in_flight=0, disconnected=1)


async def test_garbage_is_a_200_that_is_not_json(gpt: AsyncOpenAI, http: httpx.AsyncClient, faults: SetFaults) -> None:
    await faults({"openai": {"garbage": True}})
    answer = await http.post("/openai/v1/chat/completions", json={"model": "m", "messages": HI})

    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    with pytest.raises(ValueError, match="line 1 column"):
        answer.json()
    with pytest.raises(ValueError, match="line 1 column"):
        await read(await stream_of(gpt), [])


async def test_usage_can_be_forced_or_withheld(
    gpt: AsyncOpenAI, claude: AsyncAnthropic, faults: SetFaults, stats: Stats
) -> None:
    await faults({"*": {"usage": {"input_tokens": 1000, "output_tokens": 50}}, "anthropic": {"no_usage": True}})
    forced = await gpt.chat.completions.create(model="m", messages=HI)
    streamed = [chunk async for chunk in await stream_of(gpt)]
    withheld = await claude.messages.create(model="m", max_tokens=9, messages=HI)

    assert forced.usage is not None
    assert (forced.usage.prompt_tokens, forced.usage.completion_tokens) == (1000, 50)
    assert streamed[-1].usage == forced.usage
    assert "usage" not in withheld.model_fields_set
    assert ((await stats())["openai/m"]["input_tokens"], (await stats())["anthropic/m"]["input_tokens"]) == (2000, 0)


async def test_fifty_clients_of_which_some_leave_are_counted_exactly(
    gpt: AsyncOpenAI, faults: SetFaults, until: Until
) -> None:
    await faults(
        {
            "openai/down": {"status": 500},
            "openai/hangs": {"break_after_chunks": 2, "break_kind": "hang"},
            "openai/mute": {"latency_ms": FOREVER_MS},
            "openai/slow": {"chunk_delay_ms": 1},
        }
    )

    async def ask(model: str) -> int:
        answer = await gpt.chat.completions.create(model=model, messages=HI)
        return answer.usage.completion_tokens if answer.usage else 0

    async def listen(model: str) -> int:
        usage = [chunk async for chunk in await stream_of(gpt, model)][-1].usage
        return int(usage.completion_tokens)

    async def begin(model: str) -> AsyncStream[Any]:
        stream = await stream_of(gpt, model)
        await read(stream, [], most=2)
        return stream

    leavers = [asyncio.create_task(ask("mute")) for _ in range(10)]
    streams, told, streamed, down = await asyncio.gather(
        asyncio.gather(*(begin("hangs") for _ in range(10))),
        asyncio.gather(*(ask("good") for _ in range(10))),
        asyncio.gather(*(listen("slow") for _ in range(10))),
        asyncio.gather(*(ask("down") for _ in range(10)), return_exceptions=True),
    )
    await until("openai/mute", in_flight=10)
    for leaver in leavers:
        leaver.cancel()
    await asyncio.gather(*leavers, *(stream.close() for stream in streams), return_exceptions=True)

    await until("openai/mute", in_flight=0)
    counted = await until("openai/hangs", in_flight=0)
    assert all(isinstance(error, openai.InternalServerError) for error in down)
    assert [counted[f"openai/{model}"]["received"] for model in ("good", "slow", "down", "hangs", "mute")] == [10] * 5
    assert (counted["openai/good"]["ok"], counted["openai/slow"]["ok"]) == (10, 10)
    assert counted["openai/down"]["failed"] == 10
    assert (counted["openai/hangs"]["disconnected"], counted["openai/mute"]["disconnected"]) == (10, 10)
    assert (counted["openai/hangs"]["max_in_flight"], counted["openai/mute"]["max_in_flight"]) == (10, 10)
    assert counted["openai/good"]["output_tokens"] == sum(told)
    assert counted["openai/slow"]["output_tokens"] == sum(streamed)
    assert counted["openai/hangs"]["output_tokens"] == 0


async def test_the_last_requests_are_remembered_by_names_only(gpt: AsyncOpenAI, http: httpx.AsyncClient) -> None:
    await gpt.chat.completions.create(model="m", messages=HI, temperature=0.5)
    (seen,) = (await http.get("/_requests")).json()

    assert seen["path"] == "/v1/chat/completions"
    assert (seen["provider"], seen["model"], seen["stream"]) == ("openai", "m", False)
    assert seen["body_keys"] == ["messages", "model", "temperature"]
    assert "authorization" in seen["header_names"]
    assert "secret" not in (await http.get("/_requests")).text


async def test_faults_can_be_set_with_plain_paths(http: httpx.AsyncClient) -> None:
    assert (await http.post("/_control/cerebras/fail")).json() == {"cerebras": {"status": 503}}
    assert (await http.post("/_control/cerebras/fail?status=429&retry_after_s=7&times=3")).json() == {
        "cerebras": {"status": 429, "retry_after_s": 7, "times": 3}
    }
    assert (await http.post("/_control/cerebras/fail?break_after_chunks=2")).json() == {
        "cerebras": {"break_after_chunks": 2}
    }
    assert (await http.post("/_control/cerebras/ok")).json() == {}
    assert (await http.post("/_control/groq/meta/llama/slow?ms=2000")).json() == {
        "groq/meta/llama": {"latency_ms": 2000}
    }
    assert (await http.post("/_control/*/slow")).json()["*"] == {"latency_ms": 2000}
    assert (await http.delete("/_control")).json() == {}


KNOWN = "known fields: status, message, retry_after_s, latency_ms, times, chunk_delay_ms, break_after_chunks, "


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ("{", "the body is not JSON: "),
        ("[]", 'expected a JSON object like {"openai": {"status": 503}} or {"openai": null}'),
        ('{"openai": {"statsu": 503}}', f"openai.statsu: unknown field; {KNOWN}"),
        ('{"openai": {"status": "503"}}', "openai.status: input should be a valid integer, not '503'; "),
        ('{"openai": {"status": 200}}', "openai.status: input should be greater than or equal to 400, not 200; "),
        ('{"openai": {"times": 0}}', "openai.times: input should be greater than or equal to 1, not 0; "),
        ('{"openai": {"usage": {"input_tokens": 1}}}', "openai.usage.output_tokens: missing; "),
        ('{"openai": {"break_kind": "hang"}}', "openai: break_kind says nothing without break_after_chunks; "),
        ('{"openai": {}, "groq": 503}', "groq: must be an object, not 503; "),
    ],
)
async def test_a_bad_control_request_is_explained_and_changes_nothing(
    http: httpx.AsyncClient, body: str, complaint: str
) -> None:
    answer = await http.post("/_control", content=body)

    assert answer.status_code == 400
    assert answer.json()["error"].startswith(complaint)
    assert (await http.get("/_control")).json() == {}


async def test_a_bad_plain_control_path_is_explained_too(http: httpx.AsyncClient) -> None:
    answer = await http.post("/_control/openai/slow?miliseconds=5")

    assert answer.status_code == 400
    assert answer.json()["error"].startswith(f"openai.miliseconds: unknown field; {KNOWN}")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--host", "0.0.0.0"], "0.0.0.0 refused: fake providers listen on 127.0.0.1 or ::1 only"),
        (["--port", "99999"], "cannot listen on 127.0.0.1 port 99999: "),
    ],
)
def test_it_refuses_to_listen_where_it_must_not_or_cannot(arguments: list[str], complaint: str) -> None:
    command = [sys.executable, "-m", "governance.demo.providers", *arguments]
    refused = subprocess.run(command, capture_output=True, text=True, check=False)

    assert refused.returncode != 0
    assert complaint in refused.stderr
