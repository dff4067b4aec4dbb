"""Which models a name in a key's list means."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

EVERY: Final = "*"
REGEX: Final = "regex:"
LONGEST: Final = 300

Matches = Callable[[str], bool]

# Some providers are asked with the model in a URL: `x/../gpt` and `gp%74` are `gpt` there, and all behind `?` is lost.
# LiteLLM cuts words that choose an API out of a name wherever they stand: `oresponses/1` is `o1` then. Source: LiteLLM
# 1.106-1.110, responses/bridge_check.py, llms/azure/{responses,chat}, llms/bedrock/base_aws_llm.py.
_CHANGED_ON_ITS_WAY: Final = re.compile(
    r"[?#%\\]|(^|/)\.{1,2}(/|$)|^\s|\s$"
    r"|[^/](responses|o_series|azure_ai|converse_like|async_invoke|mantle|claude_platform)/|(?<!async)[^/]invoke/"
)


def arrives_as_written(name: str) -> bool:
    """Whether a provider is asked for just this name, whatever LiteLLM makes of it on the way."""
    return name.isprintable() and not _CHANGED_ON_ITS_WAY.search(name)


class NamePattern:
    """A name, a name with wildcards (`fast/*`), or `regex:` and a regular expression; whole names, in any case."""

    __slots__ = ("_matches", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self._matches = _regex(text.removeprefix(REGEX)) if text.startswith(REGEX) else _wildcard(text.lower())

    @property
    def plain(self) -> bool:
        """Whether LiteLLM reads it alike."""
        return not self.text.startswith(REGEX)

    def matches(self, name: str) -> bool:
        """Whether it means this model. Takes time in proportion to the name's length, whatever the pattern."""
        return len(name) <= LONGEST and self._matches(name)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, NamePattern) and self.text.lower() == other.text.lower()

    def __hash__(self) -> int:
        return hash(self.text.lower())

    def __repr__(self) -> str:
        return f"NamePattern({self.text!r})"


def _wildcard(text: str) -> Matches:
    first, *rest = text.split(EVERY)
    if not rest:
        return lambda name: name.lower() == text
    *middle, last = rest

    def matches(name: str) -> bool:
        name = name.lower()
        if len(name) < len(first) + len(last) or not (name.startswith(first) and name.endswith(last)):
            return False
        at, end = len(first), len(name) - len(last)
        for part in middle:
            found = name.find(part, at, end)
            if found < 0:
                return False
            at = found + len(part)
        return True

    return matches


def _regex(pattern: str) -> Matches:
    # By way of a condition: RE2 never backtracks, and what it is given is bounded there. The variable `model` would not
    # do, it is a name without its provider.
    from governance.expressions import Expression, Facts, compile_condition
    from governance.model import Request

    def compiled(text: str) -> Expression:
        return compile_condition(f'params["name"].matches({json.dumps(text)})')

    compiled(pattern)  # alone: `a)|(b` would only be whole, and free of its anchors, with what is put around it
    condition = compiled(f"(?i)^(?:{pattern})$")
    return lambda name: condition.matches(Facts(Request(name, params={"name": name}), condition.needs))


def _parsed(value: Any) -> NamePattern:
    if isinstance(value, NamePattern):
        return value
    if not isinstance(value, str) or not value.strip():
        raise ValueError("must be the name of a model, such as openai/gpt-4o, fast/* or regex:^openai/gpt-4.*")
    if len(value) > LONGEST:
        raise ValueError(f"must be at most {LONGEST} characters long")
    try:
        return NamePattern(value)
    except ValueError as error:
        raise ValueError(f"the regular expression cannot be used: {error}") from None


ModelName = Annotated[
    NamePattern,
    BeforeValidator(_parsed),
    PlainSerializer(lambda pattern: pattern.text, return_type=str),
    WithJsonSchema({"type": "string", "examples": ["openai/gpt-4o", "fast/*", "regex:^openai/gpt-4.*"]}),
]
