"""How much of a stream a caller was sent, whatever its API: what is counted when LiteLLM breaks the stream off."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from governance.intake.estimate import Estimator

# Text in the events of Anthropic's, Google's and OpenAI's streams, where LiteLLM hands on what the provider wrote.
_TEXTS: Final = re.compile(rb'"(?:text|thinking|partial_json|delta|content|arguments)"\s*:\s*"((?:[^"\\]|\\.)*)"')


class Delivered:
    """The text of the chunks that have passed, counted and forgotten. `began`: whether there was any."""

    def __init__(self) -> None:
        self.began = False
        self._estimator = Estimator()
        self._millitokens = 0

    @property
    def output_tokens(self) -> int:
        """An estimate; 0 while nothing was sent."""
        return -(-self._millitokens // 1000)

    def note(self, chunk: Any) -> None:
        """One chunk is on its way to the caller."""
        self.began = True
        for text in _texts(chunk):
            self._millitokens += self._estimator.millitokens(text)


def _texts(chunk: Any) -> Iterator[str]:
    if isinstance(chunk, (bytes, str)):
        written = chunk if isinstance(chunk, bytes) else chunk.encode("utf-8", "replace")
        for found in _TEXTS.findall(written):
            yield found.decode("utf-8", "replace")
        return
    delta = _field(chunk, "delta")
    if isinstance(delta, str):
        yield delta
    else:
        yield from _of_delta(delta)
    choices = _field(chunk, "choices")
    for choice in choices if isinstance(choices, list) else ():
        text = _field(choice, "text")
        if isinstance(text, str):
            yield text
        yield from _of_delta(_field(choice, "delta"))


def _of_delta(delta: Any) -> Iterator[str]:
    for name in ("content", "reasoning_content", "text", "thinking", "partial_json"):
        text = _field(delta, name)
        if isinstance(text, str):
            yield text
    calls = _field(delta, "tool_calls")
    for call in calls if isinstance(calls, list) else ():
        arguments = _field(_field(call, "function"), "arguments")
        if isinstance(arguments, str):
            yield arguments


def _field(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, dict) else getattr(value, name, None)
