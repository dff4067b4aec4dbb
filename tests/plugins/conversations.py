"""Conversations that were written for these tests, in the shapes that clients send them in."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

WRITTEN: Final = Path(__file__).parents[1] / "data" / "conversations"
Shape = Literal["chat", "messages", "responses"]
SHAPES: Final[tuple[Shape, ...]] = ("chat", "messages", "responses")


class Turn(NamedTuple):
    """A request at the end of a turn of the user's, and the tasks that a person would give it.

    Args:
        label: the best one. also_ok: others that can be defended.
    """

    said: str
    label: str
    also_ok: tuple[str, ...]
    body: dict[str, Any]
    steps: tuple[dict[str, Any], ...]
    """The same request after each step of the tools that were called in this turn."""


@cache
def sessions() -> tuple[dict[str, Any], ...]:
    """All of them, as they are written."""
    files = sorted(WRITTEN.glob("*.jsonl"))
    return tuple(json.loads(line) for file in files for line in file.read_text("utf-8").split("\n") if line)


def turns(session: dict[str, Any], shape: Shape) -> Iterator[Turn]:
    """Every turn of a session, with all that was said before."""
    past: list[Any] = []
    for place, turn in enumerate(session["turns"]):
        past.append(_user(turn, shape))
        asked = _body(session, shape, past)
        steps = []
        for step, call in enumerate(turn.get("then", ())):
            past.extend(_step(call, f"call_{place}_{step}", shape))
            steps.append(_body(session, shape, past))
        past.append(_answer(turn["answer"], shape))
        yield Turn(turn["said"], turn["label"], tuple(turn.get("also_ok", ())), asked, tuple(steps))


def _body(session: dict[str, Any], shape: Shape, past: list[Any]) -> dict[str, Any]:
    body: dict[str, Any] = {"model": "auto", "input" if shape == "responses" else "messages": list(past)}
    schema = {"type": "object", "properties": {}}
    if not session["tools"]:
        return body
    if shape == "chat":
        body["tools"] = [{"type": "function", "function": {"name": n, "parameters": schema}} for n in session["tools"]]
    elif shape == "messages":
        body["tools"] = [{"name": name, "input_schema": schema} for name in session["tools"]]
    else:
        body["tools"] = [{"type": "function", "name": name, "parameters": schema} for name in session["tools"]]
    return body


def _user(turn: dict[str, Any], shape: Shape) -> dict[str, Any]:
    texts = [text for text in (turn.get("before"), turn["said"]) if text]
    if shape == "chat":
        return {"role": "user", "content": "\n".join(texts)}
    kind = "text" if shape == "messages" else "input_text"
    return {"role": "user", "content": [{"type": kind, "text": text} for text in texts]}


def _step(call: dict[str, Any], id: str, shape: Shape) -> list[dict[str, Any]]:
    given = json.dumps(call["given"], ensure_ascii=False)
    if shape == "chat":
        function = {"name": call["call"], "arguments": given}
        return [
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [{"id": id, "type": "function", "function": function}],
            },
            {"role": "tool", "tool_call_id": id, "content": call["result"]},
        ]
    if shape == "messages":
        used = {"type": "tool_use", "id": id, "name": call["call"], "input": call["given"]}
        result = {"type": "tool_result", "tool_use_id": id, "content": call["result"]}
        return [{"role": "assistant", "content": [used]}, {"role": "user", "content": [result]}]
    return [
        {"type": "function_call", "call_id": id, "name": call["call"], "arguments": given},
        {"type": "function_call_output", "call_id": id, "output": call["result"]},
    ]


def _answer(text: str, shape: Shape) -> dict[str, Any]:
    if shape == "chat":
        return {"role": "assistant", "content": text}
    kind = "text" if shape == "messages" else "output_text"
    return {"role": "assistant", "content": [{"type": kind, "text": text}]}
