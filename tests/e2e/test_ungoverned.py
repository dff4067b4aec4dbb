"""Endpoints that nothing counts: shut for whom a limit binds, open for all others and where the policy says so."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest

from tests.e2e.conftest import key

POLICY = """\
version: 1
access: {ungoverned: [search]}
budgets:
  - {name: spent, subject: {team: poor}, amount: 0.000001 USD/day}
rate_limits:
  - {name: shadow, subject: everyone, requests: 1/day, mode: shadow}
  - {name: chats, subject: {team: talkers}, match: 'request_type == "chat"', requests: 1000/day}
"""
POOR, TALKER, FREE = key(team_id="poor"), key(team_id="talkers"), key(team_id="rich")
CHAT = {"model": "openai/m", "messages": [{"role": "user", "content": "Hello"}]}


class Recorder:
    """Any provider: keeps what it was asked, and answers with an empty object."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        recorder = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                self.rfile.read(int(self.headers.get("content-length") or 0))
                recorder.asked.append(f"{self.command} {self.path}")
                content = json.dumps({"id": "x", "object": "x"}).encode()
                self.send_response(200)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = answer

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture(scope="module")
def recorder() -> Iterator[Recorder]:
    recorder = Recorder()
    yield recorder
    recorder.close()


def deployment(name: str, **parameters: str) -> dict[str, Any]:
    return {"model_name": name, "litellm_params": {"model": name, "api_key": "not-a-key", **parameters}}


@pytest.fixture(scope="module")
def shut(start, configuration, recorder):
    config = configuration()
    for entry in config["model_list"]:
        entry["litellm_params"]["api_base"] = recorder.url
    aws = {"aws_access_key_id": "x", "aws_secret_access_key": "x", "aws_region_name": "us-east-1"}
    config["model_list"] += [
        deployment("mistral/ocr", api_base=recorder.url),
        {**deployment("hosted_vllm/m", api_base=recorder.url), "model_name": "relayed"},
        deployment("bedrock/anthropic.claude-3", aws_bedrock_runtime_endpoint=recorder.url, **aws),
    ]
    config["search_tools"] = [
        {
            "search_tool_name": "finder",
            "litellm_params": {"search_provider": "perplexity", "api_key": "x", "api_base": recorder.url},
        }
    ]
    with pytest.MonkeyPatch.context() as environment:
        for provider in ("OPENAI", "MISTRAL", "GEMINI", "ANTHROPIC", "COHERE", "HOSTED_VLLM", "VLLM"):
            environment.setenv(f"{provider}_API_BASE", recorder.url)
            environment.setenv(f"{provider}_API_KEY", "not-a-key")
        with start(POLICY, config) as running:
            yield running


@pytest.fixture(autouse=True)
def quiet(recorder: Recorder) -> None:
    recorder.asked.clear()


def ask(proxy, path: str, body: dict[str, Any], caller: str, method: str = "POST") -> httpx.Response:
    answer: httpx.Response = proxy.client.request(
        method, path, json=body, headers={"authorization": f"Bearer {caller}"}
    )
    return answer


SHUT: dict[str, tuple[str, dict[str, Any]]] = {
    "/v1/videos": ("videos", {"model": "openai/sora-2", "prompt": "a cat"}),
    "/v1/videos/video_1/remix": ("videos", {"prompt": "a dog"}),
    "/v1/ocr": ("ocr", {"model": "mistral/ocr", "document": {"type": "document_url", "document_url": "https://x/y"}}),
    "/v1beta/interactions": ("interactions", {"model": "gemini/gemini-2.5-flash", "input": "Hello"}),
    "/interactions": ("interactions", {"agent": "deep-research", "input": "Hello"}),
    "/v1/responses/compact": ("responses_compact", {"model": "openai/m", "input": "Hello"}),
    "/bedrock/model/bedrock/anthropic.claude-3/converse": (
        "model_pass_through",
        {"messages": [{"role": "user", "content": [{"text": "Hello"}]}]},
    ),
    "/bedrock/model/bedrock/anthropic.claude-3/invoke": ("model_pass_through", {"prompt": "Hello"}),
    "/vllm/v1/chat/completions": ("model_pass_through", {**CHAT, "model": "relayed"}),
    "/v1/vector_stores": ("vector_stores", {"name": "x"}),
    "/v1/vector_stores/vs_1/search": ("vector_stores", {"query": "x"}),
    "/v1/containers": ("containers", {"name": "x"}),
    "/v1/realtime/client_secrets": ("realtime", {"session": {"type": "realtime", "model": "openai/gpt-realtime"}}),
    "/v1/realtime/transcription_sessions": ("realtime", {"model": "openai/gpt-realtime"}),
    "/v1/batches": (
        "batches",
        {"input_file_id": "f", "endpoint": "/v1/chat/completions", "completion_window": "24h"},
    ),
    "/openai/v1/batches": (
        "batches",
        {"input_file_id": "f", "endpoint": "/v1/chat/completions", "completion_window": "24h"},
    ),
    "/v1/files": ("files", {}),
    "/v1/fine_tuning/jobs": ("fine_tuning", {"model": "openai/m", "training_file": "f"}),
    "/v1/threads": ("assistants", {}),
    "/v1/threads/t/runs": ("assistants", {"assistant_id": "a"}),
    "/v1/rag/query": ("rag", {**CHAT, "retrieval_config": {"vector_store_id": "x"}}),
    "/v1/evals": ("evals", {"name": "x"}),
    "/a2a/agent": ("agents", {"jsonrpc": "2.0", "id": "1", "method": "message/send", "params": {}}),
    "/queue/chat/completions": ("queue", {**CHAT, "priority": 0}),
}


@pytest.mark.parametrize("caller", [POOR, TALKER], ids=["spent", "limited"])
@pytest.mark.parametrize("path", SHUT)
def test_what_nothing_counts_is_shut_for_whom_a_limit_binds(shut, recorder, path: str, caller: str) -> None:
    name, body = SHUT[path]

    answer = ask(shut, path, body, caller)

    assert answer.status_code == 403, answer.text
    assert "endpoint_not_governed" in answer.text
    assert f"ungoverned: [{name}]" in answer.text
    assert recorder.asked == []


@pytest.mark.parametrize(
    "path",
    [
        "/v1/videos",
        "/v1/ocr",
        "/v1/responses/compact",
        "/v1/vector_stores",
        "/v1/containers",
        "/bedrock/model/bedrock/anthropic.claude-3/converse",
        "/vllm/v1/chat/completions",
        "/v1/realtime/client_secrets",
    ],
)
def test_and_open_for_whom_none_binds(shut, recorder, path: str) -> None:
    answer = ask(shut, path, SHUT[path][1], FREE)

    assert "endpoint_not_governed" not in answer.text
    assert len(recorder.asked) == 1, answer.text


def test_and_where_the_policy_opens_it(shut, recorder) -> None:
    answer = ask(shut, "/v1/search/finder", {"query": "cats"}, POOR)

    assert "endpoint_not_governed" not in answer.text
    assert len(recorder.asked) == 1, answer.text


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/openai_passthrough/v1/chat/completions", CHAT),
        ("/openai/v1/embeddings", {"model": "m", "input": "Hello"}),
        ("/gemini/v1beta/models/gemini-2.5-flash:generateContent", {"contents": [{"parts": [{"text": "Hello"}]}]}),
        ("/mistral/v1/chat/completions", CHAT),
        ("/raw/chat", CHAT),
        ("/v1/images/edits", {"model": "openai/gpt-image-1", "prompt": "a cat", "image": "x"}),
        ("/v1/images/generations", {"prompt": "a cat"}),
        ("/v1/moderations", {"input": "Hello"}),
        ("/v1/chat/completions", CHAT),
    ],
)
def test_what_is_counted_is_refused_to_whose_money_is_spent(shut, recorder, path: str, body: dict[str, Any]) -> None:
    answer = ask(shut, path, body, POOR)

    assert 400 <= answer.status_code < 500, answer.text
    assert recorder.asked == []


def test_what_costs_nothing_stays_open(shut, recorder) -> None:
    for path in ("/v1/files/f", "/v1/videos/video_1", "/v1/responses/resp_1", "/v1/batches/b"):
        answer = ask(shut, path, {}, POOR, "GET")

        assert "endpoint_not_governed" not in answer.text
    assert len(recorder.asked) >= 2
    assert ask(shut, "/v1/models", {}, POOR, "GET").status_code == 200
    assert ask(shut, "/v1/responses/resp_1/cancel", {}, POOR).status_code != 403


def test_what_is_said_on_a_web_socket_is_not_begun(shut, recorder) -> None:
    answer = httpx.get(
        f"{shut.url}/v1/realtime?model=openai/gpt-realtime",
        headers={
            "authorization": f"Bearer {POOR}",
            "connection": "Upgrade",
            "upgrade": "websocket",
            "sec-websocket-version": "13",
            "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
        },
    )

    assert answer.status_code == 403, answer.text
    assert recorder.asked == []


def test_each_is_told_in_metrics_and_in_the_record(shut) -> None:
    answer = ask(shut, *("/v1/ocr", SHUT["/v1/ocr"][1]), POOR)
    record = shut.decision(answer.headers["x-governance-decision-id"])
    page = shut.client.get("/governance/metrics").text

    assert record["outcome"] == "refuse"
    assert record["request"]["request_type"] == "ocr"
    assert 'governance_ungoverned_total{endpoint="ocr",outcome="refused"}' in page
    assert 'governance_ungoverned_total{endpoint="search",outcome="passed"}' in page
