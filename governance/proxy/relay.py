"""A stream on its way to the caller: what of it has arrived, and whether it broke."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from typing import Any, Final

from governance.proxy.failures import of_network, of_provider
from governance.proxy.live import Live

# LiteLLM goes on at the next target while a chat has no text. What came before is held, so that it is known by then who
# serves; and there are few of these.
_MOST_HELD: Final = 8
_ERRORS: Final = frozenset({"error", "response.failed"})


class BrokenStream(Exception):
    """A provider's error in the middle of a stream, which LiteLLM hands on and takes for the end of a success."""


async def relay(live: Live, response: Any, begun: Callable[[Live], None], *, strip: bool) -> AsyncGenerator[Any, None]:
    """Every chunk for the caller, noted.

    Args:
        begun: told once of each target that has begun to answer, where it is probed or measured.
        strip: leave out the usage that nobody but us has asked for.
    """
    held: list[Any] = []
    holding = live.call_type == "acompletion" and bool(live.decision.fallbacks)
    attempts = live.decision.trace.attempts
    tried = len(attempts)
    answering = 0
    try:
        async for chunk in response:
            if strip and _is_completion_usage(chunk):
                continue
            if holding:
                if len(attempts) != tried:
                    # They were of a target that has failed since.
                    held.clear()
                    tried = len(attempts)
                if len(held) < _MOST_HELD and _says_nothing(chunk):
                    held.append(chunk)
                    continue
                holding = False
                for early in held:
                    yield _noted(live, early)
            yield _noted(live, chunk)
            if answering != len(attempts) and live.delivered.output_tokens:
                answering = len(attempts)
                if live.decision.trace.probing or live.engine.speeds.measures:
                    begun(live)
    except Exception as error:  # whatever ends a stream is raised again
        if live.trying and live.cut is None and (of_provider(error) or of_network(error)):
            live.cut = error
        raise
    if holding:
        for early in held:
            yield _noted(live, early)


def _noted(live: Live, chunk: Any) -> Any:
    live.delivered.note(chunk)
    said = _error_in(chunk)
    if said and live.trying and live.cut is None:
        live.cut = BrokenStream(said)
    return chunk


def _error_in(chunk: Any) -> str:
    """What an event that ends a stream with an error says; "" for every other one."""
    if isinstance(chunk, (bytes, bytearray)):
        return chunk.decode("utf-8", "replace") if b"event: error" in chunk else ""
    if isinstance(chunk, str):
        return chunk if "event: error" in chunk else ""
    kind = getattr(chunk, "type", None)
    if kind is None or str(getattr(kind, "value", kind)) not in _ERRORS:
        return ""
    return str(getattr(getattr(chunk, "response", chunk), "error", None) or chunk)


def _says_nothing(chunk: Any) -> bool:
    """Whether a chunk of a chat has nothing of an answer yet: a role, an empty text."""
    choices = getattr(chunk, "choices", None)
    if not isinstance(choices, list) or getattr(chunk, "usage", None):
        return False
    for choice in choices:
        delta = getattr(choice, "delta", None)
        if getattr(choice, "finish_reason", None) or delta is None:
            return False
        if any(value for name, value in vars(delta).items() if name != "role") or _more(delta):
            return False
    return True


def _more(delta: Any) -> bool:
    extra = getattr(delta, "model_extra", None)
    return bool(isinstance(extra, dict) and any(value for name, value in extra.items() if name != "role"))


def _is_completion_usage(chunk: Any) -> bool:
    if type(chunk).__name__ != "TextCompletionResponse" or not getattr(chunk, "usage", None):
        return False
    return not any(getattr(choice, "text", None) for choice in chunk.choices)
