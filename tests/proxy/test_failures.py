"""Whose failure an exception of LiteLLM is: a provider's, a target's, or the caller's."""

import json
import socket

import aiohttp
import httpx
import litellm
import openai
import pytest
from litellm.types.router import RouterRateLimitError, RouterRateLimitErrorBasic

from governance.proxy.failures import aborted_here, failure_of, made_here, unwritable

REQUEST = httpx.Request("POST", "http://provider.test")


def mapped(original: Exception) -> Exception:
    """As LiteLLM raises what it caught."""
    try:
        try:
            raise original
        except Exception as error:
            raise litellm.APIConnectionError(message=str(error), llm_provider="openai", model="m") from error
    except litellm.APIConnectionError as error:
        return error


@pytest.mark.parametrize(
    "original", [TypeError("x"), AttributeError("'str' object has no attribute 'get'"), KeyError("function")]
)
def test_what_litellm_stumbles_over_before_it_asks_is_the_callers(original: Exception) -> None:
    assert made_here(mapped(original), sent=False)


def test_an_answer_that_litellm_stumbles_over_is_the_providers() -> None:
    assert not made_here(mapped(KeyError("choices")), sent=True)


@pytest.mark.parametrize("original", [UnicodeEncodeError("utf-8", "\ud800", 0, 1, "no"), RecursionError("deep")])
def test_a_body_that_cannot_be_written_is_the_callers(original: Exception) -> None:
    assert made_here(mapped(original), sent=True)


@pytest.mark.parametrize("value", ["two\r\nlines", 5, ["a list"]])
def test_a_header_that_cannot_be_written_is_the_callers(value: object) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"http://127.0.0.1:{server.getsockname()[1]}/v1"
        with openai.OpenAI(api_key="x", base_url=address, max_retries=0) as client, pytest.raises(Exception) as raised:  # noqa: PT011 - whatever it is
            client.models.list(extra_headers={"x-mine": value})  # type: ignore[dict-item]

    assert made_here(mapped(raised.value), sent=True)


async def lost(url: str, headers: dict[str, str]) -> Exception:
    """As OpenAI's client tells that it had no answer, whatever the reason."""
    try:
        async with aiohttp.ClientSession() as session:
            await session.get(url, headers=headers)
    except Exception as error:
        found = openai.APIConnectionError(request=REQUEST)
        found.__cause__ = error
        return mapped(found)
    raise AssertionError("it could be had")


async def test_a_request_that_could_not_be_written_is_no_lost_connection() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/v1"
        unwritten = await lost(url, {"x-mine": "two\r\nlines"})
    refused = await lost(url, {})

    assert unwritable(unwritten, sent=True)
    assert not made_here(unwritten, sent=True), "the operator's own key may be such a value"
    assert not unwritable(refused, sent=True)
    assert failure_of(refused).kind == "connection_error"


@pytest.mark.parametrize("original", [Exception("Invalid user message"), json.JSONDecodeError("no", "", 0)])
def test_what_litellm_cannot_translate_has_reached_nobody(original: Exception) -> None:
    assert unwritable(mapped(original), sent=False)
    assert not unwritable(mapped(original), sent=True)


def test_an_answer_in_no_utf_8_is_the_providers() -> None:
    assert not made_here(mapped(UnicodeDecodeError("utf-8", b"\xff", 0, 1, "no")), sent=True)


@pytest.mark.parametrize(
    "original",
    [
        httpx.ConnectError("refused", request=REQUEST),
        httpx.ReadTimeout("slow", request=REQUEST),
        openai.APIConnectionError(request=REQUEST),
        ConnectionResetError(),
    ],
)
def test_a_provider_that_cannot_be_reached_has_failed(original: Exception) -> None:
    assert not made_here(mapped(original), sent=False)


def test_the_failure_before_a_fallback_is_not_taken_for_its_cause() -> None:
    try:
        raise mapped(httpx.ConnectError("refused", request=REQUEST))
    except Exception:
        second = mapped(AttributeError("x"))

    assert made_here(second, sent=False)


@pytest.mark.parametrize(
    "error",
    [
        litellm.UnsupportedParamsError(message="no tools", llm_provider="openai", model="m"),
        litellm.ContextWindowExceededError(message="too long", llm_provider="openai", model="m"),
        litellm.AuthenticationError(message="no key", llm_provider="openai", model="m"),
        RouterRateLimitError("m", cooldown_time=5, enable_pre_call_checks=False, cooldown_list=[]),
        RouterRateLimitErrorBasic("m"),
    ],
)
def test_what_litellm_raises_on_purpose_is_about_the_target(error: Exception) -> None:
    assert not made_here(error, sent=False)


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (413, "Payload"),
        (429, "Request too large for gpt-4o: Limit 30000, Requested 50000"),
        (429, "Prompt too large"),
        (429, "request_too_large"),
        (429, "tokens per minute: Limit: 6,000, Requested: 7,000"),
        (429, "The input or output tokens must be reduced in order to run successfully"),
    ],
)
def test_a_request_that_is_too_large_for_a_provider_is_no_rate_limit(status: int, message: str) -> None:
    response = httpx.Response(status, request=REQUEST)
    error = openai.APIStatusError(message, response=response, body=None)

    assert failure_of(error).kind == "context_window_exceeded"


def test_a_413_of_which_litellm_makes_a_400_is_none_of_a_mistake() -> None:
    provider = openai.APIStatusError("Payload", response=httpx.Response(413, request=REQUEST), body=None)
    error = litellm.BadRequestError(message="Payload", model="m", llm_provider="anthropic")
    error.__cause__ = provider

    assert failure_of(error).kind == "context_window_exceeded"


@pytest.mark.parametrize(
    "message",
    ["slow down", "Rate limit reached: Limit 10000, Used 9500, Requested 1000. Please try again in 3s.", "Limit 5"],
)
def test_other_rate_limits_are_the_targets(message: str) -> None:
    error = litellm.RateLimitError(message=message, llm_provider="openai", model="m")

    assert failure_of(error).kind == "rate_limited"


def test_a_stream_that_litellm_breaks_off_is_told_from_one_that_its_provider_broke() -> None:
    repeated = litellm.InternalServerError(
        message="The model is repeating the same chunk = abc.", model="", llm_provider=""
    )
    broken = litellm.APIConnectionError(message="peer closed connection", llm_provider="openai", model="m")

    assert aborted_here(repeated)
    assert aborted_here(litellm.Timeout(message="slow", model="m", llm_provider="openai"))
    assert not aborted_here(broken)
