"""Providers that remember: each account keeps its responses, and the beginnings of prompts that it has seen.

An account is the first part of the path. Asked to go on with a response that another account has, it says that there is
none, as providers do. It answers what was cached of a prompt in `usage`.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.e2e.beside import served


class Remembering:
    """What the accounts were asked, and what they could have been spared.

    Attributes:
        received: requests by account, those that failed too.
        ill: accounts that answer 503, or in a stream with an error before the first word.
        lost: requests to go on with a response that the account does not have.
        cached, possible: tokens that were cached, and that would have been had each conversation stayed in one place.
    """

    def __init__(self) -> None:
        self.received: Counter[str] = Counter()
        self.ill: set[str] = set()
        self.lost = self.cached = self.possible = 0
        self.url = ""
        self._responses: dict[str, set[str]] = {}
        self._prefixes: dict[str, set[str]] = {}
        self._anywhere: set[str] = set()

    async def answer(self, request: Request) -> Response:
        account, body = request.path_params["account"], await request.json()
        self.received[account] += 1
        if account in self.ill:
            error = {"error": {"message": "the engine is overloaded", "type": "server_error", "code": 503}}
            return _events(error) if body.get("stream") else JSONResponse(error, 503)
        if request.url.path.endswith("/responses"):
            return self._response(account, body)
        return self._chat(account, body)

    def _response(self, account: str, body: dict[str, Any]) -> JSONResponse:
        known, before = self._responses.setdefault(account, set()), body.get("previous_response_id")
        if before and before not in known:
            self.lost += 1
            return JSONResponse({"error": {"message": f"Previous response {before} not found"}}, 404)
        sealed = [item["encrypted_content"] for item in body["input"] if "encrypted_content" in item]
        if any(each != f"sealed by {account}" for each in sealed):
            self.lost += 1
            return JSONResponse({"error": {"message": "invalid_encrypted_content"}}, 400)
        name = f"resp_{account}{sum(map(len, self._responses.values()))}"
        known.add(name)
        text = {"type": "output_text", "text": account, "annotations": []}
        message = {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed", "content": [text]}
        usage = {"input_tokens": 10, "output_tokens": 1, "total_tokens": 11}
        answer = {"id": name, "object": "response", "created_at": 1, "status": "completed", "model": body["model"]}
        seal = {"id": "rs_1", "type": "reasoning", "summary": [], "encrypted_content": f"sealed by {account}"}
        output = [seal, message] if body.get("include") else [message]
        return JSONResponse({**answer, "output": output, "usage": usage, "tools": [], "parallel_tool_calls": True})

    def _chat(self, account: str, body: dict[str, Any]) -> Response:
        seen, digest = self._prefixes.setdefault(account, set()), hashlib.sha256()
        prompt = cached = possible = 0
        for message in body["messages"]:
            text = json.dumps(message, sort_keys=True)
            tokens = len(text) // 4
            digest.update(text.encode())
            prefix = digest.hexdigest()
            prompt += tokens
            cached += tokens if prefix in seen else 0
            possible += tokens if prefix in self._anywhere else 0
            seen.add(prefix)
            self._anywhere.add(prefix)
        self.cached += cached
        self.possible += possible
        usage = {
            "prompt_tokens": prompt,
            "completion_tokens": 1,
            "total_tokens": prompt + 1,
            "prompt_tokens_details": {"cached_tokens": cached},
        }
        answer = {"id": "c1", "created": 1, "model": body["model"]}
        message = {"role": "assistant", "content": "Go on."}
        if body.get("stream"):
            chunk = {**answer, "object": "chat.completion.chunk"}
            said = {"index": 0, "delta": message, "finish_reason": None}
            over = {"index": 0, "delta": {}, "finish_reason": "stop"}
            told = {**chunk, "choices": [], "usage": usage}
            return _events({**chunk, "choices": [said]}, {**chunk, "choices": [over]}, told)
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        return JSONResponse({**answer, "object": "chat.completion", "choices": [choice], "usage": usage})


def _events(*events: dict[str, Any]) -> Response:
    lines = [f"data: {json.dumps(event)}\n\n" for event in events]
    return Response("".join([*lines, "data: [DONE]\n\n"]), media_type="text/event-stream")


@contextlib.contextmanager
def remembering() -> Iterator[Remembering]:
    """All accounts on one port, for as long as the test needs them."""
    accounts = Remembering()
    app = Starlette(routes=[Route("/{account}/v1/{path:path}", accounts.answer, methods=["POST"])])
    with served(app) as accounts.url:
        yield accounts
