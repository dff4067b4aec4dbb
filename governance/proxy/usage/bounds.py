"""The most that a request can have used, whatever is reported."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from governance.intake.estimate import Estimator
from governance.model import ModelFacts, Request
from governance.model.quantities import Quantities
from governance.model.sizes import GENERATES_TEXT
from governance.proxy.usage.fields import field, items, shown

# Our estimate of a text is rarely wrong by more than a factor of two; providers add instructions of their own.
_INPUT_PER_ESTIMATED: Final = 8
_INPUT_BESIDE: Final = 2_000
# So much more is believed: some providers put long instructions before a short question.
_INPUT_BELIEVED: Final = 32_000
# Where nobody says what a model takes and makes at most: more than nearly all do.
_UNKNOWN_CONTEXT_TOKENS: Final = 2_000_000
_UNKNOWN_ANSWER_TOKENS: Final = 128_000
_TOKENS_PER_IMAGE: Final = 100_000
_MOST_DURATION_MS: Final = 24 * 3600 * 1000
_MOST_PIECES: Final = 10_000
# What the provider adds to the prompt by itself, or has kept of earlier requests.
_UNSEEN_PARAMETERS: Final = frozenset(
    {"previous_response_id", "conversation", "cached_content", "cachedcontent", "thread_id", "assistant_id"}
)


class Bounds(NamedTuple):
    """As many are believed; where more are said, what cannot be so much counts as the other two."""

    input_tokens: int
    output_tokens: int
    counted_input_tokens: int
    counted_output_tokens: int


def bounds(request: Request, facts: ModelFacts, used: Quantities, answer: Any, *, searched: bool) -> Bounds:
    """The most that this request can have used of a model.

    Args:
        searched: the provider has used tools of its own.
    """
    inputs, outputs = _input(request, facts, searched), _output(request, facts, used)
    estimated = _INPUT_PER_ESTIMATED * request.prompt_tokens + _INPUT_BESIDE
    return Bounds(
        inputs,
        outputs,
        min(inputs, estimated) if _seen_whole(request, searched) else inputs,
        min(outputs, _likely(request, facts, answer)),
    )


def bounded(used: Quantities, most: Bounds) -> tuple[Quantities, tuple[str, ...]]:
    """The same within its bounds, and what was reported beyond them."""
    changes: dict[str, int] = {}
    told = []
    for name, believed, counted in (
        ("input_tokens", most.input_tokens, most.counted_input_tokens),
        ("output_tokens", most.output_tokens, most.counted_output_tokens),
        ("duration_ms", _MOST_DURATION_MS, _MOST_DURATION_MS),
        ("queries", _MOST_PIECES, _MOST_PIECES),
        ("images_in", _MOST_PIECES, _MOST_PIECES),
        ("pages", _MOST_PIECES, _MOST_PIECES),
        ("annotated_pages", _MOST_PIECES, _MOST_PIECES),
        ("millicredits", 1000 * _MOST_PIECES, 1000 * _MOST_PIECES),
    ):
        value: int = getattr(used, name)
        if value > believed:
            changes[name] = counted
            told.append(f"{name}: {shown(value)} reported, {counted} counted")
    return used._replace(**changes), tuple(told)


def text_tokens(answer: Any) -> int:
    """About how many tokens the text of an answer has, calls of functions included; 0 where none is seen."""
    estimator = Estimator()
    return sum(estimator.tokens(text) for text in _texts(answer))


def _texts(answer: Any) -> list[str]:
    messages = [field(choice, "message") or choice for choice in items(answer, "choices")]
    found = [field(message, name) for message in messages for name in ("content", "reasoning_content", "text")]
    for message in messages:
        found += [field(field(call, "function"), "arguments") for call in items(message, "tool_calls")]
    for part in (*items(answer, "content"), *items(answer, "output")):
        found += [field(part, name) for name in ("text", "thinking", "arguments")]
        found += [field(inner, "text") for inner in items(part, "content")]
    for candidate in items(answer, "candidates"):
        found += [field(part, "text") for part in items(field(candidate, "content"), "parts")]
    return [text for text in found if isinstance(text, str)]


def _input(request: Request, facts: ModelFacts, searched: bool) -> int:
    estimate = request.prompt_tokens
    # What takes several inputs at once has its limit for each of them.
    one = request.request_type in GENERATES_TEXT and facts.max_input_tokens
    limit = max(one or _UNKNOWN_CONTEXT_TOKENS, 2 * estimate)
    if not _seen_whole(request, searched):
        return limit
    return min(_INPUT_PER_ESTIMATED * estimate + _INPUT_BELIEVED, limit)


def _seen_whole(request: Request, searched: bool) -> bool:
    """Whether all of the prompt is text that we have seen."""
    if not request.prompt_tokens or request.modalities != {"text"} or "tools" in request.capabilities or searched:
        return False
    return _UNSEEN_PARAMETERS.isdisjoint(request.params)


def _output(request: Request, facts: ModelFacts, used: Quantities) -> int:
    limit = facts.max_output_tokens or _UNKNOWN_ANSWER_TOKENS
    if request.request_type == "image_generation":
        return max(limit, _TOKENS_PER_IMAGE * request.choices)
    allowed = request.max_output_tokens
    if allowed is None:
        return limit * request.choices
    if used.reasoning_tokens or "reasoning" in request.capabilities:
        # What a model thinks is not always a part of what the caller allows.
        return max(allowed, limit) * request.choices
    # Some end a few tokens late, and bill them.
    return (allowed + allowed // 20 + 16) * request.choices


def _likely(request: Request, facts: ModelFacts, answer: Any) -> int:
    """What counts of an answer whose length is no answer's."""
    allowed = request.max_output_tokens
    limit = facts.max_output_tokens
    if allowed is not None:
        return (allowed if limit is None else min(allowed, max(limit, 1))) * request.choices
    if limit is not None or request.request_type not in GENERATES_TEXT:
        return (limit or _UNKNOWN_ANSWER_TOKENS) * request.choices
    return max(request.output_tokens, _INPUT_PER_ESTIMATED * text_tokens(answer))
