"""What LiteLLM carries facts in that governance reads: the bytes of a provider's stream, and the ids of responses."""

from __future__ import annotations

from typing import Any, Final

import httpx
import litellm
from litellm.llms.custom_httpx.http_handler import AsyncHTTPHandler
from litellm.proxy._types import UserAPIKeyAuth
from litellm.proxy.hooks.responses_id_security import ResponsesIDSecurity
from litellm.responses.utils import ResponsesAPIRequestUtils
from litellm.types.llms.openai import ResponsesAPIResponse

from governance.intake.held import held_in
from governance.proxy.background import own_id
from governance.proxy.wire import listen

_STREAM: Final = (
    b'event: message_start\ndata: {"type":"message_start","message":{"id":"m","type":"message","role":"assistant",'
    b'"model":"contract","content":[],"usage":{"input_tokens":7,"output_tokens":1}}}\n\n'
    b'event: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"end_turn"},'
    b'"usage":{"output_tokens":1}}\n\n'
    b'event: message_stop\ndata: {"type":"message_stop"}\n\n'
)
_RESPONSE: Final = "resp_contract"
_DEPLOYMENT: Final = "groq/contract"


async def provider_bytes() -> str:
    """Whether what a provider streams goes through the one place that is listened to; "" where it does."""
    heard: list[Any] = []
    headers = {"content-type": "text/event-stream"}
    client = AsyncHTTPHandler()
    await client.client.aclose()
    client.client = httpx.AsyncClient(
        transport=httpx.MockTransport(lambda _: httpx.Response(200, headers=headers, stream=httpx.ByteStream(_STREAM)))
    )
    stop = listen(lambda: heard.append)
    try:
        answer: Any = await litellm.acompletion(
            model="anthropic/contract",
            messages=[{"role": "user", "content": "does it hold?"}],
            api_key="none",
            # Where the client should not be heeded one day, nobody is there.
            api_base="http://127.0.0.1:9",
            stream=True,
            client=client,
            max_tokens=1,
        )
        async for _ in answer:
            pass
    finally:
        stop()
        await client.client.aclose()
    return "" if heard else "a provider's stream is not read through httpx.Response.aiter_bytes"


async def response_ids() -> str:
    """Whether the id that LiteLLM gives out tells who made a response, and its provider's own id; "" where it does."""
    answer: Any = ResponsesAPIResponse(id=_RESPONSE, created_at=0, output=[])
    answer = ResponsesAPIRequestUtils.update_responses_api_response_id_with_model_id(
        responses_api_response=answer,
        custom_llm_provider="openai",
        litellm_metadata={"model_info": {"id": _DEPLOYMENT}},
    )
    found = held_in({"previous_response_id": answer.id}, "responses")
    if [held.deployment for held in found] != [_DEPLOYMENT]:
        return "the id of a response does not tell who made it"
    answer = ResponsesIDSecurity()._encrypt_response_id(answer, UserAPIKeyAuth(user_id="contract"))
    told = own_id(answer.id)
    return "" if told == _RESPONSE else "the provider's own id cannot be read from the id of a response"
