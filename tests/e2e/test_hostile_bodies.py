"""What a caller's body and headers can make LiteLLM do: nothing that the policy does not say."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any

import httpx
import pytest

from tests.e2e.listening import Listening

POLICY = """\
version: 1
access: {body: {timeout: 1s..5s}}
failover:
  cool_down: {rate_limited: 60s, overloaded: 60s, server_error: 60s, auth: 60s, timeout: 60s, unknown: 60s}
routing_profiles:
  - name: Foreign
    virtual_provider: foreign
    targets:
      - {provider: anthropic, priority: 1, limits: {tokens: 1M/day, requests: 1000/day}}
      - {provider: groq, priority: 2, limits: {tokens: 1M/day, requests: 1000/day}}
  - name: Two
    virtual_provider: two
    targets:
      - {provider: cerebras, priority: 1, limits: {tokens: 1M/day, requests: 1000/day}}
      - {provider: groq, priority: 2, limits: {tokens: 1M/day, requests: 1000/day}}
"""
CHAT = {"messages": [{"role": "user", "content": "Hello"}]}
USAGE = {"prompt_tokens": 30_000, "completion_tokens": 126, "total_tokens": 30_126}


class Recorder(Listening):
    """A provider that keeps what it was sent."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, dict[str, str], dict[str, Any]]] = []
        self.failing: set[str] = set()
        self.piece, self.pieces = "word ", 40
        recorder = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                recorder.requests.append((self.path, {k.lower(): v for k, v in self.headers.items()}, body))
                if body.get("stream"):
                    self._stream(recorder.piece, recorder.pieces)
                    return
                failed = self.path.split("/")[1] in recorder.failing
                message = {"role": "assistant", "content": "Hi"}
                choices = [{"index": 0, "message": message, "finish_reason": "stop"}]
                answer: dict[str, Any] = {"id": "1", "object": "chat.completion", "created": 1, "model": "m"}
                answer |= {"choices": choices, "usage": USAGE}
                content = json.dumps({"error": {"message": "no"}} if failed else answer).encode()
                self.send_response(503 if failed else 200)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def _stream(self, piece: str, pieces: int) -> None:
                """Pieces of text, and then nothing more: the provider stalls until the client leaves."""
                self.send_response(200)
                self.send_header("content-type", "text/event-stream")
                self.end_headers()
                for _ in range(pieces):
                    choices = [{"index": 0, "delta": {"role": "assistant", "content": piece}, "finish_reason": None}]
                    chunk = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
                    self.wfile.write(b"data: " + json.dumps({**chunk, "choices": choices}).encode() + b"\n\n")
                self.wfile.flush()
                self.connection.settimeout(30)
                self.connection.recv(1)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        super().__init__(Handler)


@pytest.fixture(scope="module")
def recorder() -> Iterator[Recorder]:
    recorder = Recorder()
    yield recorder
    recorder.close()


@pytest.fixture(scope="module")
def hostile(start, configuration, recorder):
    config = configuration()
    for entry in config["model_list"]:
        provider = entry["model_name"].split("/")[0]
        entry["litellm_params"]["api_base"] = f"{recorder.url}/{provider}"
    with start(POLICY, config) as running:
        yield running


@pytest.fixture(autouse=True)
def quiet(recorder: Recorder) -> None:
    recorder.requests.clear()
    recorder.failing.clear()


def ask(proxy, model: str = "two/m", headers: dict[str, str] | None = None, **body: Any) -> httpx.Response:
    answer: httpx.Response = proxy.client.post(
        "/v1/chat/completions", json={"model": model, **CHAT, **body}, headers=headers or {}
    )
    return answer


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("deployment_id", "x"),
        ("azure", True),
        ("custom_llm_provider", "groq"),
        ("specific_deployment", True),
        ("client", "x"),
        ("use_litellm_proxy", True),
        ("response_format", 5),
        ("timeout", "abc"),
        ("messages", "x"),
        ("stop", 5),
        ("fallbacks", [{"*": ["groq/m"]}]),
        ("extra_body", {"model": "other"}),
        ("model_info", "x"),
        ("original_function", "x"),
        ("rules_obj", "x"),
        ("tags", [{"a": 1}]),
        ("metadata", {"tags": [["a"]]}),
    ],
)
def test_what_is_not_for_callers_is_refused_before_anything_is_asked(hostile, recorder, name: str, value: Any) -> None:
    for model in ("two/m", "groq/m"):
        answer = ask(hostile, model, **{name: value})

        assert answer.status_code == 400, answer.text
        assert name in answer.json()["error"]["message"]
    assert recorder.requests == []
    assert ask(hostile).headers["x-governance-target"] == "cerebras/m"


def test_a_callers_own_key_is_sent_to_one_provider_alone(hostile, recorder) -> None:
    recorder.failing = {"cerebras"}
    answer = ask(hostile, api_key="sk-of-the-caller", fallbacks=["groq/m"])

    assert answer.status_code == 503
    assert [(path.split("/")[1], headers["authorization"]) for path, headers, _ in recorder.requests] == [
        ("cerebras", "Bearer sk-of-the-caller")
    ]
    recorder.failing = set()
    assert ask(hostile).headers["x-governance-target"] == "cerebras/m"
    assert recorder.requests[-1][1]["authorization"] == "Bearer not-a-key"


def test_a_request_that_is_not_logged_is_counted_all_the_same(hostile) -> None:
    answer = ask(hostile, **{"no-log": True})

    record = hostile.decision(answer.headers["x-governance-decision-id"])
    assert record["usage"]["input_tokens"] + record["usage"]["output_tokens"] == USAGE["total_tokens"]


def test_what_extra_body_adds_reaches_the_provider_and_is_reserved(hostile, recorder) -> None:
    answer = ask(hostile, extra_body={"n": 3, "guided_json": {"type": "object"}}, max_tokens=1000)

    assert answer.status_code == 200, answer.text
    assert recorder.requests[-1][2]["n"] == 3
    record = hostile.decision(answer.headers["x-governance-decision-id"])
    assert max(w["reserved"] for w in record["windows"] if w["unit"] == "tokens") >= 3000


def test_headers_that_litellm_obeys_are_refused_unless_they_are_listed(hostile, recorder) -> None:
    answer = ask(hostile, headers={"x-litellm-disable-callbacks": "governance"})

    assert answer.status_code == 400
    assert recorder.requests == []
    assert ask(hostile, headers={"x-litellm-timeout": "3", "x-litellm-tags": "a"}).status_code == 200


def windows(proxy, model: str, target: str) -> dict[str, int]:
    record = proxy.decision(ask(proxy, model).headers["x-governance-decision-id"])
    return {w["unit"]: w["used_before"] for w in record["windows"] if w["subject"] == f"target:{target}"}


def test_a_body_that_litellm_stumbles_over_is_the_callers_mistake_and_nobody_elses(hostile, recorder) -> None:
    before = windows(hostile, "two/m", "cerebras/m")
    recorder.requests.clear()

    for _ in range(3):
        answer = ask(hostile, "foreign/m", tools=[{"type": "function"}])
        assert answer.status_code == 400, answer.text
        record = hostile.decision(answer.headers["x-governance-decision-id"])
        assert [(a["target"], a["outcome"]) for a in record["attempts"]] == [("anthropic/m", "failed")]
    assert recorder.requests == []
    assert ask(hostile).headers["x-governance-target"] == "cerebras/m"
    assert windows(hostile, "two/m", "cerebras/m")["requests"] == before["requests"] + 2


@pytest.mark.parametrize(
    ("piece", "pieces", "headers"),
    [("and again ", 150, {}), ("word", 40, {"x-litellm-stream-timeout": "1"})],
)
def test_a_stream_that_litellm_ends_counts_what_was_delivered(
    hostile, recorder, piece: str, pieces: int, headers: dict[str, str]
) -> None:
    recorder.piece, recorder.pieces = piece, pieces
    body = {"model": "two/streamed", "stream": True, **CHAT}
    with hostile.client.stream("POST", "/v1/chat/completions", json=body, headers=headers) as answer:
        decision_id = answer.headers["x-governance-decision-id"]
        for _ in answer.iter_lines():
            pass

    record = hostile.decision(decision_id)
    assert record["usage"]["output_tokens"] >= 30
    assert record["usage"]["input_tokens"] > 0
    recorder.requests.clear()
    assert ask(hostile).headers["x-governance-target"] == "cerebras/m"
