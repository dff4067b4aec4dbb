"""What the user said last, in every API's shape."""

from __future__ import annotations

from typing import Any

import pytest

from governance.intake.prompt import last_user_text
from governance.intake.read import read_request
from governance.intake.speech import HEAD_CHARACTERS, TAIL_CHARACTERS


def user(content: Any) -> dict[str, Any]:
    return {"role": "user", "content": content}


@pytest.mark.parametrize(
    "body",
    [
        {"messages": [user("first"), {"role": "assistant", "content": "no"}, user("Hello")]},
        {"messages": [user("Hello"), {"role": "assistant", "content": "no"}, {"role": "tool", "content": "no"}]},
        {"messages": [user([{"type": "image_url"}, {"type": "text", "text": "Hello"}])]},
        {"messages": [user("Hello"), user([{"type": "tool_result", "content": "no"}])]},
        {"messages": [user("Hello"), user([{"type": "image_url", "image_url": {"url": "data:"}}])]},
        {"input": "Hello", "instructions": "no"},
        {"input": [user("Hello")]},
        {"input": [user([{"type": "input_text", "text": "Hello"}]), {"type": "function_call_output", "output": "no"}]},
        {"input": ["first", "Hello"]},
        {"prompt": " Hello\n"},
        {"prompt": ["first", "Hello"]},
        {"contents": [{"role": "user", "parts": [{"text": "Hello"}]}, {"role": "model", "parts": [{"text": "no"}]}]},
        {"contents": [{"parts": {"text": "Hello"}}]},
        {"contents": "Hello"},
        {"query": "Hello", "documents": ["no"]},
    ],
)
def test_the_last_text_of_the_user_is_found_in_every_shape(body: dict[str, Any]) -> None:

    assert last_user_text(body) == "Hello"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"messages": None},
        {"messages": [None, 1, [], {"role": "user"}, {"role": "user", "content": 5}, {"role": ["user"]}]},
        {"messages": [user([None, 7, {"text": 5}, {"type": ["text"], "text": []}])]},
        {"messages": [{"role": "system", "content": "no"}]},
        {"prompt": [1, 2, 3]},
        {"messages": {"role": "user", "content": "no"}},
    ],
)
def test_what_has_no_such_text_gives_none(body: dict[str, Any]) -> None:
    assert last_user_text(body) == ""


def test_of_a_long_text_the_beginning_and_the_end_are_given() -> None:
    text = last_user_text({"messages": [user("begin " + "x" * 10_000_000 + " end")]})

    assert len(text) <= HEAD_CHARACTERS + TAIL_CHARACTERS + 1
    assert (text[:6], text[-4:]) == ("begin ", " end")


def test_of_many_parts_the_first_and_the_last_are_given() -> None:
    parts = [{"type": "text", "text": f"part {i}"} for i in range(100_000)]
    text = last_user_text({"messages": [user(parts)]})

    assert (text.splitlines()[0], text.splitlines()[-1]) == ("part 0", "part 99999")
    assert len(text.splitlines()) == 32


def test_a_request_has_its_text_and_shows_it_nowhere() -> None:
    request = read_request("acompletion", {"model": "m", "messages": [user("a secret")]})

    assert request.last_user_text == "a secret"
    assert "secret" not in repr(request)
    assert request.but(model="n").last_user_text == "a secret"


@pytest.mark.parametrize(
    ("said", "task"),
    [("Code ", "code"), ("x" * 100, "x" * 64), ("", None), (5, "5"), (["code"], None), ({}, None), (None, None)],
)
def test_the_callers_word_for_the_task_is_a_short_hint(said: Any, task: str | None) -> None:
    assert read_request("acompletion", {"model": "m", "metadata": {"task": said}}).task == task
