"""Headers whose numbers are none."""

import pytest

from governance.proxy.malformed import header_mistakes


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
