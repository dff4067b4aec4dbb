"""What is no number, in headers and in bodies, and how a request that LiteLLM failed over is answered."""

import json

import pytest
from litellm import APIConnectionError

from governance.proxy.malformed import MALFORMED, header_mistakes, malformed, standard_json


@pytest.mark.parametrize("value", ["abc", "", "nan", "inf", "-inf", "1e999", "1,5", "0x10"])
@pytest.mark.parametrize("header", ["x-litellm-timeout", "x-litellm-stream-timeout", "x-litellm-keepalive-seconds"])
def test_seconds_that_are_none_are_told(header: str, value: str) -> None:
    assert list(header_mistakes({header: value})) == [f"the header `{header}` must be a number of seconds"]


@pytest.mark.parametrize("value", ["1.5", "many", "", "nan", "9" * 5000])
def test_a_count_that_is_none_is_told(value: str) -> None:
    told = list(header_mistakes({"x-litellm-num-retries": value}))

    assert told == ["the header `x-litellm-num-retries` must be a whole number"]


def test_numbers_and_other_headers_are_no_mistakes() -> None:
    sound = {"x-litellm-timeout": "1.5", "x-litellm-stream-timeout": "60", "x-litellm-num-retries": "2"}

    assert list(header_mistakes({**sound, "x-litellm-tags": "abc"})) == []


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "9" * 400, "9" * 10_000])
def test_numbers_that_no_provider_can_be_sent_are_no_json(number: str) -> None:
    with pytest.raises(json.JSONDecodeError):
        standard_json(f'{{"a": [{number}]}}')


def test_other_numbers_are_read() -> None:
    assert standard_json('{"a": [1, -0.5, 1e300, 123456789012345678901234567890]}') == {
        "a": [1, -0.5, 1e300, 123456789012345678901234567890]
    }


def test_an_error_that_was_the_callers_says_so_to_every_endpoint() -> None:
    error = APIConnectionError(message="Connection error.", llm_provider="openai", model="m")

    answer = malformed(error)

    assert (answer.status_code, answer.detail) == (400, MALFORMED)
    assert (error.status_code, error.message) == (400, MALFORMED)
