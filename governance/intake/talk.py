"""The user's turns in the body of any API, the last first, at a cost that the length of none changes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, Final

from governance.intake.speech import spoken
from governance.model.talk import Talk

MOST_TURNS: Final = 24
"""So many of the user's last turns are read, and the first one."""
_CONVERSATIONS: Final = ("messages", "input", "contents", "prompt", "query")
_TEXT_PARTS: Final = (None, "text", "input_text")
# One turn of a user may have an agent ask for tools some hundred times.
_MOST_MESSAGES: Final = 1024
_FIRST_MESSAGES: Final = 32
_MOST_PARTS: Final = 32
_MOST_TOOLS: Final = 128
_LONGEST_NAME: Final = 64
_MOST_RESULTS: Final = 64
_RESULT_PARTS: Final = ("tool_result", "functionResponse", "function_response", "toolResult")
# Of the Responses API: what the caller has to do; the provider's own tools give their results themselves.
_CALLS: Final = (
    "function_call",
    "custom_tool_call",
    "computer_call",
    "local_shell_call",
    "shell_call",
    "apply_patch_call",
)
_CALL_PARTS: Final = ("tool_use", "functionCall", "function_call", "toolUse")


def talk_of(body: Mapping[str, Any]) -> Talk:
    """What the user of a request has said so far; what has an unexpected shape is passed over."""
    tools = tuple(islice(_tool_names(body), _MOST_TOOLS))
    # Of the Responses API: the turns before are kept by the provider.
    whole = not (body.get("previous_response_id") or body.get("conversation"))
    for key in _CONVERSATIONS:
        said = body.get(key)
        if isinstance(said, str) and said:
            text = spoken(said)
            return Talk((text,) if text else (), whole, tools)
        if isinstance(said, list) and said:
            turns, first = _turns(said)
            if key == "prompt":
                # Each is a prompt by itself.
                return Talk(turns[:1], True, tools)
            return Talk(turns, first and whole, tools, _is_calling(said))
    return Talk(tools=tools)


def _turns(conversation: list[Any]) -> tuple[tuple[str, ...], bool]:
    """The last turns, then the first one where it is not among them; and whether that is known."""
    turns: list[str] = []
    rest = len(conversation)
    for message in islice(reversed(conversation), _MOST_MESSAGES):
        rest -= 1
        text = _said(message)
        if text:
            turns.append(text)
            if len(turns) == MOST_TURNS:
                break
    if not rest:
        return tuple(turns), True
    for message in islice(conversation, min(rest, _FIRST_MESSAGES)):
        text = _said(message)
        if text:
            return (*turns, text), True
    return tuple(turns), False


def _said(message: Any) -> str:
    """What the user typed of a message; "" for everything else."""
    if isinstance(message, str):
        return spoken(message)
    if not isinstance(message, dict) or message.get("role", "user") != "user":
        return ""
    # An item without a role is a part of an input, or what a tool gave.
    if "role" not in message and message.get("type") not in (*_TEXT_PARTS, "message"):
        return ""
    content = message.get("content", message.get("parts", message.get("text")))
    if isinstance(content, str):
        return spoken(content)
    parts = [content] if isinstance(content, dict) else content if isinstance(content, list) else []
    if len(parts) > _MOST_PARTS:
        parts = [*parts[: _MOST_PARTS // 2], *parts[-_MOST_PARTS // 2 :]]
    typed = []
    for part in parts:
        if type(part) is dict:
            if part.get("type") not in _TEXT_PARTS:
                continue
            part = part.get("text")
        if isinstance(part, str) and (said := spoken(part)):
            typed.append(said)
    # What is a command only together with what stands beside it is looked at once more.
    return typed[0] if len(typed) == 1 else spoken("\n".join(typed)) if typed else ""


def _tool_names(body: Mapping[str, Any]) -> Iterator[str]:
    for key in ("tools", "functions"):
        given = body.get(key)
        for tool in islice(given, _MOST_TOOLS) if isinstance(given, list) else ():
            if not isinstance(tool, dict):
                continue
            function = tool.get("function")
            declared = tool.get("functionDeclarations", tool.get("function_declarations"))
            if isinstance(declared, list):
                yield from (_name(each.get("name")) for each in islice(declared, _MOST_TOOLS) if isinstance(each, dict))
                continue
            held = function if isinstance(function, dict) else tool
            yield _name(held.get("name") or tool.get("type"))


def _name(value: Any) -> str:
    """A tool's own name, without that of the server that has it."""
    return value.rpartition("__")[2][:_LONGEST_NAME].lower() if isinstance(value, str) else ""


def _is_calling(conversation: list[Any]) -> bool:
    """Whether tools were asked for, and the answer to what they gave is still to come."""
    answered: set[Any] = set()
    for place, message in enumerate(islice(reversed(conversation), _MOST_RESULTS)):
        if not isinstance(message, dict):
            continue
        kind, role = message.get("type"), message.get("role")
        if role in ("tool", "function") or (isinstance(kind, str) and kind.endswith("_output")):
            if place == 0:
                return True
            answered.add(_hashable(message.get("tool_call_id") or message.get("call_id") or message.get("name")))
        elif kind in _CALLS:
            if _hashable(message.get("call_id")) not in answered:
                return True
        elif role in ("assistant", "model"):
            calls = set(_calls(message))
            if calls or "content" in message or "parts" in message:
                return not calls <= answered
        else:
            given = set(_ids(message, _RESULT_PARTS, ("tool_use_id", "toolUseId", "id", "name")))
            if place == 0 and given:
                return True
            answered |= given
    return False


def _calls(message: dict[str, Any]) -> Iterator[Any]:
    calls = message.get("tool_calls")
    for call in islice(calls, _MOST_RESULTS) if isinstance(calls, list) else ():
        yield _hashable(call.get("id")) if isinstance(call, dict) else None
    if isinstance(message.get("function_call"), dict):
        yield _hashable(message["function_call"].get("name"))
    yield from _ids(message, _CALL_PARTS, ("id", "toolUseId", "name"))


def _ids(message: dict[str, Any], kinds: tuple[str, ...], names: tuple[str, ...]) -> Iterator[Any]:
    """Of the parts of these kinds, whatever tells one from the other."""
    parts = message.get("content", message.get("parts"))
    for part in islice(parts, _MOST_RESULTS) if isinstance(parts, list) else ():
        if isinstance(part, dict):
            held = next((part[kind] for kind in kinds if isinstance(part.get(kind), dict)), None)
            found = held if held is not None else part if part.get("type") in kinds else None
            if found is not None:
                yield next((_hashable(found[name]) for name in names if found.get(name)), None)


def _hashable(value: Any) -> str | None:
    return value if isinstance(value, str) else None
