"""Fields of LiteLLM's and pydantic's objects are those that Python finds, in a shorter way."""

from functools import cached_property
from typing import Any

import pytest
from litellm.types.utils import (
    Choices,
    Delta,
    Message,
    ModelResponse,
    ModelResponseStream,
    PromptTokensDetailsWrapper,
    Usage,
)
from pydantic import BaseModel, ConfigDict, PrivateAttr, computed_field

from governance.proxy.usage.fields import field


class Open(BaseModel):
    model_config = ConfigDict(extra="allow")
    here: int
    none: int | None = None
    _private: int = PrivateAttr(default=7)

    @property
    def asked(self) -> int:
        return self.here + 1

    @computed_field
    def computed(self) -> int:
        return self.here + 2

    @cached_property
    def cached(self) -> int:
        return self.here + 3


class Closed(BaseModel):
    here: int = 1


class Odd(BaseModel):
    here: int = 1

    def __getattr__(self, name: str) -> Any:
        return f"made of {name}"


class Odder(Open):
    def __getattribute__(self, name: str) -> Any:
        return 9 if name == "here" else super().__getattribute__(name)


class Plain:
    def __init__(self) -> None:
        self.here = 3


def less(model: Usage) -> Usage:
    """LiteLLM takes fields away from what it answers."""
    del model.prompt_tokens_details
    return model


OBJECTS = [
    Open(here=1, more=2, keys=3),
    Open(here=1),
    Open.model_construct(),
    Open.__new__(Open),
    Closed(),
    Odd(),
    Odder(here=1, more=2),
    Plain(),
    None,
    3,
    Usage(prompt_tokens=1, completion_tokens=2, total_tokens=3),
    Usage(prompt_tokens=1, completion_tokens=2, total_tokens=3, cost=0.1, server_tool_use={"web_search_requests": 2}),
    less(Usage(prompt_tokens=1, completion_tokens=2, total_tokens=3)),
    PromptTokensDetailsWrapper(cached_tokens=1),
    ModelResponse(usage=Usage(prompt_tokens=1), service_tier="flex", choices=[Choices(message=Message(content="a"))]),
    ModelResponseStream(),
    Choices(message=Message(content="a")),
    Message(content="a", reasoning_content="b"),
    Delta(content="a"),
]
NAMES = (
    *(
        "here",
        "none",
        "more",
        "keys",
        "_private",
        "asked",
        "computed",
        "cached",
        "copy",
        "model_fields_set",
        "__dict__",
    ),
    *("usage", "cost", "service_tier", "prompt_tokens", "prompt_tokens_details", "cached_tokens", "server_tool_use"),
    *("choices", "message", "content", "delta", "reasoning_content", "audio", "images", "finish_reason"),
    *("__pydantic_extra__", "__class__", "_hidden_params", "get", "", "no such", "model_config", "__dict__"),
)


@pytest.mark.parametrize("value", OBJECTS, ids=lambda value: type(value).__name__)
def test_a_field_is_what_python_finds_under_its_name(value: Any) -> None:
    for name in (*NAMES, *NAMES):
        expected = getattr(value, name, None)
        found = field(value, name)
        assert found is expected or found == expected, name


def test_some_of_them_are_there_and_some_are_not() -> None:
    found = [field(value, name) for value in OBJECTS for name in NAMES]

    assert {None, 2, 0.1, "flex", "made of more", 9} <= {each for each in found if each.__hash__}
